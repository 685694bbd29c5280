import { describe, expect, it } from "vitest";
import { passwordUnique } from "../../../policy/rules/password-unique";
import { type Member, stackFaultsOf, unknown } from "../../support/policy";

const generator = (name: string, result: unknown = `made by ${name}`): Member => ({
  type: "random:index/randomPassword:RandomPassword",
  name,
  props: { result },
});
const account = (name: string, passwords: unknown, from: string[]): Member => ({
  type: "estate:mariadb:Account",
  name,
  props: { user: `svc_${name}`, passwords },
  madeFrom: { passwords: from },
});
const login = (name: string, password: unknown, from: string[]): Member => ({
  type: "estate:postgres:Login",
  name,
  props: { worksAs: `svc_${name}`, password },
  madeFrom: { password: from },
});
const redis = (name: string, passwords: unknown, from: string[]): Member => ({
  type: "estate:redis:User",
  name,
  props: { user: `svc_${name}`, passwords },
  madeFrom: { passwords: from },
});

describe(passwordUnique.name, () => {
  it("accepts accounts with passwords of their own", () => {
    const members = [
      generator("p1"),
      generator("p2"),
      generator("p3"),
      account("crm", ["made by p1", "made by p2"], ["p1", "p2"]),
      login("idp", "made by p3", ["p3"]),
    ];
    expect(stackFaultsOf(passwordUnique, members)).toEqual([]);
  });

  it("refuses one value in two accounts, and does not print it", () => {
    const faults = stackFaultsOf(passwordUnique, [
      account("crm", ["hunter2", "old"], []),
      login("idp", "hunter2", []),
      redis("main", ["other", "old"], []),
    ]);
    expect(faults).toEqual(["idp: has the same password as crm", "main: has the same password as crm"]);
  });

  it("refuses, in a preview, two accounts made from one generator", () => {
    const faults = stackFaultsOf(passwordUnique, [
      generator("p1", unknown),
      account("crm", [unknown], ["p1"]),
      redis("main", [unknown], ["p1"]),
    ]);
    expect(faults).toEqual(["main: has the same password as crm"]);
  });

  it("takes two values that are not known for two", () => {
    const members = [
      account("crm", [unknown], []),
      redis("main", [unknown], []),
      account("n8n", undefined, []),
      login("idp", undefined, []),
    ];
    expect(stackFaultsOf(passwordUnique, members)).toEqual([]);
  });
});
