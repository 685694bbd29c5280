import { finderOf, isCredential } from "../encodings";
import { ACCESS_KEY, CLIENT_CERTIFICATE, RANDOM_PASSWORD, REMOTE_COMMAND, ROW_SECURITY } from "../kinds";
import { allLeavesOf } from "../known/paths";
import { isUnknown, object, type Value } from "../plain";
import { type Standing, stackRule } from "../rule";
import { textList } from "../settings";

interface Config {
  secretOutputs: string[];
  openOutputs: string[];
}

/** Shorter ones would be found in texts that hold none. */
const LEAST = 12;
/** Outputs that are secrets, by the type that makes them. */
const MAKES: Readonly<Record<string, readonly string[]>> = {
  [RANDOM_PASSWORD]: ["result", "bcryptHash"],
  [ACCESS_KEY]: ["secret", "encryptedSecret", "sesSmtpPasswordV4", "encryptedSesSmtpPasswordV4"],
};
const OPEN = ["create", "update", "delete", "environment", "triggers", "interpreter", "dir"];

/**
 * A command line shows in the process list of its host and in the state; standard input in neither. An output is shown to
 * everybody who may read the stack, unless it is sealed. Encoded, a secret is as good as in clear.
 */
export const secretNotExposed = stackRule<Config>({
  name: "secret-not-exposed",
  description:
    "No secret is in a command line, in a value or in an output that is not sealed, encoded or not.",
  severity: "critical",
  remediationSteps:
    "Hand the secret over in `stdin`; keep it sealed; export it only within the sealed outputs.",
  config: {
    secretOutputs: textList("Outputs of the stack that hold secrets, and so are sealed", [
      "admins",
      "backup",
      "connections",
      "redis",
      "wrappingSecrets",
    ]),
    openOutputs: textList("Outputs that hold none", ["rotations"]),
  },
  *faults(resources, { secretOutputs, openOutputs }) {
    const holds = finderOf(secretsOf(resources));
    for (const at of resources) {
      if (at.name.length >= LEAST && (holds(at.name) || isCredential(at.name)))
        yield { at, fault: "the resource's name holds a secret" };
      if (at.type === "pulumi:pulumi:Stack") yield* outputs(at, secretOutputs, openOutputs, holds);
      else yield* values(at, holds);
    }
  },
});

type Finder = (text: string) => boolean;

/** What this stack made, and what it signs and writes with. */
function secretsOf(resources: readonly Standing[]): string[] {
  const found = resources.flatMap(({ type, props, inputs }) => {
    if (type === RANDOM_PASSWORD) return [props.result];
    if (type === ACCESS_KEY) return [props.secret, props.sesSmtpPasswordV4];
    if (type === REMOTE_COMMAND) return linesOf(object(inputs.connection).privateKey);
    if (type === CLIENT_CERTIFICATE)
      return [...Object.values(object(props.certificates)), props.authorityKey].flatMap((key) =>
        linesOf(key as Value),
      );
    if (type === ROW_SECURITY) return Object.values(object(inputs.keys));
    return [];
  });
  return found.filter((value): value is string => typeof value === "string" && value.length >= LEAST);
}

/** Each line of a key's body gives a part of it away. */
function linesOf(key: Value): string[] {
  return typeof key === "string" ? key.split("\n").filter((line) => !line.startsWith("-----")) : [];
}

function* outputs(at: Standing, sealedOnes: readonly string[], open: readonly string[], holds: Finder) {
  for (const [name, value] of Object.entries(at.props)) {
    if (sealedOnes.includes(name)) {
      // Of one that is not known yet the engine does not say it.
      if (!isUnknown(value) && !at.sealed(name))
        yield { at, fault: `the output ${name} is not sealed. Make it a secret` };
    } else if (holdsAny(value, (text) => holds(text) || isCredential(text)))
      yield { at, fault: `the output ${name} holds a password. Take it out` };
    else if (!open.includes(name) && !isUnknown(value) && !at.sealed(name)) {
      yield {
        at,
        fault: `the output ${name} is not known here, and not sealed. Seal it, or add it to openOutputs`,
      };
    }
  }
}

function* values(at: Standing, holds: Finder) {
  const { type, inputs, madeFrom } = at;
  const command = type.startsWith("command:");
  for (const [property, value] of Object.entries(inputs)) {
    // What makes secrets holds them, sealed by its kind.
    if (MAKES[type]?.includes(property)) continue;
    const open = command && OPEN.includes(property);
    if (open && typeof value === "string" && isCredential(value))
      yield { at, fault: `${property} holds a credential. Use stdin` };
    const made = open && (madeFrom[property] ?? []).some((source) => source.type === RANDOM_PASSWORD);
    // A command line is open whether its text is sealed or not; of other values the seal decides.
    if (made || (open && holdsAny(value, holds)))
      yield { at, fault: `${property} holds a password. Use stdin` };
    else if (!open && !at.sealedInput(property) && leaks(at, property, value, holds)) {
      yield { at, fault: `${property} holds a secret and is not sealed` };
    }
  }
}

function leaks(at: Standing, property: string, value: Value, holds: Finder): boolean {
  for (const { path, segments, value: text } of allLeavesOf({ [property]: value })) {
    // A key is no more sealed than its name.
    if (segments.some((segment) => segment.length >= LEAST && (holds(segment) || isCredential(segment))))
      return true;
    if (typeof text !== "string" || text.length < LEAST || at.sealedInput(path)) continue;
    if (holds(text) || isCredential(text)) return true;
  }
  return false;
}

function holdsAny(value: Value, holds: Finder): boolean {
  if (typeof value === "string") return holds(value);
  if (Array.isArray(value)) return value.some((item) => holdsAny(item, holds));
  return Object.entries(object(value)).some(([key, item]) => holds(key) || holdsAny(item, holds));
}
