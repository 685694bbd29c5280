import { hostname, userInfo } from "node:os";
import type { MariadbServer } from "../../connect/mariadb-server";
import type { PostgresServer } from "../../connect/postgres-server";
import { checksumOf } from "../../estate/migrations/script";
import { mariadbStore } from "../../migrate/mariadb";
import { postgresStore } from "../../migrate/postgres";
import { migrateUp } from "../../migrate/run";
import { MigrationError, type MigrationEvent, type MigrationStore } from "../../migrate/types";
import type { Call, FieldChange, Kind } from "../wire/kind";
import { checkMigrationInputs, type MigrationInputs, type MigrationText } from "./migrations/check";
import { declaredMigrations } from "./migrations/declared";

export interface MigrationsConfig {
  mariadb?: MariadbServer | undefined;
  postgres?: PostgresServer | undefined;
}

/**
 * `estate:sql:Migrations`: the numbered steps of one database's schema, applied in order. Id and import id: the database's
 * name. A preview names each pending file, refresh shows what the database's own history says. The text of a file stays
 * in the state only until the next run: what is applied is known by its checksum, and what it did by the facts beside it.
 *
 * It only goes forward: a file that is gone or was changed after it was applied is an error that says what to do. Deleting
 * the resource forgets it; tables and history stay.
 */
export const sqlMigrations: Kind<MigrationsConfig, MigrationInputs> = {
  token: "estate:sql:Migrations",
  replaceOn: ["database"],

  check: checkMigrationInputs,

  diff({ inputs }, news) {
    return diffMigrations(inputs, news as unknown as MigrationInputs);
  },

  async create(call, inputs) {
    return { id: inputs.database, state: await apply(call, inputs) };
  },

  async read({ config }, id, old) {
    const history = await storeOf(config, { database: id, owner: old?.inputs.owner ?? "" }).history();
    if (!history) return undefined;
    const owner = old ? old.inputs.owner : await ownerOf(config, id);
    const finished = history.filter(
      ({ step, steps, rollbackStep }) => step === steps && rollbackStep === null,
    );
    const migrations = Object.fromEntries(
      finished.map((row) => {
        const found = { checksum: row.checksum, rollback: checksumOf(row.rollbackSql) };
        const { up, down, ...known }: MigrationText = old?.inputs.migrations?.[row.id] ?? found;
        const same = known.checksum === found.checksum && known.rollback === found.rollback;
        // What it did is told by its text alone, which the history of the database does not hold.
        return [row.id, same ? known : found];
      }),
    );
    const inputs = { database: id, ...(owner && { owner }), migrations };
    return { id, inputs, state: inputs };
  },

  update: (call, _id, _old, news) => apply(call, news),

  async delete() {
    // Tables outlive their declaration.
  },
};

async function apply(call: Call<MigrationsConfig>, inputs: MigrationInputs): Promise<MigrationInputs> {
  const { config, signal } = call;
  const store = storeOf(config, inputs);
  if (!(await store.history())) {
    throw new MigrationError(`there is no database ${inputs.database}: make it first (option dependsOn)`);
  }
  const declared = declaredMigrations(inputs, config.postgres ? "postgres" : "mariadb");
  await migrateUp(store, declared, { by: `${userInfo().username}@${hostname()}`, signal, report });
  const known = Object.entries(inputs.migrations).map(([id, { up, down, ...rest }]) => [id, rest]);
  return { ...inputs, migrations: Object.fromEntries(known) };
}

/** What a plugin writes to stderr, the engine shows while it waits for the call. */
function report(event: MigrationEvent): void {
  if (event.type === "waiting") {
    process.stderr.write(`${event.database}: waiting for another run that is migrating it\n`);
  } else if (event.type === "retried") {
    process.stderr.write(`${event.database}: ${event.id} is tried again: ${event.reason}\n`);
  }
}

function storeOf(
  { mariadb, postgres }: MigrationsConfig,
  { database, owner }: Pick<MigrationInputs, "database" | "owner">,
): MigrationStore {
  if (postgres) return postgresStore(postgres, { database, owner: owner ?? "" });
  if (mariadb) return mariadbStore(mariadb, database);
  throw new Error(
    "this provider instance serves no database server: set its `postgres` or `mariadb` property, or give the resource " +
      "the instance that has it (option `provider`)",
  );
}

async function ownerOf({ postgres }: MigrationsConfig, database: string): Promise<string | undefined> {
  if (!postgres) return undefined;
  const [row] = await postgres.withConnection(database, (connection) =>
    connection.query<{ owner: string }>(
      "SELECT pg_get_userbyid(datdba)::text AS owner FROM pg_database WHERE datname = current_database()",
    ),
  );
  return row?.owner;
}

/** Files are the same when their checksums are; the preview names those that are not. */
function diffMigrations(old: MigrationInputs, news: MigrationInputs): FieldChange[] {
  const changes: FieldChange[] = [];
  for (const field of ["database", "owner"] as const) {
    if (old[field] === news[field]) continue;
    changes.push({ path: field, kind: "update", ...(field === "database" && { replaces: true }) });
  }
  if (typeof news.migrations !== "object") return [...changes, { path: "migrations", kind: "update" }];
  const ids = [...new Set([...Object.keys(old.migrations ?? {}), ...Object.keys(news.migrations)])].sort();
  for (const id of ids) {
    const path = `migrations["${id}"]`;
    const [before, after] = [old.migrations?.[id], news.migrations[id]];
    if (!before) changes.push({ path, kind: "add" });
    else if (!after) changes.push({ path, kind: "delete" });
    else if (before.checksum !== after.checksum) changes.push({ path: `${path}.checksum`, kind: "update" });
    else if (before.rollback !== after.rollback) changes.push({ path: `${path}.rollback`, kind: "update" });
  }
  return changes;
}
