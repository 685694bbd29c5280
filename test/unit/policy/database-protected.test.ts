import { describe, expect, it } from "vitest";
import { databaseProtected } from "../../../policy/rules/database-protected";
import { type Member, stackFaultsOf } from "../../support/policy";

const database = (type: string, name: string, protect = true): Member => ({
  type,
  name: `${name}-database`,
  props: { name },
  protect,
});
const mariadb = "estate:mariadb:Database";
const postgres = "estate:postgres:Database";

describe(databaseProtected.name, () => {
  it("accepts what is protected", () => {
    const members = [database(mariadb, "mo_crm"), database(postgres, "mo_idp")];
    expect(stackFaultsOf(databaseProtected, members)).toEqual([]);
  });

  it("refuses what is not", () => {
    const members = [database(mariadb, "mo_crm", false), database(postgres, "mo_idp", false)];
    expect(stackFaultsOf(databaseProtected, members)).toEqual([
      "mo_crm-database: mo_crm is not protected",
      "mo_idp-database: mo_idp is not protected",
    ]);
  });

  it("lets go of what was retired, and of nothing else", () => {
    const roster: Member = {
      type: "estate:catalogue:Roster",
      name: "catalogue",
      props: { databases: ["mo_idp"], retired: ["mo_crm"] },
    };
    const members = [roster, database(mariadb, "mo_crm", false), database(postgres, "mo_idp", false)];
    expect(stackFaultsOf(databaseProtected, members)).toEqual(["mo_idp-database: mo_idp is not protected"]);
  });

  it("knows a database by its resource where a preview shows nothing else", () => {
    const planned = [database(mariadb, "mo_crm", false), database(postgres, "mo_idp", false)].map(
      (member) => ({
        ...member,
        props: {},
      }),
    );
    const roster: Member = {
      type: "estate:catalogue:Roster",
      name: "catalogue",
      props: { retired: ["mo_crm"] },
    };
    expect(stackFaultsOf(databaseProtected, [roster, ...planned])).toEqual([
      "mo_idp-database: mo_idp is not protected",
    ]);
  });
});
