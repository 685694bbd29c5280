import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { beforeEach, describe, expect, it } from "vitest";
import type { AnyKind, Call, Properties } from "../../../provider/wire/kind";
import { UNKNOWN } from "../../../provider/wire/kind";
import { ProviderMethods } from "../../../provider/wire/methods";
import { fromStruct, toStruct } from "../../../provider/wire/values";

const type = "t:index:Thing";
const urn = `urn:pulumi:stack::project::${type}::one`;

let calls: string[];
let hold: (call: Call<{ server: unknown }>) => Promise<void>;

const kind: AnyKind = {
  token: type,
  replaceOn: ["name"],
  deleteBeforeReplace: true,
  secretInputs: ["password"],
  secretOutputs: ["token"],
  computedOutputs: ["serial", "token"],
  stableOutputs: ["serial"],
  check: (news: Properties) => ({
    inputs: { size: 1, ...news },
    failures: news.password === "bad" ? [{ property: "password", reason: "is too short" }] : [],
  }),
  async create(call, inputs) {
    calls.push("create");
    await hold(call);
    return { id: "1", state: { ...inputs, serial: 7, token: "t" } };
  },
  async read(_call, id, old) {
    calls.push(old ? "refresh" : "import");
    return id === "gone" ? undefined : { id, inputs: { password: "p" }, state: { password: "p" } };
  },
  update: async (_call, _id, _old, news) => news,
  delete: async () => undefined,
};

const provider = () =>
  new ProviderMethods({
    name: "t",
    version: "0.0.1",
    kinds: [kind],
    secretConfig: ["server"],
    configure: (inputs) => {
      calls.push("configure");
      return { server: inputs.server };
    },
    close: async () => void calls.push("close"),
  });

const create = (properties: object, preview = false) =>
  new messages.CreateRequest().setUrn(urn).setProperties(toStruct(properties)).setPreview(preview);

beforeEach(() => {
  calls = [];
  hold = async () => undefined;
});

describe("configuration", () => {
  it("seals the secret properties and hands the engine's own ones through", () => {
    const news = toStruct({ server: "{}", version: "1.0.0", __internal: { a: 1 } });
    const response = provider().checkConfig(new messages.CheckRequest().setNews(news));
    const { values, secrets } = fromStruct(response.getInputs());
    expect(values).toEqual({ server: "{}", version: "1.0.0", __internal: { a: 1 } });
    expect([...secrets]).toEqual(["server"]);
  });

  it("never replaces the provider", () => {
    const request = new messages.DiffRequest()
      .setOldInputs(toStruct({ server: "a" }))
      .setNews(toStruct({ server: "b" }));
    const response = provider().diffConfig(request);
    expect(response.getChanges()).toBe(messages.DiffResponse.DiffChanges.DIFF_SOME);
    expect(response.getReplacesList()).toEqual([]);
  });

  it("is made at the first call that needs it, and must be known by then", async () => {
    const methods = provider();
    methods.configure(new messages.ConfigureRequest().setArgs(toStruct({ server: UNKNOWN })));
    await methods.create(create({ name: "a" }, true));
    expect(calls).toEqual([]);
    await expect(methods.create(create({ name: "a" }))).rejects.toThrow("not known yet: server");
  });
});

describe("check", () => {
  const check = (properties: object, secrets: string[] = []) =>
    provider().check(new messages.CheckRequest().setUrn(urn).setNews(toStruct(properties, secrets)));

  it("keeps secret what came as a secret and what the kind says is one", () => {
    const { values, secrets } = fromStruct(
      check({ name: "a", password: "p", note: "n" }, ["note"]).getInputs(),
    );
    expect(values).toEqual({ size: 1, name: "a", password: "p", note: "n" });
    expect([...secrets].sort()).toEqual(["note", "password"]);
  });

  it("reports a fault without a property, whose value the engine would print", () => {
    const [failure] = check({ password: "bad" }).getFailuresList();
    expect(failure?.toObject()).toEqual({ property: "", reason: "password: is too short" });
  });

  it("names the kinds there are when asked for another", () => {
    const request = new messages.CheckRequest().setUrn(urn.replace("Thing", "Other"));
    expect(() => provider().check(request)).toThrow(
      'the provider "t" has no resource kind "t:index:Other". It has: t:index:Thing',
    );
  });
});

describe("diff", () => {
  const diff = (olds: object, news: object) =>
    provider().diff(
      new messages.DiffRequest().setUrn(urn).setOldInputs(toStruct(olds)).setNews(toStruct(news)),
    );

  it("tells each field and whether it replaces", () => {
    const response = diff({ name: "a", size: 1 }, { name: "b", note: "n" });
    const kinds: Record<string, number> = {};
    response.getDetaileddiffMap().forEach((detail, path) => {
      kinds[path] = detail.getKind();
    });
    expect(kinds).toEqual({
      name: messages.PropertyDiff.Kind.UPDATE_REPLACE,
      size: messages.PropertyDiff.Kind.DELETE,
      note: messages.PropertyDiff.Kind.ADD,
    });
    expect(response.getReplacesList()).toEqual(["name"]);
    expect(response.getDeletebeforereplace()).toBe(true);
  });

  it("is none between equals", () => {
    const response = diff({ name: "a" }, { name: "a" });
    expect(response.getChanges()).toBe(messages.DiffResponse.DiffChanges.DIFF_NONE);
    expect(response.getDeletebeforereplace()).toBe(false);
  });
});

describe("create, read, update", () => {
  it("answers a preview with the inputs and unknown outputs, and calls nothing", async () => {
    const response = await provider().create(create({ name: "a", password: "p" }, true));
    const { values, secrets } = fromStruct(response.getProperties());
    expect(values).toEqual({ name: "a", password: "p", serial: UNKNOWN, token: UNKNOWN });
    expect([...secrets].sort()).toEqual(["password", "token"]);
    expect(calls).toEqual([]);
  });

  it("keeps stable outputs known in the preview of an update", async () => {
    const request = new messages.UpdateRequest()
      .setUrn(urn)
      .setPreview(true)
      .setOlds(toStruct({ name: "a", serial: 7, token: "t" }))
      .setNews(toStruct({ name: "b" }));
    const response = await provider().update(request);
    expect(fromStruct(response.getProperties()).values).toEqual({ name: "b", serial: 7, token: UNKNOWN });
  });

  it("seals secret outputs of a create", async () => {
    const response = await provider().create(create({ password: "p" }));
    expect([...fromStruct(response.getProperties()).secrets].sort()).toEqual(["password", "token"]);
  });

  it("tells a refresh from an import, and a resource that is gone", async () => {
    const request = new messages.ReadRequest().setUrn(urn).setId("1");
    const imported = await provider().read(request);
    expect([...fromStruct(imported.getInputs()).secrets]).toEqual(["password"]);
    await provider().read(request.setInputs(toStruct({ note: "n" }, ["note"])));
    expect(calls.filter((call) => call !== "configure")).toEqual(["import", "refresh"]);
    expect((await provider().read(request.setId("gone"))).getId()).toBe("");
  });
});

describe("cancel", () => {
  it("aborts the calls in flight, refuses new ones and closes after the last", async () => {
    const methods = provider();
    let release = () => {};
    hold = (call) =>
      new Promise((resolve) => {
        release = resolve;
        call.signal.addEventListener("abort", () => calls.push("aborted"));
      });
    const running = methods.create(create({}));
    await Promise.resolve();
    const cancelled = methods.cancel();
    expect(calls).toEqual(["configure", "create", "aborted"]);
    await expect(methods.create(create({}))).rejects.toThrow("cancelled before it began");
    release();
    await Promise.all([running, cancelled]);
    expect(calls).toEqual(["configure", "create", "aborted", "close"]);
  });
});

describe("explain", () => {
  it("takes the texts of an aggregate that has none of its own", () => {
    const error = new AggregateError([new Error("refused on ::1"), new Error("refused on 127.0.0.1")], "");
    expect(provider().explain(error)).toBe("refused on ::1; refused on 127.0.0.1");
  });

  it("moves no terminal, whatever a host said", () => {
    expect(provider().explain(new Error("one\n\u001b[2J\u202etwo\u009b"))).toBe("one\n?[2J?two?");
  });
});
