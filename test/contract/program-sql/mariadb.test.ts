import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MariadbServer } from "../../../connect/mariadb-server";
import { databases } from "../../../estate/catalogue";
import { readMigrations } from "../../../estate/migrations/read";
import { type MariadbVersion, startMariadb } from "../../support/engines-mariadb";
import { loadFixtures } from "../../support/fixtures";
import { projectDirectory } from "../../support/run";

/** Databases of the program, with what its migrations make, and some of applications, with what fixtures bring. */
const MIGRATED = ["mo_votes", "mo_newsletter", "mo_hooks", "mo_consent", "mo_analytics"];
const APPLICATIONS = ["mo_crm", "mo_games", "mo_support"];

const SAME_PERSON = "maria.muster@example.org";
const HASH = `SHA2('${SAME_PERSON}', 256)`;
const FAILED_CHECK = 4025;
const DUPLICATE = 1062;
const NO_PARENT = 1452;
const SIGNAL = 1644;

describe.each(["10.11", "11.8"] as const)("databases on MariaDB %s", (version: MariadbVersion) => {
  let server: MariadbServer;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    const engine = await startMariadb(version);
    server = new MariadbServer(engine, engine, engine.admin);
    stop = async () => {
      await server.close();
      await engine.stop();
    };
    for (const name of [...MIGRATED, ...APPLICATIONS]) {
      await server.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`);
      const entry = databases.find((each) => each.name === name);
      if (!entry) throw new Error(`${name} is not in the catalogue`);
      await server.session(async (connection) => {
        await connection.query(`USE ${name}`);
        for (const { up } of readMigrations(entry, projectDirectory)?.migrations ?? [])
          for (const { text } of up.statements) await connection.query(text);
        await loadFixtures(connection, name);
      });
    }
  });
  afterAll(() => stop?.());

  const sql = (database: string, statement: string) =>
    server.session(async (connection) => {
      await connection.query(`USE ${database}`);
      return connection.query(statement);
    });
  const refused = async (database: string, statement: string) =>
    sql(database, statement).then(
      () => "it was not refused",
      ({ errno }: { errno?: number }) => errno,
    );

  test("every table is InnoDB with utf8mb4 and a primary key, and every foreign key has an index", async () => {
    const names = MIGRATED.map((name) => `'${name}'`).join();
    const tables = await server.query(
      `SELECT table_schema, table_name FROM information_schema.tables t WHERE table_schema IN (${names})
       AND (engine <> 'InnoDB' OR table_collation NOT LIKE 'utf8mb4%' OR NOT EXISTS (
         SELECT 1 FROM information_schema.statistics s WHERE s.table_schema = t.table_schema
           AND s.table_name = t.table_name AND index_name = 'PRIMARY'))`,
    );
    expect(tables).toEqual([]);
    const made = await server.query(
      `SELECT count(*) AS n FROM information_schema.tables WHERE table_schema IN (${names})`,
    );
    expect(made).toEqual([{ n: 15 }]);
  });

  test("one person is in every database that a request for their data asks", async () => {
    for (const [database, from] of Object.entries({
      mo_crm: `civicrm_contact WHERE email = '${SAME_PERSON}' AND email_encrypted IS NOT NULL`,
      mo_games: `\`User\` u JOIN GameSession g ON g.userId = u.id WHERE u.email = '${SAME_PERSON}'`,
      mo_support: `tickets WHERE requester_email = '${SAME_PERSON}'`,
      mo_newsletter: `subscribers WHERE email_hash = ${HASH}`,
      mo_hooks: `webhook_logs WHERE email_hash = ${HASH}`,
    }))
      expect(await sql(database, `SELECT count(*) AS n FROM ${from}`), database).toEqual([{ n: 1 }]);
    const consents = `SELECT count(*) AS n FROM consent_records WHERE email_hash = ${HASH}`;
    expect(await sql("mo_consent", consents)).toEqual([{ n: 2 }]);
  });

  describe("mo_votes", () => {
    test("a voter votes once in a poll, and only in one that there is", async () => {
      const vote = (poll: number, voter: number) =>
        `INSERT INTO participations (poll_id, voter_id, voted_on) VALUES (${poll}, ${voter}, current_date())`;
      expect(await refused("mo_votes", vote(1, 1))).toBe(DUPLICATE);
      const anotherDay = vote(1, 1).replace("current_date()", "current_date() - INTERVAL 1 DAY");
      expect(await refused("mo_votes", anotherDay)).toBe(DUPLICATE);
      expect(await refused("mo_votes", vote(9, 1))).toBe(NO_PARENT);
      await sql("mo_votes", vote(1, 3));
    });

    test("a ballot is for an option of its own poll", async () => {
      const ballot = (position: number) =>
        `INSERT INTO ballots (id, poll_id, position) VALUES (RANDOM_BYTES(16), 1, ${position})`;
      expect(await refused("mo_votes", ballot(3))).toBe(NO_PARENT);
      await sql("mo_votes", ballot(2));
    });

    test("nothing in a ballot tells who cast it, or when; nothing draws its key but the application", async () => {
      const columns = await server.query<{ name: string; type: string; preset: string | null }>(
        `SELECT column_name AS name, column_type AS type, column_default AS preset FROM information_schema.columns
         WHERE table_schema = 'mo_votes' AND table_name = 'ballots' ORDER BY ordinal_position`,
      );
      expect(columns.map(({ name }) => name)).toEqual(["id", "poll_id", "position"]);
      expect(columns[0]).toMatchObject({ type: "binary(16)", preset: null });
      const when = await server.query<{ type: string }>(
        `SELECT data_type AS type FROM information_schema.columns
         WHERE table_schema = 'mo_votes' AND table_name = 'participations' AND column_name = 'voted_on'`,
      );
      expect(when).toEqual([{ type: "date" }]);
      const links = await server.query<{ target: string }>(
        `SELECT referenced_table_name AS target FROM information_schema.referential_constraints
         WHERE constraint_schema = 'mo_votes' AND table_name = 'ballots'`,
      );
      expect(links).toEqual([{ target: "poll_options" }]);
    });
  });

  describe("mo_consent", () => {
    const one = (set: string) => `UPDATE consent_records SET ${set} WHERE purpose = 'donation-receipt'`;
    const ANONYMOUS = "email_hash = SHA2('gone', 256), ip_hash = NULL, anonymized_at = now(3)";

    test("a record has a time and a hashed address, never a plain one", async () => {
      const add = (ip: string) => `INSERT INTO consent_records
        (email_hash, purpose, granted, policy_version, consent_timestamp, ip_hash) VALUES (${HASH}, 'p', 1, 'v', now(), ${ip})`;
      expect(await refused("mo_consent", add("'192.0.2.1'"))).toBe(FAILED_CHECK);
      expect(await refused("mo_consent", add("NULL"))).toBe(FAILED_CHECK);
      expect(await refused("mo_consent", add(HASH).replace("now()", "NULL"))).toBe(1048);
    });

    test.each([
      "granted = false",
      "purpose = 'other'",
      "consent_timestamp = now()",
      `email_hash = SHA2('x', 256)`,
      `${ANONYMOUS}, granted = false`,
    ])("it is not changed: %s", async (set) => {
      expect(await refused("mo_consent", one(set))).toBe(SIGNAL);
    });

    test("it is anonymised, once", async () => {
      await sql("mo_consent", one(ANONYMOUS));
      expect(await refused("mo_consent", one(ANONYMOUS))).toBe(SIGNAL);
    });

    test("it is not deleted before 7 years are over", async () => {
      const aged = (years: string) => `INSERT INTO consent_records
        (email_hash, purpose, granted, policy_version, consent_timestamp, ip_hash)
        VALUES (${HASH}, 'aged', 1, 'v', now() - INTERVAL ${years}, ${HASH})`;
      const forget = "DELETE FROM consent_records WHERE purpose = 'aged'";
      await sql("mo_consent", aged("'7-1' YEAR_MONTH"));
      await sql("mo_consent", forget);
      await sql("mo_consent", aged("'6-11' YEAR_MONTH"));
      expect(await refused("mo_consent", forget)).toBe(SIGNAL);
    });
  });

  test.each([
    ["an address in the clear", "UPDATE subscribers SET email_encrypted = 'a@b.example'"],
    ["no address at all", "UPDATE subscribers SET email_encrypted = ''"],
    ["active without a confirmation", "UPDATE subscribers SET status = 'ACTIVE', confirmed_at = NULL"],
  ])("mo_newsletter has no subscriber with %s", async (_what, statement) => {
    expect(await refused("mo_newsletter", statement)).toBe(FAILED_CHECK);
  });

  test("mo_newsletter: who is deleted has no subscription any more", async () => {
    await sql("mo_newsletter", `DELETE FROM subscribers WHERE email_hash = ${HASH}`);
    expect(await sql("mo_newsletter", "SELECT * FROM subscriptions")).toEqual([]);
  });

  test("mo_hooks: a delivery that is repeated is known; a job that runs has an end to its claim", async () => {
    const again = `INSERT INTO webhook_logs (source, event_type, delivery_id, signature_valid, payload)
      VALUES ('github', 'push', 'evt_2', true, '{}')`;
    expect(await refused("mo_hooks", again)).toBe(DUPLICATE);
    expect(await refused("mo_hooks", again.replace("evt_2', true, '{}", "evt_3', true, 'no json"))).toBe(
      FAILED_CHECK,
    );
    expect(await refused("mo_hooks", "UPDATE webhook_queue SET state = 'RUNNING'")).toBe(FAILED_CHECK);
  });

  test("mo_analytics counts pages and nobody", async () => {
    const view = (path: string, visitors: number) =>
      `INSERT INTO page_views (day, site, path, views, visitors) VALUES (current_date(), 'main', '${path}', 1, ${visitors})`;
    expect(await refused("mo_analytics", view("/?mail=a@b.example", 1))).toBe(FAILED_CHECK);
    expect(await refused("mo_analytics", view("/", 2))).toBe(FAILED_CHECK);
    await sql("mo_analytics", view("/", 1));
  });

  test.each([
    ["mo_votes", "polls_open_idx", "SELECT id FROM polls WHERE closes_at > now() AND opens_at <= now()"],
    ["mo_votes", "voters_member_hash_key", `SELECT id FROM voters WHERE member_hash = SHA2('member 1', 256)`],
    [
      "mo_votes",
      "ballots_option_idx",
      "SELECT position, count(*) FROM ballots WHERE poll_id = 1 GROUP BY position",
    ],
    [
      "mo_consent",
      "consent_records_person_idx",
      `SELECT * FROM consent_records WHERE email_hash = ${HASH} AND purpose = 'p'`,
    ],
    [
      "mo_newsletter",
      "subscribers_email_hash_key",
      `SELECT id FROM subscribers WHERE email_hash = SHA2('otto.other@example.org', 256)`,
    ],
    [
      "mo_hooks",
      "webhook_queue_claim_idx",
      "SELECT id FROM webhook_queue WHERE state = 'PENDING' AND run_at <= now() ORDER BY run_at LIMIT 10",
    ],
    ["mo_hooks", "webhook_logs_email_hash_idx", `SELECT id FROM webhook_logs WHERE email_hash = ${HASH}`],
    [
      "mo_analytics",
      "page_views_path_idx",
      "SELECT sum(views) FROM page_views WHERE site = 'main' AND path = '/'",
    ],
  ])("%s: %s serves its query", async (database, index, query) => {
    // Few rows: that the index can serve is what is asked, and not whether it pays yet.
    const [plan] = await sql(database, `EXPLAIN ${query}`);
    expect(String(plan?.possible_keys).split(",")).toContain(index);
  });
});
