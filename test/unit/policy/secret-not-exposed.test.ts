import { describe, expect, it } from "vitest";
import { secretNotExposed } from "../../../policy/rules/secret-not-exposed";
import { type Member, sealed, stackFaultsOf, unknown } from "../../support/policy";

const canary = "canary-password-canary-password-1";
const generator: Member = {
  type: "random:index/randomPassword:RandomPassword",
  name: "mo_crm-password-1",
  props: { result: canary },
};
const command = (props: Record<string, unknown>, madeFrom: Record<string, string[]> = {}): Member => ({
  type: "command:remote:Command",
  name: "step",
  props,
  madeFrom,
});
const stack = (outputs: Record<string, unknown>): Member => ({
  type: "pulumi:pulumi:Stack",
  name: "stack",
  props: outputs,
});

describe(secretNotExposed.name, () => {
  it("accepts a password on standard input and in a sealed output", () => {
    const step = command({ create: "mariadb", stdin: sealed(canary) }, { stdin: [generator.name] });
    const outputs = stack({ connections: sealed({ mo_crm: { password: canary } }), rotations: "hello" });
    expect(stackFaultsOf(secretNotExposed, [generator, step, outputs])).toEqual([]);
  });

  it.each([
    "create",
    "update",
    "delete",
    "environment",
    "triggers",
    "interpreter",
    "dir",
  ])("refuses one in %s", (property) => {
    const says = [`step: ${property} holds a password. Use stdin`];
    const value =
      property === "environment" ? { PASSWORD: canary } : property === "triggers" ? [canary] : `x ${canary}`;
    expect(stackFaultsOf(secretNotExposed, [generator, command({ [property]: value })])).toEqual(says);
    // In a preview the value is not known yet; what it is made from is.
    const planned = command({ [property]: unknown }, { [property]: [generator.name] });
    expect(stackFaultsOf(secretNotExposed, [generator, planned])).toEqual(says);
  });

  it("refuses one in a command on this machine", () => {
    const local = { ...command({ create: `mysql -p${canary}` }), type: "command:local:Command" };
    expect(stackFaultsOf(secretNotExposed, [generator, local])).toEqual([
      "step: create holds a password. Use stdin",
    ]);
  });

  it("refuses one in an output that is not listed as sealed, at any depth", () => {
    const outputs = stack({
      connections: sealed({ a: canary }),
      debug: { list: [{ dsn: `mysql://u:${canary}@h` }] },
    });
    expect(stackFaultsOf(secretNotExposed, [generator, outputs])).toEqual([
      "stack: the output debug holds a password. Take it out",
    ]);
    expect(stackFaultsOf(secretNotExposed, [generator, outputs], { secretOutputs: ["debug"] })).toEqual([
      "stack: the output connections holds a password. Take it out",
      "stack: the output debug is not sealed. Make it a secret",
    ]);
  });

  it("never prints the password", () => {
    const members = [
      generator,
      command({ create: canary, environment: { A: canary } }),
      stack({ debug: canary }),
    ];
    const faults = stackFaultsOf(secretNotExposed, members);
    expect(faults).toHaveLength(3);
    expect(faults.join()).not.toContain(canary);
  });
});
