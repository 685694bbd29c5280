import { KNOWN_TYPES } from "../known";
import { leavesOf, names } from "../known/paths";
import { isUnknown } from "../plain";
import { resourceRule } from "../rule";

/** Advisory: it is no fault of a program that a value is only known once something was made. */
export const previewComplete = resourceRule({
  name: "preview-complete",
  description: "Every value that a rule judges is known, and was judged.",
  severity: "low",
  level: "advisory",
  remediationSteps: "Nothing to do: the `up` judges what is named here before it touches the resource.",
  types: /^/,
  *faults({ type, props, opts }) {
    const { judged: byRule = {}, only = {} } = KNOWN_TYPES[type] ?? {};
    const judged = [...Object.keys(byRule), ...Object.keys(only)];
    const unknown = [...leavesOf(props)].filter(
      (leaf) => isUnknown(leaf.value) && judged.some((pattern) => names(pattern, leaf)),
    );
    const paths = unknown.map(({ path }) => path);
    // A program that does not know it yet says so, and keeps what was there.
    const kept = opts.ignoreChanges.filter(
      (path) => judged.includes(path) || judged.includes(path.replace(/\[.*/, "")),
    );
    const all = [...new Set([...paths, ...kept])].sort();
    if (all.length > 0) yield `not judged yet, for it is not known: ${all.join(", ")}`;
  },
});
