import type { Fault } from "../faults";
import { loginSlots } from "../naming";
import type { PostgresEntry } from "../types";
import { isInternal, roleOf, SERVICE } from "./roles";
import { alternatives, asksForContext, type CommandRule, commandRules, isAnyOf } from "./rules";
import type { RowRule, RowSecurityDeclaration } from "./types";

/** Names stay plain, so that policies, keys of the state and messages can be read without quotes. */
const NAME = /^[a-z][a-z0-9_]*$/;
const LONGEST_NAME = 63;
/** `record_event(audit_action, text)`; the types as `\df` writes them. */
const SIGNATURE = /^[a-z_][a-z0-9_]*\([a-z0-9_ ,."[\]]*\)$/;

/** Every fault of one declaration, with its path below `rowSecurity.<database>`. Empty: sound. */
export function rowSecurityFaults(
  declaration: RowSecurityDeclaration,
  entry: Pick<PostgresEntry, "name" | "owner" | "service" | "schema">,
): Fault[] {
  const faults: Fault[] = [];
  const fail: Fail = (path, value, fix) =>
    faults.push({ path: ["rowSecurity", declaration.database, path].join("."), value, fix });
  if (entry.schema.owner !== "program") {
    fail("database", entry.name, "its application owns the tables and would own the policies: declare none");
  }
  if (!NAME.test(declaration.schema)) fail("schema", declaration.schema, "a plain name such as public");
  checkIdentities(declaration, entry, fail);
  checkTables(declaration, fail);
  checkExceptions(declaration, fail);
  checkCallables(declaration, fail);
  return faults;
}

type Fail = (path: string, value: unknown, fix: string) => void;

function checkIdentities(
  declaration: RowSecurityDeclaration,
  { owner, service }: Pick<PostgresEntry, "owner" | "service">,
  fail: Fail,
): void {
  const taken = new Map<string, string>();
  const slots: string[] = loginSlots(service);
  for (const [identity, { purpose, role, internal }] of Object.entries(declaration.identities)) {
    const path = `identities.${identity}`;
    const is = roleOf(declaration, identity);
    if (!NAME.test(identity)) fail(path, identity, "a plain name: lower-case letters, digits and _");
    if (purpose.trim() === "") fail(`${path}.purpose`, purpose, "say in one line what it is for");
    if (!NAME.test(is) || is.length > LONGEST_NAME || is.startsWith("pg_") || slots.includes(is)) {
      fail(`${path}.role`, is, "a role of its own: a plain name of at most 63 characters");
    }
    if (identity === SERVICE && role !== undefined) {
      fail(`${path}.role`, role, `leave it out: the service's role is ${is}`);
    }
    if (internal !== undefined) {
      if (internal.trim() === "") fail(`${path}.internal`, internal, "say why it needs no signed context");
      if (identity === SERVICE) fail(`${path}.internal`, internal, "the service always shows a context");
    } else if (is === owner) {
      fail(`${path}.role`, is, "the owner is no service's to become: say why in `internal`, or name another");
    }
    const other = taken.get(is);
    if (other) fail(`${path}.role`, is, `${other} is this role already: every identity has its own`);
    taken.set(is, identity);
  }
}

function checkTables(declaration: RowSecurityDeclaration, fail: Fail): void {
  for (const [table, { access, personalData, tenantColumn }] of Object.entries(declaration.tables)) {
    const path = `tables.${table}`;
    if (!NAME.test(table) || table.length > LONGEST_NAME) fail(path, table, "a table's plain name");
    if (tenantColumn !== undefined && tenantColumn === "") {
      fail(`${path}.tenantColumn`, tenantColumn, "name the column, or leave it out");
    }
    if (personalData && Object.keys(access).length === 0) {
      fail(`${path}.access`, access, "it holds personal data: say who may see which rows");
    }
    for (const [identity, rules] of Object.entries(access)) {
      const at = `${path}.access.${identity}`;
      knownIdentity(declaration, identity, at, fail);
      const found = commandRules(rules);
      for (const rule of found) {
        const internal = isInternal(declaration, identity);
        checkRule(rule, `${at}.${rule.command}`, { internal, tenantColumn, fail });
      }
      const commands = found.map(({ command }) => command);
      const blind = commands.find((command) => command === "update" || command === "delete");
      if (blind && !commands.includes("select")) {
        fail(
          `${at}.${blind}`,
          "without select",
          "add a select: a WHERE cannot name a row that cannot be read",
        );
      }
    }
  }
}

interface RuleSurroundings {
  internal: boolean;
  tenantColumn: string | undefined;
  fail: Fail;
}

function checkRule(rule: CommandRule, path: string, around: RuleSurroundings): void {
  const { rows, becomes, columns } = rule;
  const { fail } = around;
  if (columns) {
    if (columns.length === 0) fail(`${path}.columns`, columns, "name the columns, or leave it out for all");
    const twice = columns.find((column, index) => columns.indexOf(column) < index);
    if (twice) fail(`${path}.columns`, twice, "stands there twice");
  }
  checkRows(rows, path, around);
  if (becomes !== rows) checkRows(becomes, `${path}.becomes`, around);
}

function checkRows(rule: RowRule, path: string, { internal, tenantColumn, fail }: RuleSurroundings): void {
  if (isAnyOf(rule)) {
    if (!rule.reason?.trim()) {
      fail(`${path}.reason`, rule.reason, "anyOf loses the index: say why that is good enough here");
    }
    if (rule.anyOf.length < 2) fail(`${path}.anyOf`, rule.anyOf, "at least two alternatives, or none");
  }
  for (const option of alternatives(rule) ?? []) {
    if (Object.keys(option).length === 0) fail(path, option, 'write "all" for every row');
    if (internal && asksForContext(option)) {
      fail(path, option, 'an internal identity has no context: "all" or constants');
    }
    for (const [column, condition] of Object.entries(option)) {
      if (condition === "tenant" && column !== (tenantColumn ?? column)) {
        fail(`${path}.${column}`, condition, `the tenant of this table is in ${tenantColumn}`);
      }
    }
  }
}

function checkExceptions(declaration: RowSecurityDeclaration, fail: Fail): void {
  for (const [table, exception] of Object.entries(declaration.exceptions)) {
    const path = `exceptions.${table}`;
    if (!NAME.test(table)) fail(path, table, "a table's plain name");
    if (table in declaration.tables) fail(path, table, "has rules too: keep one of the two");
    if (!exception.reason.trim()) {
      fail(`${path}.reason`, exception.reason, "say why nobody's rows have to be kept from anybody here");
    }
    for (const forbidden of ["tenantColumn", "personalData"] as const) {
      const value = (exception as Partial<Record<typeof forbidden, unknown>>)[forbidden];
      if (value) fail(`${path}.${forbidden}`, value, "a table with that needs rules: move it to `tables`");
    }
    for (const identity of exception.readers) knownIdentity(declaration, identity, `${path}.readers`, fail);
  }
}

function checkCallables(declaration: RowSecurityDeclaration, fail: Fail): void {
  for (const [signature, identities] of Object.entries(declaration.functions)) {
    const path = `functions["${signature}"]`;
    if (!SIGNATURE.test(signature)) {
      fail(path, signature, "a name with its argument types, as \\df writes them: pay(integer, text)");
    }
    for (const identity of identities) knownIdentity(declaration, identity, path, fail);
  }
  const relations = [
    ["views", declaration.views],
    ["sequences", declaration.sequences ?? {}],
  ] as const;
  for (const [kind, named] of relations) {
    for (const [name, identities] of Object.entries(named)) {
      const path = `${kind}.${name}`;
      if (!NAME.test(name)) fail(path, name, "a plain name");
      if (name in declaration.tables || name in declaration.exceptions) {
        fail(path, name, "is a table's name too: a relation has one name");
      }
      for (const identity of identities) knownIdentity(declaration, identity, path, fail);
    }
  }
}

function knownIdentity(
  declaration: RowSecurityDeclaration,
  identity: string,
  path: string,
  fail: Fail,
): void {
  if (Object.hasOwn(declaration.identities, identity)) return;
  const known = Object.keys(declaration.identities).join(", ") || "none";
  fail(path, identity, `no such identity; declared are ${known}`);
}
