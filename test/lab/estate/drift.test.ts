import { beforeAll, describe, expect, it } from "vitest";
import { mariadb, postgres } from "../../support/lab";
import { type PlannedChange, plannedChanges, pulumi } from "../../support/project";
import { run } from "../../support/run";
import { loginOf } from "../../support/state";

/** The web host's address: the host part of every account on the external MariaDB. */
const web = "10.77.0.11";

describe("what somebody changes by hand on a server", () => {
  let planned: PlannedChange[];

  beforeAll(async () => {
    await mariadb("plesk", "GRANT DROP ON `mo\\_votes`.* TO svc_votes@localhost");
    await mariadb(
      "mariadb",
      `ALTER USER svc_n8n@'${web}' WITH MAX_USER_CONNECTIONS 100;
       CREATE USER svc_crm@'%' IDENTIFIED BY 'opened by hand, by who may do so'; GRANT ALL ON mo_crm.* TO svc_crm@'%';
       SET PASSWORD FOR svc_consent@'${web}' = PASSWORD('set by hand, by who may do so, 1');
       DELETE FROM mo_analytics.migration_history`,
    );
    await postgres(
      "mcp_portal",
      `ALTER DEFAULT PRIVILEGES FOR ROLE mcp_admin IN SCHEMA public GRANT INSERT ON TABLES TO svc_mcp_portal;
       ALTER TABLE users NO FORCE ROW LEVEL SECURITY;
       GRANT CONNECT ON DATABASE mo_grafana TO PUBLIC;
       ALTER ROLE svc_idp_a CONNECTION LIMIT 50;
       ALTER ROLE ${(await loginOf("mo_discourse")).user} PASSWORD 'set by hand, by who may do so, 1'`,
    );
    const refreshed = await pulumi(["refresh", "--stack", "local", "--yes"]);
    expect(refreshed.code, refreshed.output).toBe(0);
    planned = await plannedChanges();
  });

  const fieldsOf = (resource: string) =>
    planned.find((change) => change.resource === resource)?.fields.join(" ");

  it.each([
    ["a grant", "estate:mariadb:Account mo_votes-account", /^grants/],
    ["a connection limit on MariaDB", "estate:mariadb:Account mo_n8n-account", /^maxUserConnections$/],
    ["an account for any host", "estate:mariadb:Account mo_crm-account", /^otherHosts/],
    ["a password on MariaDB", "estate:mariadb:Account mo_consent-account", /^passwords/],
    [
      "the history of the migrations",
      "estate:sql:Migrations mo_analytics-migrations",
      /^migrations\["0001_analytics"\]$/,
    ],
    [
      "a default privilege",
      "estate:postgres:Access mcp_portal-access",
      /^defaultGrants\["svc_mcp_portal on tables by mcp_admin in public"\]/,
    ],
    [
      "row security that no longer binds the owner",
      "estate:postgres:RowSecurity mcp_portal-row-security",
      /^tables\.users$/,
    ],
    ["a grant to PUBLIC", "estate:postgres:Access mo_grafana-access", /^grants\["public on database"\]/],
    ["a connection limit on PostgreSQL", "estate:postgres:Login mo_idp-login", /^slots\.svc_idp_a/],
    ["a password on PostgreSQL", "estate:postgres:Login mo_discourse-login", /^password$/],
  ])("%s is named by the preview after a refresh", (_what, resource, field) => {
    expect(fieldsOf(resource)).toMatch(field);
  });

  it("is all that the preview names", () => {
    expect(planned.map(({ resource }) => resource)).toHaveLength(10);
    expect(new Set(planned.map(({ op }) => op))).toEqual(new Set(["update"]));
  });

  it("is mended by `up`", async () => {
    const up = await pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    expect(up.code, up.output).toBe(0);

    expect(await mariadb("plesk", "SHOW GRANTS FOR svc_votes@localhost")).not.toContain("DROP");
    expect(await mariadb("mariadb", "SELECT name, step = steps FROM mo_analytics.migration_history")).toBe(
      "analytics\t1\n",
    );
    expect(await mariadb("mariadb", "SELECT Host FROM mysql.user WHERE User = 'svc_crm'")).toBe(`${web}\n`);
    expect(await mariadb("mariadb", `SHOW CREATE USER svc_n8n@'${web}'`)).toContain(
      "MAX_USER_CONNECTIONS 20",
    );
    expect(await postgres("postgres", "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'svc_idp_a'")).toBe(
      "20\n",
    );
    expect(
      await postgres(
        "postgres",
        "SELECT datacl::text ~ '[{,]=' FROM pg_database WHERE datname = 'mo_grafana'",
      ),
    ).toBe("f\n");
    expect(
      await postgres("mcp_portal", "SELECT defaclacl::text FROM pg_default_acl WHERE defaclobjtype = 'r'"),
    ).not.toContain("svc_mcp_portal");
    expect(
      await postgres(
        "mcp_portal",
        "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'public.users'::regclass",
      ),
    ).toBe("t\n");

    const refreshed = await pulumi(["refresh", "--stack", "local", "--yes", "--expect-no-changes"]);
    expect(refreshed.code, refreshed.output).toBe(0);
    expect(await plannedChanges()).toEqual([]);
    expect((await run("ops/estate", ["check", "--stack", "local"])).code).toBe(0);
  });
});
