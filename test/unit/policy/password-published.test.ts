import { describe, expect, it } from "vitest";
import { passwordPublished } from "../../../policy/rules/password-published";
import { type Member, stackFaultsOf } from "../../support/policy";

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

const secret = (name: string, property: string, from: string): Member => ({
  type: name.endsWith("-env")
    ? "estate:github:EnvironmentSecret"
    : "github:index/actionsSecret:ActionsSecret",
  name,
  props: {},
  madeFrom: { [property]: [from] },
});

describe(passwordPublished.name, () => {
  const members = [
    ...["p1", "p2", "p3", "p4"].map((name) => generator(name)),
    account("crm", ["made by p2", "made by p1"], ["p1", "p2"]),
    redis("crm-redis", ["made by p3"], ["p3"]),
    login("idp", "made by p4", ["p4"]),
  ];

  it("accepts passwords that are secrets", () => {
    const secrets = [
      secret("a", "value", "p2"),
      secret("b-env", "plaintextValue", "p3"),
      secret("c", "plaintextValue", "p4"),
    ];
    expect(stackFaultsOf(passwordPublished, [...members, ...secrets])).toEqual([]);
  });

  it("names every service whose password is none", () => {
    expect(
      stackFaultsOf(passwordPublished, [
        ...members,
        secret("a", "secretName", "p2"),
        secret("c", "value", "p4"),
      ]),
    ).toEqual(["no GitHub secret is made from the password of crm, crm-redis"]);
  });

  it("takes the two login slots of a service for one", () => {
    const slots = [
      login("idp", "made by p4", ["p4"]),
      { ...login("idp", "made by p1", ["p1"]), name: "idp-b" },
    ];
    const stack = [generator("p1"), generator("p4"), ...slots, secret("c", "value", "p4")];
    expect(stackFaultsOf(passwordPublished, stack)).toEqual([]);
  });
});
