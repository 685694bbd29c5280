import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { describe, expect, it } from "vitest";
import { UNKNOWN } from "../../../provider/wire/kind";
import { fromStruct, hasUnknown, toStruct } from "../../../provider/wire/values";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const secret = (value: string) => ({ [SIGNATURE]: "1b47061264138c4ac30d75fd1eb44270", value });
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

describe("values off the wire", () => {
  it("are plain, with the top-level names that hold a secret at any depth", () => {
    const struct = Struct.fromJavaScript({
      plain: { list: [1, true, null, "x"] },
      password: secret("p"),
      nested: { users: [{ password: secret("q") }] },
    });
    expect(fromStruct(struct)).toEqual({
      values: {
        plain: { list: [1, true, null, "x"] },
        password: "p",
        nested: { users: [{ password: "q" }] },
      },
      secrets: new Set(["password", "nested"]),
      paths: new Set(["password", "nested.users[0].password"]),
    });
  });

  it("are UNKNOWN where the engine does not know them yet, secret or not", () => {
    const struct = Struct.fromJavaScript({
      any: unknown,
      typed: "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
      sealed: secret(unknown),
      output: { [SIGNATURE]: "d0e6a833031e9bbcd3f4e8bde6ca49a4", secret: true },
      done: { [SIGNATURE]: "d0e6a833031e9bbcd3f4e8bde6ca49a4", value: "v" },
    });
    const { values, secrets } = fromStruct(struct);
    expect(values).toEqual({ any: UNKNOWN, typed: UNKNOWN, sealed: UNKNOWN, output: UNKNOWN, done: "v" });
    expect([...secrets].sort()).toEqual(["output", "sealed"]);
  });

  it("leave assets as they came, so that they go back into the state as assets", () => {
    const asset = { [SIGNATURE]: "c44067f5952c0a294b673a41bacd8c17", hash: "h", path: "./file" };
    const { values } = fromStruct(Struct.fromJavaScript({ files: [asset] }));
    expect(values).toEqual({ files: [asset] });
    expect(toStruct(values).toJavaScript()).toEqual({ files: [asset] });
  });

  it("refuses resources by the path of the field", () => {
    const resource = { peers: [{ [SIGNATURE]: "5cf8f73096256a8f31e491e813e4eb8e", urn: "u" }] };
    expect(() => fromStruct(Struct.fromJavaScript(resource))).toThrow("peers[0] is a resource");
  });

  it("has no values in no message", () => {
    expect(fromStruct(undefined)).toEqual({ values: {}, secrets: new Set(), paths: new Set() });
  });
});

describe("values on the wire", () => {
  it("are sealed within what is sealed, where a path says so", () => {
    const values = { connection: { host: "h", privateKey: "k" } };
    expect(toStruct(values, ["connection", "connection.privateKey"]).toJavaScript()).toEqual({
      connection: { [SIGNATURE]: secret("")[SIGNATURE], value: { host: "h", privateKey: secret("k") } },
    });
  });

  it("come back as they were, with secrets sealed and undefined left out", () => {
    const values = { a: { b: [1, UNKNOWN] }, password: ["p"], none: null, left: undefined };
    const struct = toStruct(values, ["password", "absent"]);
    expect(struct.toJavaScript()).toEqual({
      a: { b: [1, unknown] },
      password: { [SIGNATURE]: "1b47061264138c4ac30d75fd1eb44270", value: ["p"] },
      none: null,
    });
    expect(fromStruct(struct).values).toEqual({ a: { b: [1, UNKNOWN] }, password: ["p"], none: null });
  });

  it("refuses what the state cannot hold, by the path of the field", () => {
    expect(() => toStruct({ limits: [Number.NaN] })).toThrow("limits[0] is NaN");
    expect(() => toStruct({ limits: { max: 1n } })).toThrow("limits.max is a bigint");
  });

  it("finds an unknown value at any depth", () => {
    expect(hasUnknown({ a: [{ b: UNKNOWN }] })).toBe(true);
    expect(hasUnknown({ a: [{ b: "known" }, null, 1] })).toBe(false);
    expect(hasUnknown(undefined)).toBe(false);
  });
});
