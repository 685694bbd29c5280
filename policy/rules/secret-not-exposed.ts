import { generatorsOf } from "../accounts";
import { RANDOM_PASSWORD } from "../kinds";
import type { Value } from "../plain";
import { type Standing, stackRule } from "../rule";
import { textList } from "../settings";

interface Config {
  secretOutputs: string[];
}

const OPEN = ["create", "update", "delete", "environment", "triggers", "interpreter", "dir"];

/**
 * A command line shows in the process list of its host and in the state; standard input in neither. What a policy cannot
 * see is whether an output is sealed: the outputs that may hold passwords are listed, and the program's tests prove
 * that they are sealed.
 */
export const secretNotExposed = stackRule<Config>({
  name: "secret-not-exposed",
  description:
    "No password is in a command line, in the environment of a command or in an output that is not sealed.",
  severity: "critical",
  remediationSteps: "Hand the secret over in `stdin`; export it only within the sealed outputs.",
  config: {
    secretOutputs: textList("Outputs of the stack that are sealed and may hold passwords", [
      "admins",
      "backup",
      "connections",
      "redis",
      "wrappingSecrets",
    ]),
  },
  *faults(resources, { secretOutputs }) {
    const made = generatorsOf(resources)
      .map(({ props }) => props.result)
      .filter((value) => typeof value === "string");
    const exposes = ({ props, madeFrom }: Standing, property: string) =>
      (madeFrom[property] ?? []).some(({ type }) => type === RANDOM_PASSWORD) || holds(props[property], made);
    for (const at of resources) {
      if (at.type.startsWith("command:")) {
        for (const property of OPEN)
          if (exposes(at, property)) yield { at, fault: `${property} holds a password. Use stdin` };
      }
      if (at.type === "pulumi:pulumi:Stack") {
        for (const name of Object.keys(at.props)) {
          if (secretOutputs.includes(name) || !holds(at.props[name], made)) continue;
          yield { at, fault: `the output ${name} holds a password. Take it out` };
        }
      }
    }
  },
});

function holds(value: Value, secrets: readonly string[]): boolean {
  if (typeof value === "string") return secrets.some((secret) => value.includes(secret));
  if (Array.isArray(value)) return value.some((item) => holds(item, secrets));
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, item]) => holds(key, secrets) || holds(item, secrets));
}
