import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PostgresConnection, PostgresError } from "../../../connect/postgres";
import { rowSecurity } from "../../../estate/row-security";
import { roleOf } from "../../../estate/row-security/roles";
import { rowId } from "../../support/fixtures";
import { taken } from "../../support/row-matrix/real";
import {
  type Opened,
  type ServiceLogins,
  startServiceLogins,
  type Who,
} from "../../support/row-matrix/service";

const [ALPHA, MEMBER] = [rowId("a0"), rowId("a1")];
const member: Who = { identity: "member", tenant: ALPHA, subject: MEMBER };
const counting = "SELECT (SELECT count(*) FROM public.users)::int AS n";

/**
 * PostgreSQL lets every login choose what its sessions begin with, and nothing takes that away. So whoever has any SQL as the service's
 * login leaves settings to the sessions after his: what they are worth.
 */
describe.each(["16", "17"] as const)("on PostgreSQL %s", (version) => {
  let service: ServiceLogins;
  beforeAll(async () => {
    service = await startServiceLogins(version);
  });
  afterAll(() => service?.stop());

  describe.each(rowSecurity)("$database", (declaration) => {
    const { database } = declaration;
    const login = `svc_${database}_a`;
    let opened: Opened;
    beforeAll(async () => {
      opened = await service.open(database);
    });
    /** As the login gives it to itself; in the next session. */
    const leaving = async (settings: readonly string[]) => {
      const [client] = opened.ways as [PostgresConnection];
      await client.query("RESET ROLE");
      for (const each of settings) await client.query(`ALTER ROLE ${login} SET ${each}`);
      return service.again(opened);
    };
    const forget = (session: PostgresConnection) =>
      Promise.all([session.close(), opened.admin.query(`ALTER ROLE ${login} RESET ALL`)]);
    const told = (answer: PostgresError | Record<string, unknown>[]) =>
      answer instanceof PostgresError ? answer.code : answer;

    test("what a login gives its later sessions shows no row", async () => {
      const usual = await service.work(opened.ways[1] as PostgresConnection, database, member, counting);
      expect(usual).toEqual([{ n: 1 }]);
      const token = service.token(database, { ...member, seconds: 3600 });
      for (const [setting, without, within] of [
        ...taken(declaration).map(
          (identity) => [`role = '${roleOf(declaration, identity)}'`, undefined, usual] as const,
        ),
        ["row_security = off", "42501", "42501"],
        ["search_path = pg_temp", undefined, usual],
        // A token is its role's alone.
        [`"app.context" = '${token}'`, undefined, usual],
        [`"context.held" = '1'`, undefined, usual],
        ["default_transaction_isolation = 'repeatable read'", undefined, usual],
        ["session_authorization = 'postgres'", undefined, usual],
      ] as const) {
        const session = await leaving([setting]).catch((error: unknown) => error as PostgresError);
        if (session instanceof PostgresError) {
          expect(session.code, setting).toMatch(/^(42501|22023|55P02|42704)$/);
          continue;
        }
        const alone = told(await service.work(session, database, undefined, counting));
        if (without === undefined) expect([[{ n: 0 }], "42501"], setting).toContainEqual(alone);
        else expect(alone, setting).toBe(without);
        expect(told(await service.work(session, database, member, counting)), setting).toEqual(within);
        await forget(session);
      }
    });

    test("and is the login's own alone, without what only a superuser sets", async () => {
      const [client] = opened.ways as [PostgresConnection];
      await client.query("RESET ROLE");
      for (const statement of [
        `ALTER ROLE ${roleOf(declaration, "member")} SET search_path = x`,
        "ALTER ROLE ALL SET search_path = x",
        `ALTER DATABASE ${opened.admin.database} SET search_path = x`,
        `ALTER ROLE ${login} SET session_replication_role = replica`,
        `ALTER ROLE ${login} SET log_statement = 'all'`,
        `ALTER ROLE ${login} SET session_preload_libraries = 'x'`,
        `ALTER ROLE ${login} SET temp_file_limit = -1`,
      ])
        await expect(client.query(statement), statement).rejects.toMatchObject({ code: "42501" });
    });
  });
});
