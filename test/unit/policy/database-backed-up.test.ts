import { describe, expect, it } from "vitest";
import { databaseBackedUp } from "../../../policy/rules/database-backed-up";
import { type Member, stackFaultsOf } from "../../support/policy";

const database = (type: string, name: string, protect = true): Member => ({
  type,
  name: `${name}-database`,
  props: { name },
  protect,
});
const mariadb = "estate:mariadb:Database";
const postgres = "estate:postgres:Database";

describe(databaseBackedUp.name, () => {
  const databases = [database(mariadb, "mo_crm"), database(postgres, "mo_idp")];
  const backup = (...covered: string[]): Member => ({
    type: "estate:host:BackupAgent",
    name: `backup of ${covered.join()}`,
    props: {
      databases: covered,
      files: {
        "/etc/estate-backup/agent.conf": {
          content: `DATABASES='${covered.map((each) => `${each}:daily`).join(" ")}'`,
        },
      },
      timers: ["estate-backup.timer"],
    },
  });

  it("accepts databases that are in a backup", () => {
    expect(stackFaultsOf(databaseBackedUp, [...databases, backup("mo_crm"), backup("mo_idp")])).toEqual([]);
  });

  it("names those that are in none", () => {
    expect(stackFaultsOf(databaseBackedUp, [...databases, backup("mo_crm")])).toEqual([
      "in no backup: mo_idp",
    ]);
    expect(stackFaultsOf(databaseBackedUp, databases)).toEqual(["in no backup: mo_crm, mo_idp"]);
  });

  it("counts the kinds that the stack backs up with", () => {
    const other = { ...backup("mo_crm", "mo_idp"), type: "other:index:Backup" };
    expect(stackFaultsOf(databaseBackedUp, [...databases, other])).toEqual(["in no backup: mo_crm, mo_idp"]);
    expect(stackFaultsOf(databaseBackedUp, [...databases, other], { types: [other.type] })).toEqual([]);
  });
});
