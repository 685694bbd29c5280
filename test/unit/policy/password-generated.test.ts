import { describe, expect, it } from "vitest";
import { passwordGenerated } from "../../../policy/rules/password-generated";
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

describe(passwordGenerated.name, () => {
  it("accepts what a generator made", () => {
    expect(
      stackFaultsOf(passwordGenerated, [
        generator("p1"),
        generator("p2"),
        account("crm", ["made by p2", "made by p1"], ["p1", "p2"]),
        login("idp", "made by p1", ["p1"]),
      ]),
    ).toEqual([]);
  });

  it("accepts, in a preview, what will be made from a generator", () => {
    const generators = [generator("p1", unknown), generator("p2", unknown)];
    expect(
      stackFaultsOf(passwordGenerated, [
        ...generators,
        account("crm", [unknown], ["p1"]),
        login("idp", unknown, ["p2"]),
        redis("crm", unknown, ["p2"]),
      ]),
    ).toEqual([]);
  });

  it("refuses a literal, and does not print it", () => {
    const faults = stackFaultsOf(passwordGenerated, [
      generator("p1"),
      account("crm", ["hunter2 hunter2 hunter2 hunter2"], []),
      login("idp", "hunter2 hunter2 hunter2 hunter2", ["p1"]),
      redis("main", ["made by p1", "hunter2"], ["p1"]),
    ]);
    expect(faults).toEqual([
      "crm: passwords holds a value that no RandomPassword of this stack made",
      "idp: password holds a value that no RandomPassword of this stack made",
      "main: passwords holds a value that no RandomPassword of this stack made",
    ]);
  });

  it("refuses what is made from something else", () => {
    const command: Member = { type: "command:local:Command", name: "pwgen", props: { stdout: unknown } };
    const faults = stackFaultsOf(passwordGenerated, [command, account("crm", unknown, ["pwgen"])]);
    expect(faults).toEqual(["crm: passwords is made from no RandomPassword"]);
  });

  it("judges by the generator where a preview shows nothing of the account", () => {
    const stack = [generator("p1", unknown), account("crm", undefined, ["p1"]), redis("main", undefined, [])];
    expect(stackFaultsOf(passwordGenerated, stack)).toEqual([
      "main: passwords is made from no RandomPassword",
    ]);
  });
});
