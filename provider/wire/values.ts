import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { type Properties, UNKNOWN, type Value } from "./kind";

/** Marks an object on Pulumi's wire as something else than a plain object; the value says what. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";
const RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e";

/** What the engine sends for a value of unknown type; the sentinels below it are for values of a known type. */
const UNKNOWN_SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const UNKNOWN_SENTINELS: ReadonlySet<string> = new Set([
  UNKNOWN_SENTINEL,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // bool
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // array
  "030794c1-ac77-496b-92df-f27374a8bd58", // asset
  "e48ece36-62e2-4504-bad9-02848725956a", // archive
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

/** Whether the engine takes a text, as a value or as the name of one, for a mark of its own. */
export function isMark(text: string): boolean {
  return text === SIGNATURE || UNKNOWN_SENTINELS.has(text);
}

/** Plain values of a message, the top-level names that are, or hold, a secret, and the path of each secret. */
export interface Unwrapped {
  values: Properties;
  secrets: Set<string>;
  /** `connection`, `connection.privateKey`, `passwords[0]` */
  paths: Set<string>;
}

/**
 * A message's values with secrets unwrapped and unknown ones as UNKNOWN.
 * Assets and archives stay as they are on the wire. @throws on resource references, which no kind here takes.
 */
export function fromStruct(struct: Struct | undefined): Unwrapped {
  const values: Record<string, Value> = {};
  const secrets = new Set<string>();
  const paths = new Set<string>();
  for (const [name, raw] of Object.entries(struct?.toJavaScript() ?? {})) {
    values[name] = unwrap(raw, name, (path) => {
      secrets.add(name);
      paths.add(path);
    });
  }
  return { values, secrets, paths };
}

type OnSecret = (path: string) => void;

function unwrap(raw: JavaScriptValue, path: string, onSecret: OnSecret): Value {
  if (typeof raw === "string") return UNKNOWN_SENTINELS.has(raw) ? UNKNOWN : raw;
  if (raw === null || typeof raw !== "object") return raw;
  if (Array.isArray(raw)) return raw.map((item, index) => unwrap(item, `${path}[${index}]`, onSecret));
  const object = raw as Record<string, JavaScriptValue>;
  if (SIGNATURE in object) return unwrapSpecial(object, path, onSecret);
  const plain: Record<string, Value> = {};
  for (const [key, item] of Object.entries(object)) plain[key] = unwrap(item, `${path}.${key}`, onSecret);
  return plain;
}

function unwrapSpecial(object: Record<string, JavaScriptValue>, path: string, onSecret: OnSecret): Value {
  switch (object[SIGNATURE]) {
    case SECRET:
      onSecret(path);
      return unwrap(object.value ?? null, path, onSecret);
    case OUTPUT:
      if (object.secret === true) onSecret(path);
      return "value" in object ? unwrap(object.value ?? null, path, onSecret) : UNKNOWN;
    case ASSET:
    case ARCHIVE:
      // Stays as it came (path, text, hash), signature and all, so that it goes back into the state as an asset.
      return object as Properties;
    case RESOURCE:
      throw new Error(`${path} is a resource; give one of its properties`);
    default:
      throw new Error(`${path} has a kind of value that this provider does not understand`);
  }
}

/**
 * Values as a message; what `secrets` names, `password` or `connection.privateKey`, is marked secret as a whole. Undefined
 * values are left out.
 */
export function toStruct(values: object, secrets: Iterable<string> = []): Struct {
  const marked = new Set(secrets);
  const wrapped: Record<string, JavaScriptValue> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) wrapped[name] = wrap(value, name, marked);
  }
  return Struct.fromJavaScript(wrapped);
}

function wrap(value: unknown, path: string, marked: ReadonlySet<string>): JavaScriptValue {
  const plain = wrapPlain(value, path, marked);
  return marked.has(path) ? { [SIGNATURE]: SECRET, value: plain } : plain;
}

function wrapPlain(value: unknown, path: string, marked: ReadonlySet<string>): JavaScriptValue {
  if (value === UNKNOWN) return UNKNOWN_SENTINEL;
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw new Error(`${path} is ${value}, which cannot be kept in the state`);
  }
  if (Array.isArray(value))
    return value.map((item, index) => wrap(item ?? null, `${path}[${index}]`, marked));
  if (typeof value === "object") {
    const plain: Record<string, JavaScriptValue> = {};
    for (const [key, item] of Object.entries(value)) {
      if (item !== undefined) plain[key] = wrap(item, `${path}.${key}`, marked);
    }
    return plain;
  }
  throw new Error(`${path} is a ${typeof value}, which cannot be kept in the state`);
}

/** Whether any value in it, at any depth, is not known yet. */
export function hasUnknown(value: Value | undefined): boolean {
  if (value === UNKNOWN) return true;
  if (value === null || typeof value !== "object") return false;
  return Object.values(value).some(hasUnknown);
}
