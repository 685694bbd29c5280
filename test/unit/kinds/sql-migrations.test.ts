import { loadModule } from "libpg-query";
import { beforeAll, describe, expect, it } from "vitest";
import { checksumOf } from "../../../estate/migrations/script";
import { checkMigrationInputs } from "../../../provider/kinds/migrations/check";
import { sqlMigrations as kind } from "../../../provider/kinds/sql-migrations";
import { type Properties, UNKNOWN } from "../../../provider/wire/kind";

const file = { up: "SELECT 1;", down: "SELECT 2;" };
const applied = { checksum: checksumOf(file.up), rollback: checksumOf(file.down) };
const declare = (migrations: Properties = { "0001_a": file }) => ({
  database: "db",
  owner: "db_owner",
  migrations,
});
const reasons = (news: Properties) =>
  checkMigrationInputs(news, undefined).failures.map(({ property }) => property);

describe("the inputs of sql:Migrations", () => {
  it("carry the text of what is new", () => {
    expect(checkMigrationInputs(declare(), undefined)).toEqual({
      inputs: declare({ "0001_a": { ...applied, ...file } }),
      failures: [],
    });
  });

  it("leave out the text of what the last run applied, but not on another machine", () => {
    const old = checkMigrationInputs(declare(), undefined).inputs;
    expect(checkMigrationInputs(declare(), old).inputs).toEqual(declare({ "0001_a": applied }));
    expect(checkMigrationInputs(declare(), old, { elsewhere: true }).inputs).toEqual(old);
    const changed = declare({ "0001_a": { ...file, down: "SELECT 3;" } });
    expect(checkMigrationInputs(changed, old).inputs).toMatchObject({
      migrations: { "0001_a": { up: "SELECT 1;" } },
    });
  });

  it("are idempotent and let pass what is not known yet", () => {
    const old = checkMigrationInputs(declare(), undefined).inputs;
    const again = checkMigrationInputs(declare(), old).inputs;
    expect(checkMigrationInputs(again, old).inputs).toEqual(again);
    expect(reasons({ database: UNKNOWN, owner: UNKNOWN, migrations: UNKNOWN })).toEqual([]);
    expect(reasons(declare({ "0001_a": UNKNOWN }))).toEqual([]);
  });

  it("have all their faults told at once", () => {
    expect(
      reasons({
        database: "",
        owner: 5,
        surprise: true,
        migrations: { a: file, "0001_b": { up: "x" }, "0002_c": "x" },
      }),
    ).toEqual([
      "surprise",
      "database",
      "owner",
      'migrations["a"]',
      'migrations["0001_b"]',
      'migrations["0002_c"]',
    ]);
    expect(reasons({ database: "db", migrations: "x" })).toEqual(["migrations"]);
  });
});

describe("the facts of sql:Migrations", () => {
  beforeAll(loadModule);
  const provider: Properties = { postgres: UNKNOWN };
  const leaky = declare({
    "0001_a": { up: "CREATE VIEW v AS SELECT 1;", down: "GRANT SELECT ON v TO PUBLIC;" },
  });
  const facts = [{ line: 1, does: "view-as-owner", what: "public.v" }];
  const rollbackFacts = [{ line: 1, does: "grant", what: "TABLE", detail: "PUBLIC" }];

  it("are told by the text, and stay when it is applied", () => {
    const first = checkMigrationInputs(leaky, undefined, { provider }).inputs;
    expect(first).toMatchObject({ migrations: { "0001_a": { facts, rollbackFacts } } });
    const later = checkMigrationInputs(leaky, first, { provider }).inputs.migrations as Record<
      string,
      Properties
    >;
    expect(Object.keys(later["0001_a"] ?? {})).toEqual(["checksum", "rollback", "facts", "rollbackFacts"]);
    expect(later["0001_a"]).toMatchObject({ facts, rollbackFacts });
  });

  it("are not taken from who declares them", () => {
    const lying = declare({
      "0001_a": { up: "CREATE VIEW v AS SELECT 1;", down: "", facts: [], rollbackFacts: [] },
    });
    expect(checkMigrationInputs(lying, undefined, { provider }).inputs).toMatchObject({
      migrations: { "0001_a": { facts } },
    });
    const bare = declare({ "0001_a": { ...applied, facts: [], rollbackFacts: [] } });
    expect(checkMigrationInputs(bare, undefined, { provider }).inputs).toEqual(
      declare({ "0001_a": applied }),
    );
  });
});

describe("the preview of sql:Migrations", () => {
  const diff = (old: Properties, news: Properties) => {
    const inputs = checkMigrationInputs(old, undefined).inputs as never;
    return kind.diff?.({ id: "db", inputs, state: inputs }, checkMigrationInputs(news, undefined).inputs);
  };

  it("names each file that differs, and nothing else", () => {
    const two = { "0001_a": file, "0002_b": file };
    expect(diff(declare(two), declare(two))).toEqual([]);
    expect(diff(declare(), declare(two))).toEqual([{ path: 'migrations["0002_b"]', kind: "add" }]);
    expect(diff(declare(two), declare())).toEqual([{ path: 'migrations["0002_b"]', kind: "delete" }]);
    expect(
      diff(declare(two), declare({ "0001_a": { ...file, up: "x" }, "0002_b": { ...file, down: "x" } })),
    ).toEqual([
      { path: 'migrations["0001_a"].checksum', kind: "update" },
      { path: 'migrations["0002_b"].rollback', kind: "update" },
    ]);
  });

  it("replaces for another database only", () => {
    expect(diff(declare(), { ...declare(), database: "other" })).toEqual([
      { path: "database", kind: "update", replaces: true },
    ]);
    expect(diff(declare(), { ...declare(), owner: "other" })).toEqual([{ path: "owner", kind: "update" }]);
  });
});
