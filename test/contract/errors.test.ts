import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PostgresHost, startPostgresHost } from "../support/postgres-host";
import { projectDirectory, run, succeed } from "../support/run";

const CANARY = "canary-51c7";

async function filtered(text: string): Promise<string> {
  const directory = await fs.mkdtemp(path.join(tmpdir(), "estate-errors-"));
  const file = path.join(directory, "said");
  await fs.writeFile(file, text);
  const library = path.join(projectDirectory, "components/agent/errors.sh");
  try {
    return await succeed("bash", [
      "-euo",
      "pipefail",
      "-c",
      'ESTATE_MARK=a-mark; source "$1"; client_words "$2"',
      "bash",
      library,
      file,
    ]);
  } finally {
    await fs.rm(directory, { recursive: true, force: true });
  }
}

describe("what clients say, without the rows in it", () => {
  it.each([
    // PostgreSQL
    [
      `psql:<stdin>:3: ERROR:  duplicate key value violates unique constraint "users_email_key"\nDETAIL:  Key (email)=(${CANARY}) already exists.`,
      'psql:<stdin>:3: ERROR:  duplicate key value violates unique constraint "users_email_key"\n',
    ],
    [
      `pg_restore: error: COPY failed for table "t": ERROR:  invalid input syntax for type integer: "${CANARY}"\nCONTEXT:  COPY t, line 7, column a: "${CANARY}"`,
      'pg_restore: error: COPY failed for table "t": ERROR:  invalid input syntax for type integer\n  in COPY t, line 7, column a\n',
    ],
    [
      `pg_restore: from TOC entry 12; 1259 3 TABLE public t svc_x\npg_restore: error: could not execute query: ERROR:  23505: new row for relation "t" violates check constraint "c"\nDETAIL:  Failing row contains (1,\n${CANARY}).\nCommand was: INSERT INTO t VALUES ('${CANARY}')\nERROR:  ${CANARY}`,
      'pg_restore: in TABLE public t svc_x\npg_restore: error: could not execute query: ERROR:  23505: new row for relation "t" violates check constraint "c"\nERROR:  the server refused it',
    ],
    [`ERROR:  42501: permission denied ${CANARY}@example.org`, "ERROR:  42501:  not shown\n"],
    [`ERROR:  42704: role "${CANARY}@example.org" does not exist`, "ERROR:  42704:  not shown\n"],
    ["ERROR:  permission denied for table members", "ERROR:  permission denied for table members\n"],
    ["ERROR:  must be owner of function f", "ERROR:  must be owner of function f\n"],
    ['ERROR:  role "svc_x" does not exist', 'ERROR:  role "svc_x" does not exist\n'],
    [`ERROR:  P0001: member ${CANARY} is gone`, "ERROR:  P0001:  not shown\n"],
    [
      `pg_dump: error: Dumping the contents of table "t" failed: PQgetResult() failed.\npg_dump: detail: Error message from server: ERROR:  ${CANARY}\npg_dump: detail: Command was: COPY public.t (a) TO stdout; -- ${CANARY}`,
      "failed",
    ],
    [
      'psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: FATAL:  Peer authentication failed for user "postgres"',
      "Peer authentication failed",
    ],
    [
      `ERROR:  22007: date/time field value out of range: "${CANARY}"`,
      "date/time field value out of range\n",
    ],
    [`ERROR:  value "${CANARY}" is out of range for type integer`, "value out of range for type integer\n"],
    // MariaDB
    [
      `ERROR 1062 (23000) at line 3: Duplicate entry '${CANARY}' for key 'users_email'`,
      "ERROR 1062 (23000) at line 3: Duplicate entry for key 'users_email'\n",
    ],
    [
      `ERROR 1064 (42000) at line 9: You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right syntax to use near '${CANARY}' at line 1`,
      "ERROR 1064 (42000) at line 9: You have an error in your SQL syntax\n",
    ],
    [
      `--------------\nINSERT INTO t VALUES ('${CANARY}')\n--------------\n\nERROR 1366 (22007) at line 1: Incorrect integer value: '${CANARY}' for column \`d\`.\`t\`.\`a\` at row 1`,
      "ERROR 1366 (22007) at line 1: Incorrect integer value for column `d`.`t`.`a` at row 1\n",
    ],
    [
      `ERROR 1452 (23000) at line 2: Cannot add or update a child row: a foreign key constraint fails (\`d\`.\`c\`, CONSTRAINT \`fk\` FOREIGN KEY (\`p\`) REFERENCES \`p\` (\`id\`))`,
      "CONSTRAINT `fk`",
    ],
    [`ERROR 1644 (45000) at line 2: ${CANARY} must not`, "ERROR 1644 (45000) at line 2:  not shown\n"],
    [
      `mariadb-dump: Error 2020: Got packet bigger than 'max_allowed_packet' bytes when dumping table \`t\` at row: 3`,
      "at row: 3\n",
    ],
    [
      `mariadb-dump: Couldn't execute 'SELECT ${CANARY}': whatever ${CANARY} (1305)`,
      "a statement was refused (1305)\n",
    ],
    // Our own, and what is nobody's.
    ["a-mark: the role svc_x is not there. Run: pulumi up", "the role svc_x is not there. Run: pulumi up\n"],
    // Lines of a value that look like a program's, or like ours.
    [`DETAIL:  Failing row contains (1, x\nage: 42, ${CANARY}\nestate: ${CANARY}\ntar: ${CANARY}).`, ""],
    [
      "age: error: no identity matched any of the recipients",
      "age: error: no identity matched any of the recipients\n",
    ],
    [`${CANARY}\t1\t2\n\\.\n`, ""],
  ])("%s", async (text, expected) => {
    const said = await filtered(text);
    expect(said).not.toContain("canary");
    expect(said).toContain(expected);
    if (expected === "") expect(said).toBe("");
  });

  describe.each(["16", "17"] as const)("of PostgreSQL %s itself", (version) => {
    let host: PostgresHost;
    beforeAll(async () => {
      host = await startPostgresHost(version);
      await host.sql(`CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE CHECK (a <> 'no-${CANARY}'), b int, d date, m numeric(3,1), v varchar(3), u uuid, j jsonb, e bytea);
        INSERT INTO t VALUES (1, '${CANARY}');
        CREATE TABLE c (a text REFERENCES t (a));
        CREATE DOMAIN dom AS text CHECK (VALUE <> '${CANARY}');
        CREATE TYPE en AS ENUM ('x');
        CREATE FUNCTION f(text) RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''seen %'', $1; END';`);
    });
    afterAll(() => host?.stop());

    it.each([
      `INSERT INTO t VALUES (2, '${CANARY}')`,
      `INSERT INTO t VALUES (2, 'no-${CANARY}')`,
      `INSERT INTO c VALUES ('x${CANARY}')`,
      `INSERT INTO t (id, b) VALUES (3, '${CANARY}'::text::int)`,
      `INSERT INTO t (id, d) VALUES (3, '${CANARY}'::text::date)`,
      `INSERT INTO t (id, v) VALUES (3, '${CANARY}')`,
      `INSERT INTO t (id, u) VALUES (3, '${CANARY}'::text::uuid)`,
      `INSERT INTO t (id, j) VALUES (3, '{"a": ${CANARY}}'::text::jsonb)`,
      `INSERT INTO t (id, e) VALUES (3, '\\x${CANARY}'::text::bytea)`,
      `SELECT '${CANARY}'::text::dom`,
      `SELECT '${CANARY}'::text::en`,
      `SELECT f('${CANARY}')`,
      `SELECT 1 / (length('${CANARY}') - ${CANARY.length})`,
      `SELECT '${CANARY}'::text::inet`,
      `SELECT '${CANARY}'::text::interval`,
      `SELECT '${CANARY}'::text::boolean`,
      `SELECT '${CANARY}'::text::point`,
      `SELECT to_date('${CANARY}', 'YYYY-MM-DD')`,
      `SELECT * FROM "${CANARY.toUpperCase()}" WHERE ${CANARY} = '`,
      `COPY t (b) FROM STDIN;\n${CANARY}\n\\.\n`,
      `SELECT xmlparse(document '<${CANARY}>')`,
      `SELECT regexp_replace('x', '(${CANARY}', '')`,
    ])("%s", async (statement) => {
      const [first = "", ...rest] = [
        ...host.inside,
        ...[
          "runuser",
          "-u",
          "postgres",
          "--",
          `/usr/lib/postgresql/${version}/bin/psql`,
          "-X",
          "-q",
          "-v",
          "ON_ERROR_STOP=1",
        ],
        ...["-h", "/run/postgresql", "-p", String(host.port)],
      ];
      const { stderr } = await run(first, rest, { input: `${statement};` });
      expect(stderr).toContain("ERROR");
      const said = await filtered(stderr);
      expect(said).not.toContain(CANARY);
      expect(said).toMatch(/ERROR/);
    });
  });
});
