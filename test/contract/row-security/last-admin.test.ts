import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PostgresConnection, PostgresError } from "../../../connect/postgres";
import { rowSecurity } from "../../../estate/row-security";
import { rowId } from "../../support/fixtures";
import {
  type Opened,
  type ServiceLogins,
  set,
  startServiceLogins,
  type Who,
} from "../../support/row-matrix/service";

const ALPHA = rowId("a0");
const [MEMBER, ONE, OTHER] = [rowId("a1"), rowId("a2"), rowId("a3")];
const by = (subject: string): Who => ({ identity: "admin", tenant: ALPHA, subject });
const SERVICE: Who = { identity: "service" };

/** What two sessions of a service do at once to what an organisation must keep, and who must not return to it. */
describe.each(["16", "17"] as const)("memberships on PostgreSQL %s", (version) => {
  let service: ServiceLogins;
  beforeAll(async () => {
    service = await startServiceLogins(version);
  });
  afterAll(() => service?.stop());

  const change = (members: string, values: string, user: string) =>
    `UPDATE ${members} SET ${values} WHERE organization_id = '${ALPHA}' AND user_id = '${user}'`;
  const work = (opened: Opened, who: Who, ...statements: string[]) =>
    service.work(opened.ways[0] as PostgresConnection, opened.database, who, ...statements);
  /** As the superuser, past every trigger. */
  const beforehand = async ({ admin }: Opened, statement: string) => {
    await admin.query("SET session_replication_role = replica");
    await admin.query(statement);
    await admin.query("RESET session_replication_role");
  };
  /** A session in a transaction that has looked at the table. */
  const beginning = async (opened: Opened, isolation: string, who: Who, members: string) => {
    const session = await service.again(opened);
    await session.query(`BEGIN ISOLATION LEVEL ${isolation}`);
    await session.query(`SET LOCAL ROLE ${service.roleFor(opened.database, who)}`);
    await session.query(`SELECT ${set("app.context", service.token(opened.database, who))}`);
    await session.query(`SELECT count(*) FROM ${members}`);
    return session;
  };
  /** A statement and its COMMIT; undefined: both went well. */
  const finish = async (session: PostgresConnection, statement: string) => {
    try {
      await session.query(statement);
      await session.query("COMMIT");
      return undefined;
    } catch (error) {
      await session.query("ROLLBACK");
      if (error instanceof PostgresError) return error;
      throw error;
    }
  };
  /** Until somebody waits for a lock, or it is clear that nobody does. */
  const waiting = async ({ admin }: Opened) => {
    const asked = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    for (let tries = 0; tries < 40 && (await admin.query(asked)).length === 0; tries++) await sleep(25);
  };
  const admins = async ({ admin }: Opened, members: string) =>
    (
      await admin.query(
        `SELECT FROM ${members} WHERE organization_id = '${ALPHA}' AND role::text IN ('ADMIN', 'OWNER') AND deleted_at IS NULL`,
      )
    ).length;

  describe.each([
    { database: "mcp_admin", members: "organization_memberships" },
    // An OWNER is not an admin's to change, so one is always left.
    { database: "ncy8", members: "organization_members" },
  ])("of $database", ({ database, members }) => {
    describe.each([
      "READ COMMITTED",
      "REPEATABLE READ",
      "SERIALIZABLE",
    ])("two admins who take the role from each other, %s", (isolation) => {
      const both = async (opened: Opened, ends: string) => {
        if (database === "mcp_admin")
          await beforehand(opened, change(members, "role = 'ADMIN', deleted_at = NULL", ONE));
        const one = await beginning(opened, isolation, by(ONE), members);
        const other = await beginning(opened, isolation, by(OTHER), members);
        return {
          one: (user = OTHER) => finish(one, change(members, ends, user)),
          other: (user = ONE) => finish(other, change(members, ends, user)),
          first: () => one.query(change(members, ends, OTHER)),
          commit: () => one.query("COMMIT"),
          close: () => Promise.all([one.close(), other.close()]),
        };
      };

      test.each(["role = 'MEMBER'", "deleted_at = now()"])("%s: one is left", async (ends) => {
        const opened = await service.openBriefly(database);
        const sessions = await both(opened, ends);
        if (database === "ncy8") {
          expect(await sessions.one()).toMatchObject({ code: "42501" });
          expect(await sessions.other()).toBeUndefined();
        } else {
          await sessions.first();
          const second = sessions.other();
          await waiting(opened);
          await sessions.commit();
          expect(await second).toMatchObject(
            isolation === "READ COMMITTED"
              ? { code: "42501", message: expect.stringMatching(/keeps an admin/) }
              : { code: "40001" },
          );
        }
        await sessions.close();
        expect(await admins(opened, members)).toBe(1);
      });

      test("however they come, one is left", async () => {
        const opened = await service.openBriefly(database);
        for (let round = 0; round < 5; round++) {
          const sessions = await both(opened, "role = 'MEMBER'");
          const errors = await Promise.all([sessions.one(), sessions.other()]);
          await sessions.close();
          expect(errors.filter(Boolean), String(round)).toHaveLength(1);
          expect(await admins(opened, members)).toBe(1);
          await beforehand(
            opened,
            change(members, database === "ncy8" ? "role = 'MANAGER'" : "role = 'ADMIN'", ONE),
          );
          if (database === "mcp_admin") await beforehand(opened, change(members, "role = 'ADMIN'", OTHER));
        }
      });

      if (database === "mcp_admin")
        test("and two who leave: one is left", async () => {
          const opened = await service.openBriefly(database);
          const sessions = await both(opened, "deleted_at = now()");
          const errors = await Promise.all([sessions.one(ONE), sessions.other(OTHER)]);
          await sessions.close();
          expect(errors.filter(Boolean)).toHaveLength(1);
          expect(await admins(opened, members)).toBe(1);
        });
    });

    const REFUSED = { code: "42501", message: expect.stringMatching(/does not return/) };

    test("who was anonymised is not brought back, by nobody", async () => {
      const opened = await service.openBriefly(database);
      expect(await work(opened, SERVICE, `SELECT anonymize_user('${MEMBER}') AS done`)).toEqual([
        { done: true },
      ]);
      const back = change(members, "deleted_at = NULL", MEMBER);
      expect(await work(opened, by(OTHER), back)).toMatchObject(REFUSED);
      expect(await work(opened, SERVICE, back)).toMatchObject(REFUSED);
      await expect(opened.admin.query(back)).rejects.toMatchObject(REFUSED);
      await expect(
        opened.admin.query(
          `UPDATE users SET anonymized_at = NULL${database === "ncy8" ? ", password_hash = '$2b$12$x'" : ""} WHERE id = '${MEMBER}'`,
        ),
      ).rejects.toMatchObject(REFUSED);
      // What is left of it may change and go.
      expect(await work(opened, by(OTHER), change(members, "deleted_at = now()", MEMBER))).toEqual([]);
      expect(await work(opened, SERVICE, `DELETE FROM users WHERE id = '${MEMBER}'`)).toEqual([]);
    });

    test.each(["READ COMMITTED", "REPEATABLE READ"])("nor while it happens, %s", async (isolation) => {
      const opened = await service.openBriefly(database);
      await beforehand(opened, change(members, "deleted_at = now()", MEMBER));
      const back = change(members, "deleted_at = NULL", MEMBER);
      const live = () =>
        opened.admin.query(
          `SELECT FROM ${members} WHERE organization_id = '${ALPHA}' AND user_id = '${MEMBER}' AND deleted_at IS NULL`,
        );
      const person = await beginning(opened, "READ COMMITTED", SERVICE, members);
      await person.query(`SELECT anonymize_user('${MEMBER}')`);
      const late = await beginning(opened, isolation, by(OTHER), members);
      const second = finish(late, back);
      await waiting(opened);
      await person.query("COMMIT");
      expect(await second).toMatchObject(isolation === "READ COMMITTED" ? REFUSED : { code: "40001" });
      await Promise.all([person.close(), late.close()]);
      expect(await live()).toEqual([]);
    });
  });

  test.each(rowSecurity)("in $database every table that people leave is asked who returns", async ({
    database,
    schema,
  }) => {
    const opened = await service.openBriefly(database);
    const unasked = await opened.admin.query(
      `SELECT c.relname FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p')
         AND 2 = (SELECT count(*) FROM pg_attribute WHERE attrelid = c.oid AND attname IN ('user_id', 'deleted_at'))
         AND 2 <> (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgattr = ''::int2vector AND t.tgenabled = 'O'
           AND t.tgfoid = to_regproc('internal.refuse_anonymized'))`,
      [schema],
    );
    expect(unasked).toEqual([]);
  });
});
