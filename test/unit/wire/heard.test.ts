import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { describe, expect, it } from "vitest";
import type { AnyKind, Properties } from "../../../provider/wire/kind";
import { ProviderMethods } from "../../../provider/wire/methods";
import { toStruct } from "../../../provider/wire/values";

/** A host that was taken over answers a refresh: what the engine gets of it. */

const type = "t:index:Thing";
const urn = `urn:pulumi:stack::project::${type}::one`;
const SIGNATURE = "4dabf18193072939515e22adb298388d";

const declared = { settings: { port: "22", note: "left\u200bas it is" } };

function provider(said: Properties) {
  const kind: AnyKind = {
    token: type,
    check: (news) => ({ inputs: news, failures: [] }),
    create: async () => ({ id: "1", state: said }),
    read: async (_call, id) => ({ id, inputs: said, state: said }),
    update: async () => said,
    delete: async () => undefined,
  };
  return new ProviderMethods({ name: "t", version: "0.0.1", kinds: [kind], configure: () => ({}) });
}

/** Of each way on which a kind's answer reaches the engine, as it lies on the wire. */
async function answers(said: Properties) {
  const known = toStruct(declared);
  const methods = provider(said);
  const read = new messages.ReadRequest().setId("1").setUrn(urn).setInputs(known).setProperties(known);
  const create = new messages.CreateRequest().setUrn(urn).setProperties(known);
  const update = new messages.UpdateRequest().setId("1").setUrn(urn).setOlds(known).setNews(known);
  const refreshed = await methods.read(read);
  const made = await methods.create(create);
  const changed = await methods.update(update);
  return [
    refreshed.getInputs(),
    refreshed.getProperties(),
    made.getProperties(),
    changed.getProperties(),
  ].map((struct) => struct?.toJavaScript());
}

describe("what a host says", () => {
  it.each<[string, Properties, Properties]>([
    [
      "moves no terminal, as a value or as a name",
      { "a\u001b[2J": "b\u001b]0;mine\u0007\r\u202e", lines: "one\n\ttwo" },
      { "a\ufffd[2J": "b\ufffd]0;mine\ufffd\ufffd\ufffd", lines: "one\n\ttwo" },
    ],
    [
      "hides no other name behind one that is shown alike",
      { "a\u0007": "1", "a\u0008": "2" },
      { "a\ufffd": "1", "a\ufffd\ufffd": "2" },
    ],
    [
      "is no file of the operator's machine",
      { [SIGNATURE]: "c44067f5952c0a294b673a41bacd8c17", path: "/etc/shadow" },
      { "\ufffd": "c44067f5952c0a294b673a41bacd8c17", path: "/etc/shadow" },
    ],
    [
      "is no secret, which a plan would not show",
      { [SIGNATURE]: "1b47061264138c4ac30d75fd1eb44270", value: "open" },
      { "\ufffd": "1b47061264138c4ac30d75fd1eb44270", value: "open" },
    ],
    [
      "is never not known, which ends every refresh",
      { port: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" },
      { port: "\ufffd" },
    ],
    ["stays what was declared", declared.settings, declared.settings],
  ])("%s", async (_what, said, shown) => {
    for (const answer of await answers({ settings: said })) expect(answer).toEqual({ settings: shown });
  });

  it("is not kept where it is larger, or nested deeper, than anything that is declared", async () => {
    const large = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [at, "x".repeat(2 ** 20)]));
    await expect(answers({ settings: large })).rejects.toThrow("more than 8388608 characters");
    const many = Array.from({ length: 2 ** 20 + 1 }, () => "");
    await expect(answers({ settings: many })).rejects.toThrow("more than 8388608 characters");
    const deep = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`);
    await expect(answers({ settings: deep })).rejects.toThrow("nested deeper than 64");
  });
});
