import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases } from "../../../estate/catalogue";
import { readMigrations } from "../../../estate/migrations/read";
import type { MigrationStatus } from "../../../ops/migrate/status";
import { mariadb, postgres } from "../../support/lab";
import { copyProject, type ProjectCopy, plannedChanges } from "../../support/project";
import { type Finished, projectDirectory, run } from "../../support/run";

/**
 * One database of each engine, and a step after its last one: it takes some seconds and makes an index. The next step fails in
 * its middle. The files are those of a copy of the project.
 */
const DATABASES = [
  {
    name: "ncy8",
    slow: "SELECT count(*) FROM generate_series(1, 20000000);",
    index: (name: string, column: string) => `CREATE INDEX IF NOT EXISTS ${name} ON tasks (\n  ${column});`,
    drop: (name: string) => `DROP INDEX IF EXISTS ${name};`,
    columns: ["title", "nowhere"] as const,
    /** PostgreSQL takes the whole file back. */
    left: { resumes: (broken: string) => broken, indexes: ["lab_idx"] },
    indexes: () =>
      postgres("ncy8", "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'lab%idx' ORDER BY 1"),
    scratch: () =>
      postgres("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'estate_scratch%'"),
  },
  {
    name: "mo_analytics",
    slow: `WITH d AS (${Array(10).fill("SELECT 1").join(" UNION ALL ")})
SELECT COUNT(*) FROM d a, d b, d c, d e, d f, d g, d h;`,
    index: (name: string, column: string) =>
      `CREATE INDEX IF NOT EXISTS ${name} ON event_counts (\n  ${column});`,
    drop: (name: string) => `DROP INDEX IF EXISTS ${name} ON event_counts;`,
    columns: ["occurrences", "nowhere"] as const,
    /** MariaDB has committed the first statement and knows it. */
    left: {
      resumes: (broken: string) => `${broken} (from statement 2)`,
      indexes: ["lab_idx", "lab_second_idx"],
    },
    indexes: () =>
      mariadb(
        "mariadb",
        `SELECT index_name FROM information_schema.statistics
         WHERE table_schema = 'mo_analytics' AND index_name LIKE 'lab%idx' ORDER BY 1`,
      ),
    scratch: () => mariadb("mariadb", "SHOW DATABASES LIKE 'estate\\_scratch%'"),
  },
];

const lines = (text: string) => text.split("\n").filter(Boolean);

describe("estate migrate on the estate", () => {
  let project: ProjectCopy;
  beforeAll(async () => {
    project = await copyProject();
  });
  afterAll(() => project?.remove());

  /** As an operator types it, with the files of the copy. */
  const migrate = (...args: string[]): Promise<Finished> =>
    run(join(project.directory, "ops/estate"), ["migrate", ...args, "--stack", "local"]);
  const statusOf = async (name: string): Promise<MigrationStatus | undefined> => {
    const { stdout } = await migrate("status", name, "--json");
    return (JSON.parse(stdout) as { results: MigrationStatus[] }).results[0];
  };

  it("status shows what is applied, and why the others have none", async () => {
    const { code, stdout } = await migrate("status", "--json");
    const { results } = JSON.parse(stdout) as { results: MigrationStatus[] };
    const live = databases.filter(({ state }) => state === "live");
    expect(results.map(({ name, state }) => [name, state])).toEqual(
      live.map(({ name, schema }) => [name, schema.owner === "program" ? "current" : "application"]),
    );
    for (const { state, applied, latest, reasons } of results) {
      if (state === "current") expect(applied).toHaveLength(latest);
      else expect(reasons).toHaveLength(1);
    }
    expect(code).toBe(0);
  });

  it("verify finds every schema as its files make it", async () => {
    const { code, stdout } = await migrate("verify");
    expect(code, stdout).toBe(0);
  });

  describe.each(DATABASES)("$name", ({ name, slow, index, drop, columns, left, indexes, scratch }) => {
    const entry = databases.find((each) => each.name === name);
    const before = (entry && readMigrations(entry, projectDirectory)?.migrations.length) ?? 0;
    const id = (place: number, word: string) => `${String(before + place).padStart(4, "0")}_${word}`;
    const probe = id(1, "probe");
    const broken = id(2, "broken");
    const write = (file: string, text: string) => writeFile(join(project.directory, "sql", name, file), text);

    beforeAll(async () => {
      await write(`${probe}.up.sql`, `${slow}\n${index("lab_idx", columns[0])}\n`);
      await write(`${probe}.down.sql`, `${drop("lab_idx")}\n`);
    });
    // Also where a test has failed in the middle.
    afterAll(async () => {
      await migrate("down", name, "--to", String(before), "--yes");
      expect(lines(await indexes())).toEqual([]);
    });

    it("a file that is not applied is pending, in `status` and in a preview of the program", async () => {
      expect(await statusOf(name)).toMatchObject({ state: "pending", version: before, pending: [probe] });
      const planned = await plannedChanges({ cwd: project.directory });
      expect(planned).toContainEqual({
        op: "update",
        resource: `estate:sql:Migrations ${name}-migrations`,
        fields: [`migrations["${probe}"]`],
      });
    });

    it("a dry run tries it on a scratch database and leaves nothing", async () => {
      const { code, stdout, output } = await migrate("up", name, "--dry-run");
      expect(code, output).toBe(0);
      expect(stdout).toBe(`${name}: would apply ${probe}\n`);
      expect(await statusOf(name)).toMatchObject({ state: "pending", version: before });
      expect(lines(await scratch())).toEqual([]);
    });

    it("two operators at once: one applies it, the other waits and finds it done", async () => {
      const both = await Promise.all([migrate("up", name), migrate("up", name)]);
      expect(
        both.map(({ code }) => code),
        both.map(({ output }) => output).join("\n"),
      ).toEqual([0, 0]);
      expect(both.map(({ stdout }) => stdout).sort()).toEqual([
        `${name}: applied ${probe}\n`,
        "nothing to do\n",
      ]);
      const waited = both.find(({ stdout }) => stdout === "nothing to do\n");
      expect(waited?.stderr).toContain(`${name}: waiting for another run that is migrating it`);
      expect(await statusOf(name)).toMatchObject({ state: "current", version: before + 1 });
    });

    it("down asks first, takes it back, and up applies it again", async () => {
      const asked = await migrate("down", name);
      expect(asked.code).toBe(2);
      expect(asked.stderr).toContain(
        `${name}: would take back ${probe}; rows in what they made are lost. Add --yes`,
      );
      expect(lines(await indexes())).toEqual(["lab_idx"]);

      expect((await migrate("down", name, "--yes")).stdout).toBe(`${name}: took back ${probe}\n`);
      expect(lines(await indexes())).toEqual([]);
      expect(await statusOf(name)).toMatchObject({ state: "pending", version: before });

      expect((await migrate("up", name)).stdout).toBe(`${name}: applied ${probe}\n`);
      expect(lines(await indexes())).toEqual(["lab_idx"]);
    });

    it("a file that was changed after it was applied is refused, by name", async () => {
      const file = join("sql", name, `${probe}.up.sql`);
      await project.edit(file, "lab_idx", "lab_other_idx");
      const status = await statusOf(name);
      expect(status?.state).toBe("faulty");
      expect(status?.reasons.join()).toContain(`${probe} was changed`);
      const up = await migrate("up", name);
      expect(up.code).toBe(1);
      expect(up.stdout).toContain(`${probe} was changed`);
      expect(lines(await indexes())).toEqual(["lab_idx"]);
      await project.edit(file, "lab_other_idx", "lab_idx");
      expect(await statusOf(name)).toMatchObject({ state: "current" });
    });

    it("one that fails in its middle names file, line and statement, and the version before it stands", async () => {
      await write(
        `${broken}.up.sql`,
        `${index("lab_second_idx", columns[0])}\n\n${index("lab_third_idx", columns[1])}\n`,
      );
      await write(`${broken}.down.sql`, `${drop("lab_third_idx")}\n${drop("lab_second_idx")}\n`);
      const { code, stdout } = await migrate("up", name);
      expect(code).toBe(1);
      expect(stdout).toMatch(
        new RegExp(
          `^${name}: FAILED: sql/${name}/${broken}\\.up\\.sql:[45]: statement 2 of 2 \\(CREATE INDEX .*\\) failed: `,
        ),
      );
      expect(await statusOf(name)).toMatchObject({
        state: "pending",
        version: before + 1,
        pending: [left.resumes(broken)],
      });
      expect(lines(await indexes())).toEqual(left.indexes);

      await project.edit(join("sql", name, `${broken}.up.sql`), "nowhere", columns[0]);
      expect((await migrate("up", name)).stdout).toBe(`${name}: applied ${broken}\n`);
      expect((await migrate("down", name, "--to", String(before), "--yes")).stdout).toBe(
        `${name}: took back ${broken}, ${probe}\n`,
      );
      for (const step of [probe, broken])
        for (const way of ["up", "down"])
          await rm(join(project.directory, "sql", name, `${step}.${way}.sql`));
      expect(await statusOf(name)).toMatchObject({ state: "current", version: before });
    });
  });

  it("leaves the estate as it was", async () => {
    expect((await migrate("verify", "ncy8", "mo_analytics")).code).toBe(0);
    expect(await plannedChanges()).toEqual([]);
  });
});
