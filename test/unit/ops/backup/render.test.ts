import { expect, it } from "vitest";
import type { Backup } from "../../../../ops/backup/manifest";
import type { Verification } from "../../../../ops/backup/verify";
import { renderVerifications } from "../../../../ops/render/backup";

const backup = (database: string, engine: Backup["engine"]): Backup => ({
  database,
  host: engine,
  engine,
  run: "20260101T000000Z",
  tag: "daily",
  finished: "2026-01-01T00:00:00Z",
  key: `daily/${engine}/${database}`,
  sha256: "0".repeat(64),
  bytes: 1024,
  rows: {},
  versions: {},
});
const verified = (of: Backup, more: Partial<Verification> = {}): Verification => ({
  backup: of,
  plainBytes: 4096,
  archiveRead: false,
  durationMs: 100,
  fault: undefined,
  ...more,
});
const notes = (...results: Verification[]) =>
  renderVerifications(results, [], { colour: false })
    .split("\n")
    .filter((line) => /pg_restore/.test(line));

it("a verification says which archives pg_restore did not read, and what to install", () => {
  const [portal, idp, crm] = [
    backup("mcp_portal", "postgres"),
    backup("mo_idp", "postgres"),
    backup("mo_crm", "mariadb"),
  ] as const;
  expect(notes(verified(portal), verified(idp), verified(crm))).toEqual([
    "not read by pg_restore, which is not on PATH or older than the dump: mcp_portal, mo_idp. Install the package postgresql-client of the server's version",
  ]);
  expect(notes(verified(portal, { archiveRead: true }), verified(crm))).toEqual([]);
  expect(notes(verified(backup("_accounts", "postgres")), verified(idp, { fault: "it is cut off" }))).toEqual(
    [],
  );
});
