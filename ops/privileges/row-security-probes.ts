import { isInternal, roleOf, SERVICE } from "../../estate/row-security/roles";
import { COMMANDS, type Command, commandRules } from "../../estate/row-security/rules";
import type { RowSecurityDeclaration } from "../../estate/row-security/types";
import { quoteIdentifier, quoteString } from "../../text/postgres";
import { must, mustNot, mustNotFind, type PostgresProbe } from "./postgres-probe";

/** What the service may do with one table, and a column that it may do it to; a command that is not there is refused. */
export type TableRights = Partial<Record<Command, string>>;

/** Whole rows of the service's own tables. */
export function allRights(column: string): TableRights {
  return Object.fromEntries(COMMANDS.map((command) => [command, column]));
}

/** What the declaration gives the service itself on a table; nothing on one that is not declared. */
export function declaredRights(
  declaration: RowSecurityDeclaration,
  table: string,
  column: string,
): TableRights {
  const readers = declaration.exceptions[table]?.readers ?? [];
  const rules = commandRules(declaration.tables[table]?.access.service ?? {});
  return Object.fromEntries([
    ...(readers.includes(SERVICE) ? [["select", column]] : []),
    ...rules.map(({ command, columns }) => [command, columns?.[0] ?? column]),
  ]);
}

/** Rights are checked for statements that touch no row, too; row security is not asked then. */
export function tableProbes(
  schema: string,
  table: string,
  rights: TableRights,
  any: string,
): PostgresProbe[] {
  const name = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
  const statements: Record<Command, (column: string) => [title: string, statement: string]> = {
    select: (column) => ["read", `SELECT ${column} FROM ${name} LIMIT 1`],
    insert: (column) => ["insert into", `INSERT INTO ${name} (${column}) SELECT NULL WHERE false`],
    update: (column) => ["update", `UPDATE ${name} SET ${column} = DEFAULT WHERE false`],
    delete: () => ["delete from", `DELETE FROM ${name} WHERE false`],
  };
  return COMMANDS.map((command) => {
    const column = rights[command];
    const [title, statement] = statements[command](quoteIdentifier(column ?? any));
    return (column === undefined ? mustNot : must)(`${title} ${schema}.${table}`, statement);
  });
}

/** What a session of the service can and cannot do without the signature of its own application. */
export function rowSecurityProbes(declaration: RowSecurityDeclaration): PostgresProbe[] {
  const taken = takenRoles(declaration);
  return [
    ...taken.map((role) => must(`take ${role} for a transaction`, `SET LOCAL ROLE ${quoteIdentifier(role)}`)),
    ...Object.keys(declaration.identities)
      .filter((identity) => !isInternal(declaration, identity))
      .flatMap((identity) => blindness(declaration, identity)),
    mustNot("read the keys that contexts are signed with", "SELECT id FROM context.keys"),
    mustNot("add a key of its own", "INSERT INTO context.keys (id) SELECT 'estate_check' WHERE false"),
    mustNot(
      "replace a function that policies ask",
      "CREATE OR REPLACE FUNCTION context.tenant() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'",
    ),
  ];
}

/** Roles that the service may take. */
export function takenRoles(declaration: RowSecurityDeclaration): string[] {
  const { identities } = declaration;
  return Object.keys(identities)
    .filter((identity) => identity !== "service" && !isInternal(declaration, identity))
    .map((identity) => roleOf(declaration, identity));
}

/** No row of any table, whatever the setting says, where nobody signed it. */
function blindness(declaration: RowSecurityDeclaration, identity: string): PostgresProbe[] {
  const tables = Object.entries(declaration.tables)
    .filter(([, { access }]) => access[identity]?.select !== undefined)
    .map(([table]) => table);
  if (tables.length === 0) return [];
  const role = roleOf(declaration, identity);
  const forged = `v1.k1.${role}.${NOBODY}.${NOBODY}.99999999999.${"0".repeat(64)}`;
  const looks = tables.map((table) => {
    const name = `${quoteIdentifier(declaration.schema)}.${quoteIdentifier(table)}`;
    return `SELECT ${quoteString(table)} AS finding WHERE EXISTS (SELECT FROM ${name})`;
  });
  return ["", forged].map((token) =>
    mustNotFind(
      `see a row as ${role} ${token === "" ? "without a context" : "with a context that nobody signed"}`,
      `SET LOCAL ROLE ${quoteIdentifier(role)}`,
      `SELECT set_config('app.context', ${quoteString(token)}, true)`,
      looks.join(" UNION ALL "),
    ),
  );
}

const NOBODY = "00000000-0000-0000-0000-000000000000";
