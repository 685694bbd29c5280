import { MIGRATIONS } from "../kinds";
import { migrationFacts } from "../migration-facts";
import { resourceRule } from "../rule";

export const migrationJudgeable = resourceRule({
  name: "migration-judgeable",
  description: "Of every migration it can be said what it does, and it does what a migration may.",
  severity: "critical",
  remediationSteps:
    "Write the statement out, so that it can be read; leave out what is declared elsewhere: docs/migrations.md.",
  types: [MIGRATIONS],
  *faults(resource) {
    const { facts, blind } = migrationFacts(resource);
    for (const id of blind) yield `${id} has neither text nor facts, so nobody can say what it does`;
    for (const { id, line, does, what } of facts) {
      if (does === "dynamic") yield `${id}, line ${line}: ${what}: nobody can say what it does. Write it out`;
      if (does === "unlisted") yield `${id}, line ${line}: ${what} is nothing that a migration may hold`;
    }
  },
});
