import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases } from "../../../estate/catalogue";
import { mariadb, postgres } from "../../support/lab";
import { copyProject, type ProjectCopy } from "../../support/project";
import { succeed } from "../../support/run";

interface ResourceState {
  type: string;
  protect?: boolean;
  retainOnDelete?: boolean;
  outputs?: { name?: string };
}

describe("what the engine keeps of a database", () => {
  it("is protected and stays on the server", async () => {
    const state = JSON.parse(await succeed("pulumi", ["stack", "export", "--stack", "local"]));
    const kept = (state.deployment.resources as ResourceState[]).filter(({ type }) =>
      ["estate:mariadb:Database", "estate:postgres:Database"].includes(type),
    );
    expect(kept.map(({ outputs }) => outputs?.name).sort()).toEqual(databases.map(({ name }) => name).sort());
    expect(kept.filter(({ protect, retainOnDelete }) => !protect || !retainOnDelete)).toEqual([]);
  });
});

/** What an engine that was killed leaves behind: made on the server, unknown to the state. */
describe("a leftover of an interrupted run", () => {
  let project: ProjectCopy;
  const added = ["mo_left_pg", "mo_left_my"] as const;

  beforeAll(async () => {
    project = await copyProject();
    await project.edit(
      "estate/catalogue.ts",
      "  // Platform databases",
      `  postgres("mo_left_pg", { application: "Test", purpose: "test", ...technical, ...application("test") }),
  mariadb("mo_left_my", { application: "Test", purpose: "test", ...technical, ...application("test") }),
  // Platform databases`,
    );
    await postgres("postgres", "CREATE ROLE svc_left_pg NOLOGIN");
    await postgres("postgres", "CREATE DATABASE mo_left_pg TEMPLATE template0");
    await mariadb(
      "mariadb",
      "CREATE DATABASE mo_left_my; CREATE USER svc_left_my@'10.77.0.11' IDENTIFIED BY 'Left-over-of-an-interrupted-run-1' ACCOUNT LOCK",
    );
  });

  afterAll(async () => {
    // Retired and then removed, as every database leaves; what stays on the servers is dropped by hand.
    for (const name of added) {
      await project.edit("estate/catalogue.ts", `("${name}", {`, `("${name}", { state: "retired",`);
    }
    const up = ["up", "--stack", "local", "--yes", "--skip-preview"];
    const retired = await project.pulumi(up);
    await project.edit("estate/catalogue.ts", /^ {2}(postgres|mariadb)\("mo_left.*\n/gm, "");
    const removed = await project.pulumi(up);
    await project.remove();
    await postgres("postgres", "DROP DATABASE IF EXISTS mo_left_pg");
    await mariadb("mariadb", "DROP DATABASE IF EXISTS mo_left_my");
    expect([retired.code, removed.code], retired.output + removed.output).toEqual([0, 0]);
  });

  it("that holds something is left alone, and the message names the command that takes it over", async () => {
    await postgres("mo_left_pg", "CREATE TABLE precious (id int)");
    const up = await project.pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    expect(up.code).not.toBe(0);
    expect(up.output).toContain("pulumi import estate:postgres:Database mo_left_pg-database mo_left_pg");
    expect(await postgres("mo_left_pg", "SELECT count(*) FROM precious")).toBe("0\n");
  });

  it("that is empty is taken over", async () => {
    await postgres("mo_left_pg", "DROP TABLE precious");
    const up = await project.pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    expect(up.code, up.output).toBe(0);
    expect(
      await postgres("postgres", "SELECT rolname FROM pg_roles WHERE rolname LIKE 'svc\\_left%' ORDER BY 1"),
    ).toBe("svc_left_pg\nsvc_left_pg_a\nsvc_left_pg_b\n");
    expect(await mariadb("mariadb", "SELECT count(*) FROM mysql.user WHERE User = 'svc_left_my'")).toBe(
      "1\n",
    );
  });
});
