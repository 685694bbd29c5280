import { createRequire } from "node:module";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { joined } from "./known/paths";

/**
 * The engine tells a pack which values are sealed, and @pulumi/policy takes the seals off before a rule sees them. Here what
 * came in is kept beside what it was made to. The package's version is pinned, and a test sends a sealed value through it.
 */
const SEAL = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

type Deserialize = (struct: Struct, proxySecrets?: boolean) => object;
const wire = createRequire(__filename)("@pulumi/policy/deserialize") as {
  deserializeProperties: Deserialize;
};
const arrived = new WeakMap<object, Struct>();

const original = wire.deserializeProperties;
wire.deserializeProperties = (struct, proxySecrets) => {
  const props = original(struct, proxySecrets);
  arrived.set(props, struct);
  return props;
};

/** Whether the value at a path (`connection`, `rules[0].from`), or one that it is in, came sealed. */
export function sealsOf(props: object): (path: string) => boolean {
  // What a rule gets is a proxy; this is how it hands out what it stands for.
  const target = (props as { __getSpecialProxyTarget?: object }).__getSpecialProxyTarget ?? props;
  const struct = arrived.get(target);
  let seals: Set<string> | undefined;
  return (path) => {
    seals ??= new Set(struct ? sealedIn(struct.toJavaScript(), "") : []);
    return ancestors(path).some((each) => seals?.has(each));
  };
}

function* sealedIn(value: unknown, path: string): Generator<string> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* sealedIn(item, `${path}[${index}]`);
  } else if (typeof value === "object" && value !== null) {
    const fields = value as Record<string, unknown>;
    if (fields[SEAL] === SECRET) yield path;
    else for (const [key, item] of Object.entries(fields)) yield* sealedIn(item, joined(path, key));
  }
}

/** `a.b[0]` -> `a.b[0]`, `a.b`, `a`. */
function ancestors(path: string): string[] {
  const all = [path];
  for (let rest = path; /[.[]/.test(rest); ) {
    rest = rest.slice(0, Math.max(rest.lastIndexOf("."), rest.lastIndexOf("[")));
    all.push(rest);
  }
  return all;
}
