import { describe, expect, it } from "vitest";
import { chooseBackup } from "../../../../ops/backup/choose";
import type { Backup } from "../../../../ops/backup/manifest";

const backup = (run: string, epoch: string | undefined, rows: number, tag = "daily"): Backup => ({
  database: "mo_crm",
  host: "mariadb",
  engine: "mariadb",
  run,
  tag,
  finished: "2026-01-31T02:00:00Z",
  key: `daily/mariadb/mo_crm/${run}`,
  sha256: "0",
  bytes: 1,
  rows: { people: rows, migration_history: 1 },
  versions: {},
  epoch,
});

const chosen = (...backups: Backup[]) => {
  const choice = chooseBackup(backups);
  if (!choice) return undefined;
  return "backup" in choice ? choice.backup.run : `not ${choice.newest.run}: ${choice.former.run}`;
};

describe("the backup that a restore takes unasked", () => {
  it("is the newest", () => expect(chosen(backup("3", "a", 9), backup("2", "a", 900))).toBe("3"));

  it("is none where there is none", () => expect(chosen()).toBeUndefined());

  it("is not what a restore has saved of the database that it replaced", () =>
    expect(chosen(backup("3", "a", 9, "safety"), backup("2", "a", 9))).toBe("2"));

  it("is not of a server made anew that holds far less than the one before it", () => {
    expect(chosen(backup("3", "b", 0), backup("2", "a", 900), backup("1", "a", 800))).toBe("not 3: 2");
  });

  it("is not, either, after the schedule has saved emptiness twice", () =>
    expect(chosen(backup("4", "b", 0), backup("3", "b", 0), backup("2", "a", 900))).toBe("not 4: 2"));

  it("is the newest again once the new server has held half of it", () => {
    expect(chosen(backup("3", "b", 450), backup("2", "a", 900))).toBe("3");
    expect(chosen(backup("4", "b", 0), backup("3", "b", 899), backup("2", "a", 900))).toBe("4");
  });

  it("is not vouched for by a safety backup of the new server", () =>
    expect(chosen(backup("4", "b", 900, "safety"), backup("3", "b", 0), backup("2", "a", 900))).toBe(
      "not 3: 2",
    ));

  it("may be small on a new server where the former one's was, too", () =>
    expect(chosen(backup("3", "b", 0), backup("2", "a", 0))).toBe("3"));

  it("tells servers apart also where the former one's agent did not say which it was", () =>
    expect(chosen(backup("3", "b", 0), backup("2", undefined, 900))).toBe("not 3: 2"));
});
