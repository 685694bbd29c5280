import { databasesOf } from "../databases";
import { ROSTER } from "../kinds";
import { texts } from "../plain";
import { stackRule } from "../rule";

/** That a database also stays on the server when its entry goes (retainOnDelete) is not shown to policies. */
export const databaseProtected = stackRule({
  name: "database-protected",
  description: "A database that was not retired cannot be deleted by a run.",
  severity: "critical",
  remediationSteps: "Set the option `protect: true`. To give a database up see docs/retire-a-database.md.",
  *faults(resources) {
    const retired = new Set(
      resources.filter(({ type }) => type === ROSTER).flatMap(({ props }) => texts(props.retired)),
    );
    for (const { resource, name } of databasesOf(resources)) {
      if (!resource.opts.protect && !retired.has(name))
        yield { at: resource, fault: `${name} is not protected` };
    }
  },
});
