import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mariadb, postgres } from "../../support/lab";
import { copyProject, type ProjectCopy, plannedChanges, pulumi } from "../../support/project";

const rolesLike = (pattern: string) =>
  postgres("postgres", `SELECT rolname FROM pg_roles WHERE rolname LIKE '${pattern}' ORDER BY 1`);

describe("taking a database out of the catalogue", () => {
  let project: ProjectCopy;
  beforeAll(async () => {
    project = await copyProject();
    // Something to lose: a table of each service's own, with a row in it.
    await mariadb("plesk", "CREATE TABLE mo_forum.kept (id int); INSERT INTO mo_forum.kept VALUES (1)");
    await postgres(
      "mo_grafana",
      "SET ROLE svc_grafana; CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)",
    );
  });
  afterAll(async () => {
    await project?.remove();
    // Back to what the real catalogue declares, for the other tests. Emptied, so that `up` may take the databases over.
    await mariadb("plesk", "DROP TABLE IF EXISTS mo_forum.kept");
    await postgres("mo_grafana", "DROP TABLE IF EXISTS kept");
    const up = await pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    expect(up.code, up.output).toBe(0);
    expect(await plannedChanges()).toEqual([]);
  });

  it("is refused while it is live, and the message says how to retire it", async () => {
    await project.edit("estate/catalogue.ts", /^ {2}plesk\("mo_forum".*\n/m, "");
    await project.edit("estate/catalogue.ts", /^ {2}postgres\("mo_grafana".*\n/m, "");
    const preview = await project.pulumi(["preview", "--stack", "local"]);
    expect(preview.code).not.toBe(0);
    expect(preview.output).toMatch(
      /mo_forum was taken out of the catalogue while it is live\. To retire it: set state/,
    );
    expect(preview.output).toMatch(/mo_grafana was taken out of the catalogue while it is live/);
    const up = await project.pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    expect(up.code).not.toBe(0);
    expect(await mariadb("plesk", "SELECT User FROM mysql.user WHERE User = 'svc_forum'")).toBe(
      "svc_forum\n",
    );
    expect(await rolesLike("svc\\_grafana%")).toBe("svc_grafana\nsvc_grafana_a\nsvc_grafana_b\n");
  });

  it("retired, leaves no role, grant or account behind in any database, and keeps the data", async () => {
    await project.remove();
    project = await copyProject();
    await project.edit(
      "estate/catalogue.ts",
      'plesk("mo_forum",      {',
      'plesk("mo_forum", { state: "retired",',
    );
    await project.edit(
      "estate/catalogue.ts",
      'postgres("mo_grafana",   {',
      'postgres("mo_grafana", { state: "retired",',
    );
    const up = await project.pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    expect(up.code, up.output).toBe(0);

    expect(await mariadb("plesk", "SELECT User FROM mysql.global_priv WHERE User LIKE 'svc\\_forum%'")).toBe(
      "",
    );
    expect(await mariadb("plesk", "SELECT User FROM mysql.db WHERE Db LIKE 'mo%forum'")).toBe("");
    expect(await mariadb("plesk", "SELECT count(*) FROM mo_forum.kept")).toBe("1\n");

    expect(await rolesLike("svc\\_grafana%")).toBe("");
    for (const database of ["mo_grafana", "mo_idp", "postgres"]) {
      expect(
        await postgres(
          database,
          "SELECT coalesce(string_agg(acl::text, ' '), '') FROM (SELECT relacl AS acl FROM pg_class UNION ALL SELECT nspacl FROM pg_namespace UNION ALL SELECT datacl FROM pg_database UNION ALL SELECT defaclacl FROM pg_default_acl) a",
        ),
      ).not.toMatch(/grafana/);
    }
    expect(await postgres("mo_grafana", "SELECT count(*) FROM kept")).toBe("1\n");
  });

  it("then lets the entry go from the catalogue, and the data still stays", async () => {
    await project.edit("estate/catalogue.ts", /^ {2}plesk\("mo_forum".*\n/m, "");
    await project.edit("estate/catalogue.ts", /^ {2}postgres\("mo_grafana".*\n/m, "");
    const up = await project.pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    expect(up.code, up.output).toBe(0);
    expect(await mariadb("plesk", "SELECT count(*) FROM mo_forum.kept")).toBe("1\n");
    expect(await postgres("mo_grafana", "SELECT count(*) FROM kept")).toBe("1\n");
  });
});
