import { quoteIdentifier as id } from "../../../text/postgres";
import { type AccessInputs, type AccessOnServer, byKey, type Holding, wantedHoldings } from "./access";
import {
  type GrantObject,
  objectText,
  parseDefaultGrantKey,
  parseGrantKey,
  splitFunction,
} from "./grant-key";
import { privilegeSql, privilegeText } from "./privileges";

export interface AccessPlan {
  statements: string[];
  /** What is there and should not be, or should be and is not, in words. Empty: nothing to do. */
  differences: string[];
  /** What has to be put right outside first. */
  faults: string[];
}

/** The fewest statements that turn what is there into what is declared: one for each grantee and set of privileges. */
export function planAccess(inputs: AccessInputs, database: string, server: AccessOnServer): AccessPlan {
  const wanted = wantedHoldings(inputs.grants, parseGrantKey, server);
  const wantedDefaults = wantedHoldings(inputs.defaultGrants, parseDefaultGrantKey, server);
  const faults = [
    ...inputs.schemas
      .filter((name) => !server.schemas.includes(name))
      .map((name) => `schema "${name}" does not exist`),
    ...inputs.owners
      .filter((name) => !server.owners.includes(name))
      .map((name) => `owner "${name}" does not exist`),
    ...wanted.faults,
    ...wantedDefaults.faults,
  ];
  const objects = difference(wanted.holdings, server.holdings);
  const defaults = difference(wantedDefaults.holdings, server.defaultHoldings);
  const extra = [...objects.extra, ...defaults.extra];
  const missing = [...objects.missing, ...defaults.missing];
  return {
    // REVOKE on a table takes the same privilege on its columns along: what is missing comes last, and a second look
    // after it finds the rest.
    statements: [...revokes(extra, database), ...grants(missing, database)],
    differences: [
      ...extra.map((holding) => `${describe(holding)} is there and not declared`),
      ...missing.map((holding) => `${describe(holding)} is missing`),
    ],
    faults,
  };
}

function difference(
  wanted: readonly Holding[],
  there: readonly Holding[],
): { extra: Holding[]; missing: Holding[] } {
  const wantedKeys = byKey(wanted);
  const thereKeys = byKey(there);
  return {
    extra: [...thereKeys].filter(([key]) => !wantedKeys.has(key)).map(([, holding]) => holding),
    missing: [...wantedKeys].filter(([key]) => !thereKeys.has(key)).map(([, holding]) => holding),
  };
}

function describe({ grantee, object, privilege }: Holding): string {
  return `${privilegeText(privilege)} of ${grantee} on ${objectText(object)}`;
}

/**
 * What somebody else than the owner granted rests on a grant option, and no grant option is ever declared: revoking
 * those with CASCADE takes it along. A plain REVOKE would leave it there without a word.
 */
function revokes(extra: readonly Holding[], database: string): string[] {
  const whole = new Set(
    extra
      .filter(({ privilege }) => !privilege.grantOption && !privilege.grantor)
      .map((holding) => describe(holding)),
  );
  const ours = extra.filter(({ privilege }) => privilege.grantor === undefined);
  const options = ours.filter(
    (holding) =>
      holding.privilege.grantOption &&
      !whole.has(describe({ ...holding, privilege: { ...holding.privilege, grantOption: false } })),
  );
  const plain = ours.filter(({ privilege }) => !privilege.grantOption);
  return [
    ...statements(
      options,
      database,
      (privileges, on, who) => `REVOKE GRANT OPTION FOR ${privileges} ON ${on} FROM ${who} CASCADE`,
    ),
    ...statements(
      plain,
      database,
      (privileges, on, who) => `REVOKE ${privileges} ON ${on} FROM ${who} CASCADE`,
    ),
  ];
}

function grants(missing: readonly Holding[], database: string): string[] {
  return statements(missing, database, (privileges, on, who) => `GRANT ${privileges} ON ${on} TO ${who}`);
}

type Write = (privileges: string, on: string, grantee: string) => string;

/** Objects of one kind on which one grantee gets or loses the same privileges share a statement. */
function statements(holdings: readonly Holding[], database: string, write: Write): string[] {
  const byObject = group(holdings, ({ grantee, object }) => `${grantee}\n${objectText(object)}`);
  const alike = group(byObject, (held) => {
    const [first] = held;
    const { object, grantee } = first;
    const scope = object.kind === "default" ? objectText(object) : object.kind;
    return [grantee, scope, ...held.map(({ privilege }) => privilegeSql(privilege)).sort()].join("\n");
  });
  return alike.map((objects) => {
    const [[first]] = objects;
    const privileges = objects[0].map(({ privilege }) => privilegeSql(privilege)).join(", ");
    const grantee = first.grantee === "public" ? "PUBLIC" : id(first.grantee);
    const { object } = first;
    if (object.kind === "default")
      return forDefaults(object, write(privileges, DEFAULT_WORDS[object.of], grantee));
    const names = objects.map(([{ object: each }]) => objectSql(each, database)).join(", ");
    return write(privileges, `${WORDS[object.kind]} ${names}`, grantee);
  });
}

type NonEmpty<T> = [T, ...T[]];

function group<T>(items: readonly T[], key: (item: T) => string): NonEmpty<T>[] {
  const groups = new Map<string, NonEmpty<T>>();
  for (const item of items) {
    const found = groups.get(key(item));
    if (found) found.push(item);
    else groups.set(key(item), [item]);
  }
  return [...groups.values()];
}

/** ROUTINE: procedures and aggregates too. */
const WORDS = {
  database: "DATABASE",
  schema: "SCHEMA",
  table: "TABLE",
  sequence: "SEQUENCE",
  function: "ROUTINE",
  type: "TYPE",
};
const DEFAULT_WORDS = {
  table: "TABLES",
  sequence: "SEQUENCES",
  function: "ROUTINES",
  type: "TYPES",
  schema: "SCHEMAS",
};

function forDefaults({ owner, schema }: GrantObject & { kind: "default" }, statement: string): string {
  const where = schema === undefined ? "" : ` IN SCHEMA ${id(schema)}`;
  return `ALTER DEFAULT PRIVILEGES FOR ROLE ${id(owner)}${where} ${statement}`;
}

function objectSql(object: GrantObject, database: string): string {
  switch (object.kind) {
    case "database":
      return id(database);
    case "schema":
      return id(object.schema);
    case "function": {
      const [name, args] = splitFunction(object.name);
      return `${id(object.schema)}.${id(name)}${args}`;
    }
    case "default":
      throw new Error("default privileges have no object");
    default:
      return `${id(object.schema)}.${id(object.name)}`;
  }
}
