import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const project = join(__dirname, "../../..");
const FOLDERS = [
  "components",
  "connect",
  "estate",
  "migrate",
  "ops",
  "policy",
  "provider",
  "test/drill",
  "toolchain",
];

const sources = [
  "index.ts",
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(project, folder), { recursive: true, encoding: "utf8" }).map((name) =>
      join(folder, name),
    ),
  ),
].filter((name) => name.endsWith(".ts"));

const filesWith = (pattern: RegExp) =>
  sources.filter((name) => pattern.test(readFileSync(join(project, name), "utf8"))).sort();

describe("who opens a session in a database", () => {
  it("on PostgreSQL: only what pins its settings, or bounds a service's", () => {
    expect(filesWith(/\bconnectPostgres\b/)).toEqual(["connect/postgres-server.ts", "connect/postgres.ts"]);
  });

  it("the drivers are called in one place each", () => {
    expect(filesWith(/(from|import\() ?"pg"/)).toEqual(["connect/postgres-words.ts", "connect/postgres.ts"]);
    expect(filesWith(/"mysql2/)).toEqual(["connect/mariadb.ts"]);
  });

  it("as a service: only what looks with its eyes, or fills it for a drill", () => {
    expect(filesWith(/\bopenAsService\b/)).toEqual([
      "connect/postgres-server.ts",
      "ops/privileges/postgres.ts",
      "ops/reach/connectors.ts",
      "test/drill/fill/services.ts",
    ]);
    expect(filesWith(/\.openAs\(/)).toEqual([
      "provider/kinds/mariadb/probe.ts",
      "provider/kinds/postgres/probe.ts",
      "provider/kinds/redis/probe.ts",
    ]);
  });
});
