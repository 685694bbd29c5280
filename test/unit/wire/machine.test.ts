import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { beforeEach, describe, expect, it } from "vitest";
import type { AnyKind, Properties, Value } from "../../../provider/wire/kind";
import { UNKNOWN } from "../../../provider/wire/kind";
import { ProviderMethods } from "../../../provider/wire/methods";
import { fromStruct, toStruct } from "../../../provider/wire/values";

const type = "t:index:Thing";
const urn = `urn:pulumi:stack::project::${type}::one`;

/** Whatever the kind was given, call by call. */
let given: unknown[];

const kind: AnyKind = {
  token: type,
  replaceOn: ["name"],
  check(news: Properties, old) {
    given.push(news, ...(old ? [old] : []));
    return { inputs: news, failures: [] };
  },
  diff({ inputs, state }, news) {
    given.push(inputs, state, news);
    return [];
  },
  async create(_call, inputs) {
    given.push(inputs);
    return { id: "1", state: inputs };
  },
  async read(_call, id, old) {
    given.push(old);
    return { id, inputs: { name: "a" }, state: { name: "a" } };
  },
  async update(_call, _id, old, news) {
    given.push(old, news);
    return news;
  },
  async delete(_call, _id, old) {
    given.push(old);
  },
};

const provider = (machines = true) =>
  new ProviderMethods({ name: "t", version: "0.0.1", kinds: [kind], machines, configure: () => ({}) });
const on = (machine: Properties[string]) => toStruct({ name: "a", machine });
const plain = { name: "a" };

const check = (news: Properties, machines = true) =>
  provider(machines).check(
    new messages.CheckRequest()
      .setUrn(urn)
      .setOlds(on("before"))
      .setNews(toStruct({ ...news })),
  );
const diff = (before: Properties, after: Properties) => {
  const olds = toStruct({ ...before });
  const request = new messages.DiffRequest().setUrn(urn).setOlds(olds).setOldInputs(olds);
  return provider().diff(request.setNews(toStruct({ ...after })));
};
const changed = (before: Properties, after: Properties) => diff(before, after).getDiffsList();

beforeEach(() => {
  given = [];
});

describe("the machine of a resource", () => {
  it("is not seen by its kind, in no call", async () => {
    check({ ...plain, machine: "m" });
    diff({ ...plain, machine: "m" }, { ...plain, machine: "n" });
    const it = provider();
    await it.create(new messages.CreateRequest().setUrn(urn).setProperties(on("m")));
    await it.read(
      new messages.ReadRequest().setUrn(urn).setId("1").setInputs(on("m")).setProperties(on("m")),
    );
    const update = new messages.UpdateRequest().setUrn(urn).setId("1");
    await it.update(update.setOlds(on("m")).setOldInputs(on("m")).setNews(on("n")));
    await it.delete(
      new messages.DeleteRequest().setUrn(urn).setId("1").setOldInputs(on("m")).setProperties(on("m")),
    );
    expect(given).toHaveLength(10);
    expect(JSON.stringify(given)).not.toContain("machine");
    expect(given[0]).toEqual(plain);
  });

  it("is kept with the inputs and in the state", async () => {
    const values = (struct: ReturnType<typeof toStruct> | undefined) => fromStruct(struct).values;
    expect(values(check({ ...plain, machine: "m" }).getInputs())).toEqual({ ...plain, machine: "m" });
    const it = provider();
    const created = await it.create(new messages.CreateRequest().setUrn(urn).setProperties(on("m")));
    expect(values(created.getProperties())).toEqual({ ...plain, machine: "m" });
    const read = await it.read(
      new messages.ReadRequest().setUrn(urn).setId("1").setInputs(on("m")).setProperties(on("m")),
    );
    expect(values(read.getInputs())).toEqual({ ...plain, machine: "m" });
    expect(values(read.getProperties())).toEqual({ ...plain, machine: "m" });
    const update = new messages.UpdateRequest().setUrn(urn).setId("1");
    const updated = await it.update(update.setOlds(on("m")).setOldInputs(on("m")).setNews(on("n")));
    expect(values(updated.getProperties())).toEqual({ ...plain, machine: "n" });
  });

  it("that is another one, or not known yet, is an update and never a replacement", () => {
    for (const machine of ["n", UNKNOWN] as const) {
      const response = diff({ ...plain, machine: "m" }, { ...plain, machine: machine as Value });
      expect(response.getDiffsList()).toEqual(["machine"]);
      expect(response.getReplacesList()).toEqual([]);
    }
  });

  it("that comes to be known is an update, one that is the same or was never given is none", () => {
    expect(changed(plain, { ...plain, machine: "m" })).toEqual(["machine"]);
    expect(changed({ ...plain, machine: "m" }, { ...plain, machine: "m" })).toEqual([]);
    expect(changed(plain, plain)).toEqual([]);
  });

  it("is a text", () => {
    const reasons = check({ ...plain, machine: 7 })
      .getFailuresList()
      .map((failure) => failure.getReason());
    expect(reasons).toEqual(["machine: must be the identity of a machine"]);
    expect(check({ ...plain, machine: UNKNOWN }).getFailuresList()).toEqual([]);
  });

  it("is a property like any other where the provider has no machines", () => {
    check({ ...plain, machine: "m" }, false);
    expect(given[0]).toEqual({ ...plain, machine: "m" });
  });
});
