import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MariadbServer } from "../../connect/mariadb-server";
import { PostgresServer } from "../../connect/postgres-server";
import { NOT_SHOWN } from "../../connect/words";
import { databases } from "../../estate/catalogue";
import type { PostgresEntry } from "../../estate/types";
import { provePostgres } from "../../ops/privileges/postgres";
import type { MigrationInputs } from "../../provider/kinds/migrations/check";
import { sqlMigrations } from "../../provider/kinds/sql-migrations";
import { migrations as filesOf, type MigrationBench, migrationBench, OWNER } from "../support/migrations";
import { type PostgresBench, postgresBench } from "../support/postgres-kinds";

/** In a row of somebody's, and so in no message of ours. */
const CANARY = "canary-51c7@example.org";

/** Everything that an error carries, in whatever field, and what it was made of. */
function everythingOf(error: unknown): string {
  const seen: unknown[] = [];
  for (let each = error; each instanceof Error; each = each.cause) {
    seen.push(
      each.message,
      each.stack,
      ...Object.getOwnPropertyNames(each).map((name) => Reflect.get(each, name)),
    );
  }
  return seen.map(String).join("\n");
}

async function refusalOf(work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error)) throw new Error("it was not refused");
  expect(everythingOf(error)).not.toContain("canary");
  return error;
}

const SCHEMA = {
  postgres: [
    "CREATE TABLE people (id int PRIMARY KEY, mail text UNIQUE, age text)",
    `INSERT INTO people VALUES (1, '${CANARY}', '${CANARY}'), (2, 'b', '3')`,
    "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'gone: %', OLD.mail USING ERRCODE = '42P01'; END $$",
    "CREATE TRIGGER tell BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION tell()",
    "CREATE FUNCTION named(text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('SELECT FROM %I', $1); RETURN 1; END $$",
    "ALTER TABLE people OWNER TO scratch_owner",
    "GRANT CREATE, USAGE ON SCHEMA public TO scratch_owner",
  ],
  mariadb: [
    "CREATE TABLE people (id int PRIMARY KEY, mail varchar(80) UNIQUE, age varchar(80))",
    `INSERT INTO people VALUES (1, '${CANARY}', '${CANARY}'), (2, 'b', '3')`,
    "CREATE TRIGGER tell BEFORE DELETE ON people FOR EACH ROW BEGIN DECLARE said varchar(128) DEFAULT CONCAT('gone: ', OLD.mail); SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = said; END",
  ],
};

/** A statement of a migration that meets the row, and what is said of it. */
const MEETS: Record<"postgres" | "mariadb", [statement: string, said: string][]> = {
  postgres: [
    [
      "UPDATE people SET mail = (SELECT mail FROM people WHERE id = 1)",
      'unique constraint "people_mail_key"',
    ],
    [
      "ALTER TABLE people ADD CONSTRAINT short CHECK (length(mail) < 5)",
      'check constraint "short" of relation "people"',
    ],
    ["ALTER TABLE people ALTER age TYPE int USING age::int", "invalid input syntax for type integer"],
    ["ALTER TABLE people ALTER age TYPE date USING age::date", "invalid input syntax for type date"],
    ["ALTER TABLE people ALTER age TYPE varchar(3)", "value too long for type character varying(3)"],
    ["UPDATE people SET age = (age::jsonb)::text", "invalid input syntax for type json"],
    ["DELETE FROM people", `${NOT_SHOWN} (SQLSTATE 42P01)`],
    ["UPDATE people SET id = named(mail)", `${NOT_SHOWN} (SQLSTATE 42P01)`],
    [`UPDATE people SET mail = '${CANARY}' WHERE`, "syntax error"],
    [`UPDATE nowhere SET mail = '${CANARY}'`, 'relation "nowhere" does not exist'],
  ],
  mariadb: [
    [
      "UPDATE people SET mail = (SELECT * FROM (SELECT mail FROM people WHERE id = 1) one)",
      "Duplicate entry for key 'mail'",
    ],
    [
      "ALTER TABLE people ADD CONSTRAINT IF NOT EXISTS short CHECK (length(mail) < 5)",
      "CONSTRAINT `short` failed for `",
    ],
    ["ALTER TABLE people MODIFY age int", "Truncated incorrect INTEGER value"],
    ["ALTER TABLE people MODIFY age date", "Incorrect datetime value for column `"],
    ["ALTER TABLE people MODIFY age varchar(3)", "Data too long for column 'age'"],
    ["UPDATE people SET age = JSON_VALUE(mail, CONCAT('$', mail)) + mail", ""],
    ["DELETE FROM people", `${NOT_SHOWN} (error 1644)`],
    [`UPDATE people SET mail = '${CANARY}' WHERE`, "You have an error in your SQL syntax"],
    [`UPDATE nowhere SET mail = '${CANARY}'`, "nowhere' doesn't exist"],
  ],
};

describe.each([
  "postgres-16",
  "postgres-17",
  "mariadb-10.11",
  "mariadb-11.8",
] as const)("an error of %s shows no row", (version) => {
  let bench: MigrationBench;
  const engine = version.startsWith("postgres") ? "postgres" : "mariadb";
  beforeAll(async () => {
    bench = await migrationBench(version);
  });
  afterAll(() => bench?.stop());

  const scratchWithRow = async () => {
    const scratch = await bench.scratch();
    for (const statement of SCHEMA[engine]) await scratch.sql(statement);
    return scratch;
  };

  test.each(MEETS[engine])("of a migration: %s", async (statement, said) => {
    const scratch = await scratchWithRow();
    const up = `-- the row is met below\n${statement};\n`;
    const set = filesOf(engine, {
      "0001_meets.up.sql": up,
      "0001_meets.down.sql": "-- nothing to take back\nSELECT 1;\n",
    });
    const error = await refusalOf(scratch.up(set));
    expect(error.message).toContain(said);
    expect(error.message).toMatch(/^sql\/scratch\/0001_meets\.up\.sql:2: statement 1 of 1 \(/);
  });

  test("of the kind that migrates", async () => {
    const scratch = await scratchWithRow();
    const [statement, said] = MEETS[engine][0] ?? ["", ""];
    const inputs = {
      database: scratch.name,
      ...(engine === "postgres" && { owner: OWNER }),
      migrations: { "0001_meets": { up: `${statement};\n`, down: "SELECT 1;\n" } },
    };
    const { inputs: checked, failures } = sqlMigrations.check(inputs, undefined, {
      urn: "",
      elsewhere: false,
    });
    expect(failures).toEqual([]);
    const call = { config: bench.server, urn: "urn", signal: new AbortController().signal };
    const error = await refusalOf(sqlMigrations.create(call, checked as unknown as MigrationInputs));
    expect(error.message).toContain(said);
  });

  test("of any connection, whatever the statement", async () => {
    const scratch = await scratchWithRow();
    const query = (statement: string) => {
      if ("postgres" in bench.server)
        return bench.server.postgres.withConnection(scratch.name, (connection) =>
          connection.query(statement),
        );
      return bench.server.mariadb.session(async (connection) => {
        await connection.query(`USE ${scratch.name}`);
        return connection.query(statement);
      });
    };
    const table = engine === "postgres" ? "public.people" : "people";
    await refusalOf(query(`INSERT INTO ${table} (id, mail) VALUES (3, '${CANARY}')`));
    await refusalOf(query(`SELECT * FROM ${table} WHERE mail = '${CANARY}' AND`));
  });

  test("of a login, which still says what is wrong", async () => {
    const password = `wrong-${CANARY}`;
    const server = "postgres" in bench.server ? bench.server.postgres : bench.server.mariadb;
    const error = await refusalOf(server.openAs({ user: "nobody_there", password }));
    expect(error.message).toMatch(
      /nobody_there.*(password authentication failed|Access denied).*Wrong password/,
    );
    const nowhere = { host: "127.0.0.1", port: 1 };
    const closed =
      engine === "postgres"
        ? new PostgresServer(nowhere, { caCertificate: "" }, { user: "x" }).withConnection(
            "x",
            async () => undefined,
          )
        : new MariadbServer(nowhere, { caCertificate: "" }, { user: "x" }).query("SELECT 1");
    expect((await refusalOf(closed)).message).toMatch(/127\.0\.0\.1:1.*ECONNREFUSED/);
  });
});

describe("an error of a service's own trigger", () => {
  let bench: PostgresBench;
  beforeAll(async () => {
    bench = await postgresBench("17");
  });
  afterAll(() => bench?.stop());

  test("is told without its words where its rights are tried", async () => {
    const entry = databases.find(
      (each): each is PostgresEntry => each.name === "ncy8" && each.engine === "postgres",
    );
    if (!entry) throw new Error("the catalogue has no ncy8");
    const password = "a-password-of-the-service-of-ncy8-x";
    const slot = `${entry.service}_a`;
    await bench.sql(`CREATE ROLE ${entry.owner}`);
    if (entry.service !== entry.owner) await bench.sql(`CREATE ROLE ${entry.service}`);
    await bench.sql(`CREATE ROLE ${slot} LOGIN PASSWORD '${password}' IN ROLE ${entry.service}`);
    await bench.sql(`CREATE DATABASE ${entry.name} OWNER ${entry.owner}`);
    await bench.sql(
      `CREATE TABLE public.people (mail text); INSERT INTO public.people VALUES ('${CANARY}');
       ALTER TABLE public.people OWNER TO ${entry.owner}; GRANT ALL ON public.people TO ${entry.service};
       CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'seen %', (SELECT mail FROM public.people); END $$;
       CREATE TRIGGER tell BEFORE INSERT OR UPDATE OR DELETE ON public.people EXECUTE FUNCTION public.tell()`,
      entry.name,
    );
    const target = {
      kind: "database" as const,
      name: entry.name,
      server: entry.server,
      engine: entry.engine,
      endpoint: bench.engine,
      trust: bench.engine,
      password,
      expected: { loggedInAs: slot, workingAs: entry.service, database: entry.name },
    };
    const results = await provePostgres(target, entry, databases, 10_000);
    expect(JSON.stringify(results)).not.toContain("canary");
    expect(results.filter(({ detail }) => detail?.startsWith(NOT_SHOWN)).length).toBeGreaterThan(0);
  });
});
