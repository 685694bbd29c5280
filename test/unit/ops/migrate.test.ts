import { describe, expect, it } from "vitest";
import { databases } from "../../../estate/catalogue";
import { checkMigrations } from "../../../estate/migrations/read";
import type { MigrationSet } from "../../../estate/migrations/types";
import type { DatabaseEntry } from "../../../estate/types";
import type { MigratedDatabase } from "../../../migrate/scratch";
import type { AppliedMigration } from "../../../migrate/types";
import { requireJudged } from "../../../ops/migrate/judge";
import { requireVersion, selectMigrations } from "../../../ops/migrate/select";
import { statusOf } from "../../../ops/migrate/status";
import { run } from "../../../ops/program";
import { renderEvent, renderRun, renderStatus, renderVerification } from "../../../ops/render/migrate";
import { projectDir, recordedIo } from "./support";

const set = checkMigrations(
  { name: "db", engine: "mariadb" },
  Object.fromEntries(
    ["0001_a", "0002_b"].flatMap((id) => [
      [`${id}.up.sql`, "DO 1;\nDO 2;\n"],
      [`${id}.down.sql`, "DO 3;\n"],
    ]),
  ),
);
const entry = (owner: "application" | "program") =>
  ({
    name: "db",
    server: "mariadb",
    engine: "mariadb",
    schema: { owner, reason: "because" },
  }) as DatabaseEntry;
const row = (version: number, changes: Partial<AppliedMigration> = {}): AppliedMigration => {
  const { id, name, up, down } = set.migrations[version - 1] as MigrationSet["migrations"][number];
  return {
    id,
    version,
    name,
    checksum: up.checksum,
    rollbackSql: down.text,
    step: 2,
    steps: 2,
    rollbackStep: null,
    durationMs: 4,
    appliedBy: "x@y",
    appliedAt: "2026-01-01T00:00:00Z",
    ...changes,
  };
};
const database = (history: () => AppliedMigration[] | undefined) => () =>
  ({ store: { history: async () => history() } }) as unknown as MigratedDatabase;
const status = (history: () => AppliedMigration[] | undefined) =>
  statusOf({ entry: entry("program"), set }, database(history));

describe("the status of a database", () => {
  it.each<[string, () => AppliedMigration[] | undefined, object]>([
    ["nothing applied", () => [], { state: "pending", version: 0, pending: ["0001_a", "0002_b"] }],
    ["all applied", () => [row(1), row(2)], { state: "current", version: 2, pending: [] }],
    ["one pending", () => [row(1)], { state: "pending", version: 1, latest: 2, pending: ["0002_b"] }],
    [
      "a changed one",
      () => [row(1, { checksum: "f00" })],
      { state: "faulty", reasons: [expect.stringMatching(/^0001_a was changed/)] },
    ],
    ["one half taken back", () => [row(1), row(2, { rollbackStep: 1 })], { state: "faulty" }],
    [
      "no database",
      () => undefined,
      { state: "unknown", reasons: ["there is no such database. Run: pulumi up"] },
    ],
  ])("%s", async (_what, history, expected) => {
    expect(await status(history)).toMatchObject(expected);
  });

  it("says why a database has none of ours", async () => {
    const application = await statusOf(
      { entry: entry("application"), set: undefined },
      database(() => []),
    );
    expect(application).toMatchObject({ state: "application", reasons: ["because"] });
    expect(renderStatus([application], { colour: false })).toContain(
      "db: migrated by its application: because",
    );
  });

  it("of one that cannot be asked is unknown, with the reason", async () => {
    const failing = await status(() => {
      throw new Error("no way");
    });
    expect(failing).toMatchObject({ state: "unknown", reasons: ["no way"] });
    expect(renderStatus([failing], { colour: false })).toMatch(/^db +mariadb +- +2 +unknown$/m);
  });

  it("reads as a table, and never shows the rollback statements", async () => {
    const results = [
      await status(() => [row(1)]),
      { ...(await status(() => [row(1), row(2)])), name: "other" },
    ];
    expect(JSON.stringify(results)).not.toContain("DO 3");
    expect(renderStatus(results, { colour: false })).toMatchInlineSnapshot(`
      "database  server   version  files  state    pending
      db        mariadb        1      2  pending  0002_b
      other     mariadb        2      2  current
      "
    `);
  });
});

describe("what the command prints", () => {
  it("of a verification: each difference, with its lines", async () => {
    const ok = await status(() => [row(1), row(2)]);
    expect(
      renderVerification(
        [
          { ...ok, differences: [] },
          {
            ...ok,
            name: "other",
            differences: [
              { object: "column public.users.age", is: "extra", lines: [] },
              { object: "table users", is: "different", lines: ["- a int", "+ a bigint"] },
            ],
          },
        ],
        { colour: false },
      ),
    ).toMatchInlineSnapshot(`
      "database  server   version  files  state   pending
      db        mariadb        2      2  ok
      other     mariadb        2      2  FAILED

      other: column public.users.age is no migration's: somebody made it by hand
      other: table users is not as its migrations make it (- should be, + is)
        - a int
        + a bigint
      "
    `);
  });

  it("of a run: what was done, and where it stopped", () => {
    const results = [
      { name: "a", done: ["0001_x"] },
      { name: "b", done: [], error: "sql/b/0001_x.up.sql:1: it failed" },
    ];
    expect(renderRun(results, { direction: "up", dryRun: false })).toBe(
      "a: applied 0001_x\nb: FAILED: sql/b/0001_x.up.sql:1: it failed\n",
    );
    expect(renderRun([{ name: "a", done: ["0001_x"] }], { direction: "up", dryRun: true })).toBe(
      "a: would apply 0001_x\n",
    );
    expect(renderRun([{ name: "a", done: ["0001_x"] }], { direction: "down", dryRun: false })).toBe(
      "a: took back 0001_x\n",
    );
    expect(renderRun([], { direction: "up", dryRun: false })).toBe("nothing to do\n");
  });

  it("of progress: one line for each thing that begins or ends", () => {
    const event = { database: "db", direction: "up", id: "0001_a", steps: 2 } as const;
    expect(renderEvent({ ...event, type: "started", step: 0 })).toBe("db: 0001_a applying (2 statements)");
    expect(renderEvent({ ...event, type: "resumed", step: 1 })).toBe(
      "db: 0001_a resuming at statement 2 of 2",
    );
    expect(renderEvent({ ...event, type: "finished", durationMs: 5 })).toBe("db: 0001_a applied in 5 ms");
    expect(renderEvent({ type: "waiting", database: "db" })).toBe(
      "db: waiting for another run that is migrating it",
    );
  });
});

describe("estate migrate", () => {
  it("works on all databases, or on those that are named", () => {
    const live = databases.filter(({ state }) => state === "live").length;
    expect(selectMigrations(databases, [], projectDir)).toHaveLength(live);
    expect(selectMigrations(databases, ["ncy8"], projectDir).map(({ entry: { name } }) => name)).toEqual([
      "ncy8",
    ]);
  });

  it("refuses what the policies of pulumi up refuse, each with file and line, and nothing of the project's own", async () => {
    await expect(requireJudged(selectMigrations(databases, [], projectDir))).resolves.toBeUndefined();
    const judged = (engine: "mariadb" | "postgres", up: string) =>
      requireJudged([
        {
          entry: entry("program"),
          set: checkMigrations(
            { name: "db", engine },
            { "0001_a.up.sql": up, "0001_a.down.sql": "SELECT 1;\n" },
          ),
        },
      ]).then(() => "", String);
    expect(
      await judged("mariadb", "SELECT 1;\nCREATE TABLE IF NOT EXISTS other.a (id int) ENGINE = InnoDB;\n"),
    ).toMatch(
      /sql\/db\/0001_a\.up\.sql:2: a name of a database before a name \(other\): nothing that a migration may hold/,
    );
    expect(await judged("postgres", "SELECT 1;\nDO $$ BEGIN GRANT ALL ON a TO PUBLIC; END $$;\n")).toMatch(
      /sql\/db\/0001_a\.up\.sql:2: .*: rights are declared, not migrated/,
    );
    expect(await judged("postgres", "DO $$ BEGIN EXECUTE (SELECT b FROM a); END $$;\n")).toMatch(
      /0001_a\.up\.sql:1: .*: nobody can say what it does/,
    );
  });

  it.each([
    [["status", "ncy9"], "no such database: ncy9 (did you mean ncy8?)"],
    [["up", "--to", "3"], "--to is for one database: name it"],
    [["up", "ncy8", "--to", "three"], "give a version as a number"],
    [["down"], "missing required argument 'database'"],
    [["frobnicate"], "unknown command 'frobnicate'"],
  ])("%j is wrong usage", async (words, message) => {
    const io = recordedIo();
    expect(await run(["migrate", ...words], io)).toBe(2);
    expect(io.stderr).toContain(message);
  });
});

describe("--to of an `up`", () => {
  const selected = [{ entry: entry("program"), set }];

  it.each([undefined, 0, 1, 2])("may be %s", (to) => {
    expect(() => requireVersion(selected, to)).not.toThrow();
  });

  it("is refused where no file has that version", () => {
    expect(() => requireVersion(selected, 99)).toThrow(
      "--to is 99: db has no such version; its files go to 2",
    );
  });
});
