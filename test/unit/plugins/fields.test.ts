import { describe, expect, test } from "vitest";
import { type Properties, UNKNOWN } from "../../../provider/wire/kind";
import {
  changedFields,
  checkFields,
  type Fields,
  inputsFrom,
  parseConfig,
} from "../../../toolchain/plugins/fields";

const FIELDS: Fields = {
  name: { type: "string", required: true, replaces: true },
  owner: { type: "string", computed: true },
  limit: {
    type: "number",
    default: -1,
    fault: (value) => ((value as number) < -1 ? "must be -1 or more" : undefined),
  },
  open: { type: "boolean", default: true },
  roles: { type: "strings" },
  labels: { type: "map" },
  cascade: { type: "boolean", default: false, local: true },
};

describe("checking", () => {
  test("defaults are filled in and null is absent", () => {
    expect(checkFields("x", FIELDS, { name: "a", owner: null })).toEqual({
      inputs: { name: "a", limit: -1, open: true, cascade: false },
      failures: [],
    });
  });

  test("all faults at once: missing, unsupported, of another type, out of range", () => {
    const { failures } = checkFields("@pulumi/x", FIELDS, {
      surprise: 1,
      limit: -2,
      open: "yes",
      roles: [1],
      labels: { a: 1 },
    });
    expect(failures).toEqual([
      {
        property: "surprise",
        reason: "unsupported by the stand-in of @pulumi/x. Leave it out, or run with the real plugin",
      },
      { property: "limit", reason: "must be -1 or more" },
      { property: "open", reason: "must be true or false" },
      { property: "roles", reason: "must be a list of strings" },
      { property: "labels", reason: "must be a map of strings" },
      { property: "name", reason: "is missing" },
    ]);
  });

  test("unknown values pass at any depth", () => {
    const news: Properties = { name: UNKNOWN, limit: UNKNOWN, roles: [UNKNOWN], labels: { a: UNKNOWN } };
    expect(checkFields("x", FIELDS, news).failures).toEqual([]);
  });

  test("checking twice is the same as once", () => {
    const once = checkFields("x", FIELDS, { name: "a" }).inputs;
    expect(checkFields("x", FIELDS, once).inputs).toEqual(once);
  });
});

describe("changes", () => {
  const state = { name: "a", owner: "o", limit: -1, open: true, roles: ["r"], labels: {} };

  test("what the server decided is no change where it is not declared", () => {
    expect(changedFields(FIELDS, state, { name: "a", limit: -1, open: true, roles: ["r"] })).toEqual([]);
  });

  test("each kind of change", () => {
    const news = { name: "b", owner: "p", limit: 0, open: false, labels: { k: "v" } };
    expect(changedFields(FIELDS, state, news)).toEqual([
      { path: "name", kind: "update", replaces: true },
      { path: "owner", kind: "update" },
      { path: "limit", kind: "update" },
      { path: "open", kind: "update" },
      { path: "roles", kind: "delete" },
      { path: "labels", kind: "update" },
    ]);
  });

  test("an unknown value may differ", () => {
    expect(changedFields(FIELDS, state, { ...state, owner: UNKNOWN })).toEqual([
      { path: "owner", kind: "update" },
    ]);
    expect(changedFields(FIELDS, state, { ...state, roles: [UNKNOWN] })).toEqual([
      { path: "roles", kind: "update" },
    ]);
  });

  test("what only says how to create or delete is kept", () => {
    expect(changedFields(FIELDS, { ...state, cascade: false }, { ...state, cascade: true })).toEqual([
      { path: "cascade", kind: "update" },
    ]);
  });
});

test("inputs of what is there: declared ones with their values, undeclared drift, nothing the server decides", () => {
  const state = { name: "a", owner: "o", limit: 5, open: true, roles: ["r"], labels: {}, cascade: false };
  expect(inputsFrom(FIELDS, state, { name: "a", limit: -1, open: true, cascade: true })).toEqual({
    name: "a",
    limit: 5,
    open: true,
    roles: ["r"],
    cascade: true,
  });
  expect(inputsFrom(FIELDS, state, undefined)).toEqual({
    name: "a",
    owner: "o",
    limit: 5,
    open: true,
    roles: ["r"],
    cascade: false,
  });
});

test("configuration gets its types back from texts", () => {
  const parsed = parseConfig(FIELDS, { name: "1", limit: "20", open: "false", other: "x" });
  expect(parsed).toEqual({ name: "1", limit: 20, open: false, other: "x" });
});
