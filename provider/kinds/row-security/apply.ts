import { type PostgresConnection, PostgresError } from "../../../connect/postgres";
import { quoteIdentifier as id } from "../../../text/postgres";
import { diffInputs } from "../../wire/diff";
import type { Properties } from "../../wire/kind";
import type { AccessInputs } from "../postgres/access";
import { planAccess } from "../postgres/access-plan";
import { disownHere } from "../postgres/retire-access";
import { KEYS_WITHDRAWN } from "./context-functions";
import { contextStatements, dropPart } from "./context-sql";
import { dropTrigger, readHeldTriggers } from "./held";
import { CONTEXT_SCHEMA, type RowSecurityInputs } from "./inputs";
import { readKeys, withdrawKeys, writeKeys } from "./keys";
import { policyStatements, printed, readPolicies } from "./policies";
import { readContext, readGrants, readRowSecurity } from "./read";
import { readRoles, roleStatements } from "./roles";
import { forgetStatistics } from "./statistics";
import { readRelations, relationFaults, relationStatements } from "./tables";
import { readWithheld, withholdStatements } from "./withheld";

/** A second look may find what a first REVOKE took along; a third has nothing to find. */
const MOST_PASSES = 3;
/** Longer than a request waits for anything, shorter than what piles up behind a waiting ALTER TABLE. */
const LOCK_TIMEOUT = "10s";

/**
 * Makes the database what is declared, whatever is there. One transaction of the caller's: nobody ever sees a table between two
 * policies. Only what differs is changed, so that a second run takes no lock at all.
 */
export async function applyRowSecurity(
  connection: PostgresConnection,
  inputs: RowSecurityInputs,
): Promise<void> {
  const run = async (statements: readonly string[]) => {
    for (const statement of statements) await connection.query(statement);
  };
  await connection.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
  const roles = await readRoles(connection, inputs);
  const relations = await readRelations(connection, inputs);
  const missing = [
    ...(roles.owner ? [] : [`owner "${inputs.owner}" does not exist`]),
    ...(roles.service ? [] : [`service "${inputs.service}" does not exist`]),
    ...relationFaults(inputs, relations),
  ];
  refuse(inputs.database, missing);
  await run(roleStatements(inputs, roles));
  await run(await contextChanges(connection, inputs));
  await run(relationStatements(inputs, relations));
  await run(withholdStatements(await readWithheld(connection)));
  await forgetStatistics(connection, inputs);
  const texts = await printed(connection, inputs.schema, inputs.policies);
  refuse(inputs.database, texts.faults);
  await run(policyStatements(inputs.schema, inputs.policies, await readPolicies(connection), texts.printed));
  await grant(connection, inputs);
  await writeKeys(connection, inputs.keys, await readKeys(connection, inputs.keys));
  await verify(connection, inputs);
}

async function contextChanges(
  connection: PostgresConnection,
  { owner, context }: RowSecurityInputs,
): Promise<string[]> {
  const found = await readContext(connection);
  const parts = [...new Set(["schema", "keys", ...Object.keys(context), ...Object.keys(found)])];
  return parts
    .filter((part) => found[part] !== context[part])
    .flatMap((part) => contextStatements(part, owner, found[part]));
}

async function grant(connection: PostgresConnection, inputs: RowSecurityInputs): Promise<void> {
  for (let pass = 1; pass <= MOST_PASSES; pass++) {
    const server = await readGrants(connection);
    const wanted: AccessInputs = {
      database: inputs.database,
      schemas: server.schemas,
      grants: inputs.grants,
      defaultGrants: {},
      owners: [],
    };
    const plan = planAccess(wanted, inputs.database, server);
    refuse(inputs.database, plan.faults);
    if (plan.differences.length === 0) return;
    for (const statement of plan.statements) await connection.query(statement);
  }
}

/** What was done is what is declared, but for the indexes, which follow; else the transaction ends here. */
async function verify(connection: PostgresConnection, inputs: RowSecurityInputs): Promise<void> {
  const { indexes: _declared, ...wanted } = inputs;
  const { indexes: _found, ...found } = await readRowSecurity(connection, inputs);
  const left = diffInputs(found as unknown as Properties, wanted as unknown as Properties);
  if (left.length === 0) return;
  const paths = left.slice(0, 10).map(({ path }) => path);
  const more = left.length > paths.length ? ` and ${left.length - paths.length} more` : "";
  throw new Error(
    `database ${inputs.database}: the server took the changes and they had no effect: ${paths.join(", ")}${more}. ` +
      "The admin must be a superuser",
  );
}

function refuse(database: string, faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(`database ${database}: ${faults.join("; ")}`);
}

/**
 * Closes the database: no grant, no key, no policy is left, and row security stays on, so that nobody but a superuser sees a row.
 * The identities' roles are free of it then. What the application built upon a context function keeps the function, which
 * knows no key any more.
 */
export async function closeRowSecurity(
  connection: PostgresConnection,
  inputs: RowSecurityInputs,
): Promise<void> {
  await connection.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
  await grant(connection, { ...inputs, grants: {} });
  for (const { schema, table, name } of await readPolicies(connection)) {
    await connection.query(`DROP POLICY ${id(name)} ON ${id(schema)}.${id(table)}`);
  }
  for (const each of await readHeldTriggers(connection)) await connection.query(dropTrigger(each));
  const context = Object.keys(await readContext(connection));
  if (context.includes("keys") && context.includes(`sequence ${KEYS_WITHDRAWN}`)) {
    await withdrawKeys(connection, Object.keys(await readKeys(connection, {})));
  } else if (context.includes("keys")) await connection.query(`DELETE FROM ${CONTEXT_SCHEMA}.keys`);
  if (context.length > 0) {
    await connection.query("SAVEPOINT context");
    const parts = context.filter((part) => part !== "schema" && part !== "keys");
    try {
      for (const each of parts) await connection.query(dropPart(each));
      await connection.query(`DROP TABLE IF EXISTS ${CONTEXT_SCHEMA}.keys`);
      await connection.query(`DROP SCHEMA ${CONTEXT_SCHEMA}`);
    } catch (error) {
      const needed = error instanceof PostgresError && error.code === "2BP01";
      if (!needed) throw error;
      await connection.query("ROLLBACK TO SAVEPOINT context");
    }
  }
  await disownHere(connection, Object.keys(inputs.identities));
}
