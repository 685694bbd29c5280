import { isUnknown, object, show, texts, type Value } from "../plain";
import { isReserved } from "../roles";
import { resourceRule } from "../rule";

/** Of what it cannot see (deletedWith, retainOnDelete, a trigger) the types that hold data are refused as a whole. */
export const officialPostgresNarrow = resourceRule({
  name: "official-postgres-narrow",
  description: "What @pulumi/postgresql makes has no power, holds no data and tells no server a password.",
  severity: "critical",
  remediationSteps: "Use the project's own kinds for whatever holds data or rights: docs/architecture.md.",
  types: /^(?:postgresql:|pulumi:providers:postgresql$)/,
  *faults({ type, props, sealed }) {
    if (typeof props.password === "string" && !sealed("password"))
      yield "password is not sealed. Make it a secret";
    const { sslmode, superuser, password, encryptedPassword, conninfo, fdwName } = props;
    const connects = type === "pulumi:providers:postgresql" || sslmode !== undefined;
    if (connects && !isUnknown(sslmode) && sslmode !== "verify-full") {
      yield `sslmode is ${show(sslmode)}, so any server could answer. Use "verify-full"`;
    }
    if (String(superuser) === "true") yield "superuser is true: a power over the whole server. Leave it out";
    for (const [property, value] of Object.entries<Value>({ password, encryptedPassword })) {
      if (value === undefined || isUnknown(value) || props.sslmode !== undefined || props.host !== undefined)
        continue;
      if (!String(value).startsWith("SCRAM-SHA-256$"))
        yield `${property} reaches the server's log in clear. Give a SCRAM verifier`;
    }
    for (const property of ["name", "userName", "owner", "serverOwner"]) {
      if (isTaken(props[property]))
        yield `${property} is ${show(props[property])}, which is not for this. Name a role of its own`;
    }
    for (const role of texts(props.roles)) {
      if (isTaken(role)) yield `roles holds ${show(role)}: it would take what that may do`;
    }
    for (const path of texts(props.searchPaths)) {
      if (!/^[a-z_][a-z0-9_]*$/.test(path)) yield `searchPaths holds ${show(path)}. Name a schema`;
    }
    if (fdwName !== undefined && !isUnknown(fdwName) && fdwName !== "postgres_fdw") {
      yield `fdwName is ${show(fdwName)}. Only postgres_fdw asks for rows and nothing else`;
    }
    if (typeof conninfo === "string") yield* libpq("conninfo", wordsOf(conninfo), true);
    // What stands here is kept in the catalogue, in clear.
    if (type === "postgresql:index/server:Server" && !isUnknown(props.options))
      yield* libpq("options", Object.entries(object(props.options)), true);
    if (type === "postgresql:index/userMapping:UserMapping")
      yield* libpq("options", Object.entries(object(props.options)), false);
  },
});

/** Words of libpq by which a server reaches another one; none holds a password. */
const WORDS = ["host", "port", "dbname", "user", "sslrootcert", "connect_timeout", "application_name"];

/** `host=db sslmode=verify-full`; undefined: it has another form. */
function wordsOf(conninfo: string): [word: string, value: Value][] | undefined {
  const words = conninfo.trim().split(/\s+/);
  if (!words.every((each) => /^[a-z_]+=[^\s'\\]*$/.test(each))) return undefined;
  return words.map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)]);
}

function* libpq(
  property: string,
  words: readonly [string, Value][] | undefined,
  connects: boolean,
): Iterable<string> {
  if (!words) {
    yield `${property} is no list of word=value, in which nothing is quoted. Write it so`;
    return;
  }
  const modes = words.filter(([word]) => word === "sslmode").map(([, value]) => value);
  if (connects && !modes.some(isUnknown) && modes.join() !== "verify-full")
    yield `${property} does not verify its server. Set sslmode to verify-full, once`;
  for (const [word] of words) {
    if (!WORDS.includes(word) && !(connects && word === "sslmode"))
      yield `${property} holds ${word}, which this pack does not know. Leave it out`;
  }
}

/** The server's, the program's, a service's or an owner's. */
function isTaken(role: Value): boolean {
  return typeof role === "string" && (isReserved(role) || /^svc_|_owner$/i.test(role));
}
