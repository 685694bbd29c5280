import { describe, expect, test } from "vitest";
import {
  FOREVER,
  type LoginState,
  NOT_OURS,
  type RoleOnServer,
  type Slot,
  storedValue,
} from "../../../provider/kinds/postgres/login";
import { loginStatements } from "../../../provider/kinds/postgres/login-plan";
import { type FoundSlot, planSlots, slotDrift } from "../../../provider/kinds/postgres/slots";
import { postgresLogin } from "../../../provider/kinds/postgres-login";
import { type Properties, UNKNOWN } from "../../../provider/wire/kind";
import { nameInKey, quoteIdentifier, quoteString } from "../../../text/postgres";
import { scramVerifier, verifies } from "../../../text/scram";

const check = (news: Properties) => postgresLogin.check(news, undefined, { urn: "" });
const good = { worksAs: "svc_idp", password: "0123456789abcdef", connectionLimit: 5 };

describe("SQL text", () => {
  test("names and strings cannot break out", () => {
    expect(quoteIdentifier('a"; DROP ROLE x; --')).toBe('"a""; DROP ROLE x; --"');
    expect(quoteString("it's")).toBe("'it''s'");
    expect(quoteString("back\\slash'")).toBe("E'back\\\\slash'''");
    expect(() => quoteIdentifier("a\0b")).toThrow();
    expect(() => quoteString("a\0b")).toThrow();
    expect(nameInKey("plain_1")).toBe("plain_1");
    expect(nameInKey("Odd name")).toBe('"Odd name"');
  });

  test("lists of names are kept as the server keeps them", () => {
    expect(storedValue("search_path", '"$user",App,"Odd, one"')).toBe('"$user", app, "Odd, one"');
    expect(storedValue("statement_timeout", "60s")).toBe("60s");
  });
});

describe("SCRAM verifier", () => {
  test("is recomputed from the salt and iterations stored in it", async () => {
    // RFC 7677, section 3: user "user", password "pencil".
    const salt = "W22ZaJ0SNY7soEsUEjb6gQ==";
    const stored = `SCRAM-SHA-256$4096:${salt}$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=`;
    expect(await verifies(stored, "pencil")).toBe(true);
    expect(await verifies(stored, "pencil2")).toBe(false);
  });

  test("has a salt of its own each time, and anything else verifies nothing", async () => {
    const [one, other] = [await scramVerifier("secret"), await scramVerifier("secret")];
    expect(one).not.toBe(other);
    expect(one).toMatch(/^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/);
    expect(await verifies(one, "secret")).toBe(true);
    for (const foreign of [null, "", "md5abc", "SCRAM-SHA-256$9999999:AAAA$x:y", one.slice(0, -1)]) {
      expect(await verifies(foreign, "secret")).toBe(false);
    }
  });
});

describe("check", () => {
  test("fills in what is not declared and is idempotent", () => {
    const { inputs, failures } = check(good);
    expect(failures).toEqual([]);
    expect(inputs).toEqual({
      ...good,
      formerPassword: "refuse",
      probe: null,
      clientCertificates: null,
      requireClientCertificate: null,
      settings: {},
      slots: {},
    });
    expect(check(inputs)).toEqual({ inputs, failures: [] });
  });

  test("names all faults at once, and no value", () => {
    const password = "short-secret";
    const { failures } = check({
      worksAs: "pg_monitor",
      password,
      formerPassword: "forget",
      probe: "No Name",
      connectionLimit: 21,
      settings: { role: "x", "Bad Name": "1", work_mem: 5 },
      slots: { svc_idp_a: { attributes: ["SUPERUSER"] } },
      typo: 1,
    });
    expect(new Set(failures.map(({ property }) => property))).toEqual(
      new Set([
        "worksAs",
        "password",
        "formerPassword",
        "probe",
        "connectionLimit",
        "settings",
        "slots",
        "typo",
      ]),
    );
    expect(JSON.stringify(failures)).not.toContain(password);
  });

  test.each([
    ["connectionLimit", 0],
    ["connectionLimit", -1],
    ["password", "pässwort-with-umlauts"],
    ["password", NOT_OURS],
    ["worksAs", "s".repeat(62)],
    ["worksAs", "public"],
    ["settings", { session_authorization: "x" }],
  ])("refuses %s %j", (property, value) => {
    expect(check({ ...good, [property]: value }).failures.map((failure) => failure.property)).toEqual([
      property,
    ]);
  });

  test("what is missing is named; what is unknown passes", () => {
    expect(
      check({})
        .failures.map(({ property }) => property)
        .sort(),
    ).toEqual(["connectionLimit", "password", "worksAs"]);
    const { inputs, failures } = check({ ...good, password: UNKNOWN, settings: UNKNOWN });
    expect(failures).toEqual([]);
    expect(inputs.password).toBe(UNKNOWN);
  });
});

describe("statements", () => {
  const wanted: Slot = {
    role: "svc_idp_a",
    worksAs: "svc_idp",
    login: true,
    connectionLimit: 5,
    settings: {},
  };
  const membership = { role: "svc_idp", grantor: "admin", admin: false, inherit: false, set: true };
  const asDeclared: RoleOnServer = {
    login: true,
    connectionLimit: 5,
    verifier: "SCRAM-SHA-256$x",
    attributes: [],
    validUntil: FOREVER,
    settings: [{ name: "role", value: "svc_idp", database: null }],
    memberships: [membership],
    members: [],
  };

  test("nothing where nothing differs", () => {
    expect(loginStatements(wanted, asDeclared, undefined)).toEqual([]);
  });

  test("a new slot is powerless but for the role it works as", () => {
    expect(loginStatements(wanted, undefined, "SCRAM-SHA-256$v")).toEqual([
      'CREATE ROLE "svc_idp_a" WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT ' +
        "CONNECTION LIMIT 5 PASSWORD 'SCRAM-SHA-256$v'",
      'GRANT "svc_idp" TO "svc_idp_a" WITH ADMIN FALSE, INHERIT FALSE, SET TRUE',
      `ALTER ROLE "svc_idp_a" SET "role" = 'svc_idp'`,
    ]);
  });

  test("another grantor's membership is revoked in that grantor's name", () => {
    const foreign = { ...membership, role: "admins", grantor: "mallory" };
    expect(loginStatements(wanted, { ...asDeclared, memberships: [membership, foreign] }, undefined)).toEqual(
      ['REVOKE "admins" FROM "svc_idp_a" GRANTED BY "mallory" CASCADE'],
    );
  });
});

describe("which slot", () => {
  const standing = (change: Partial<RoleOnServer> = {}): RoleOnServer => ({
    login: true,
    connectionLimit: 5,
    verifier: "SCRAM-SHA-256$x",
    attributes: [],
    validUntil: FOREVER,
    settings: [{ name: "role", value: "svc_idp", database: null }],
    memberships: [{ role: "svc_idp", grantor: "admin", admin: false, inherit: false, set: true }],
    members: [],
    ...change,
  });
  const slot = (letter: "a" | "b", change: Partial<FoundSlot> = {}): FoundSlot => ({
    role: `svc_idp_${letter}`,
    found: standing(),
    isNewest: false,
    sessions: 0,
    ...change,
  });
  const closed = { found: standing({ login: false, verifier: null }) };
  const keep = { worksAs: "svc_idp", password: "new", formerPassword: "keep" as const };
  const refuse = { ...keep, formerPassword: "refuse" as const };
  const before = { role: "svc_idp_a", password: "old", former: "" };
  const plan = (role: string, other: string, keepsFormer: boolean, endSessionsOf: string[] = []) => ({
    role: `svc_idp_${role}`,
    other: `svc_idp_${other}`,
    keepsFormer,
    endSessionsOf: endSessionsOf.map((letter) => `svc_idp_${letter}`),
  });

  test.each([
    [
      "the first login takes a",
      keep,
      [slot("a", { found: undefined }), slot("b", { found: undefined })],
      undefined,
      plan("a", "b", false),
    ],
    [
      "an interrupted first login is found again",
      keep,
      [slot("a", closed), slot("b", { isNewest: true })],
      undefined,
      plan("b", "a", false),
    ],
    [
      "what is open and unknown at first is closed",
      keep,
      [slot("a"), slot("b", closed)],
      undefined,
      plan("b", "a", false, ["a"]),
    ],
    [
      "a rotation takes the other and keeps the former",
      keep,
      [slot("a"), slot("b", closed)],
      before,
      plan("b", "a", true),
    ],
    [
      "an interrupted rotation goes on where it was",
      keep,
      [slot("a"), slot("b", { isNewest: true })],
      before,
      plan("b", "a", true),
    ],
    [
      "the next rotation overwrites what nobody uses",
      keep,
      [slot("a", { sessions: 3 }), slot("b")],
      { ...before, former: "v" },
      plan("b", "a", true),
    ],
    [
      "a password that never got to the service is overwritten",
      keep,
      [slot("a"), slot("b", { sessions: 3 })],
      { ...before, former: "v" },
      plan("a", "b", true),
    ],
    [
      "but not for sessions left on a slot that is closed",
      keep,
      [slot("a"), slot("b", { ...closed, sessions: 3 })],
      before,
      plan("b", "a", true),
    ],
    [
      "nothing changes",
      { ...keep, password: "old" },
      [slot("a", { isNewest: true }), slot("b", closed)],
      before,
      plan("a", "b", false),
    ],
    [
      "the former one stays while it is not retired",
      { ...keep, password: "old" },
      [slot("a", { isNewest: true }), slot("b")],
      { ...before, former: "v" },
      plan("a", "b", true),
    ],
    [
      "a slot opened by hand is closed",
      { ...keep, password: "old" },
      [slot("a", { isNewest: true }), slot("b")],
      before,
      plan("a", "b", false, ["b"]),
    ],
    [
      "a password changed by hand is mended in its place",
      keep,
      [slot("a"), slot("b", closed)],
      { ...before, password: NOT_OURS },
      plan("a", "b", false),
    ],
    [
      "a leak closes the former at once",
      refuse,
      [slot("a", { sessions: 3 }), slot("b", closed)],
      before,
      plan("b", "a", false, ["a"]),
    ],
    [
      "a leak in a grace window closes both",
      refuse,
      [slot("a"), slot("b", { sessions: 3 })],
      { ...before, former: "v" },
      plan("b", "a", false, ["a", "b"]),
    ],
    [
      "an interrupted leak goes on",
      refuse,
      [slot("a"), slot("b", { isNewest: true })],
      before,
      plan("b", "a", false, ["a"]),
    ],
  ] as const)("%s", (_what, wanted, slots, last, expected) => {
    expect(planSlots(wanted, slots as unknown as [FoundSlot, FoundSlot], last)).toEqual(expected);
  });

  test("a slot that is as declared shows nothing; whatever differs shows by name", () => {
    const state: LoginState = {
      ...before,
      ...keep,
      probe: null,
      clientCertificates: null,
      requireClientCertificate: null,
      connectionLimit: 5,
      settings: {},
      slots: {},
    };
    expect(slotDrift({ role: "svc_idp_a", found: standing() }, state)).toBeUndefined();
    expect(slotDrift({ role: "svc_idp_b", ...closed }, state)).toBeUndefined();
    expect(slotDrift({ role: "svc_idp_b", found: standing() }, state)).toEqual({ login: true });
    expect(
      slotDrift({ role: "svc_idp_b", found: standing() }, { ...state, former: "SCRAM-SHA-256$x" }),
    ).toBeUndefined();
    expect(slotDrift({ role: "svc_idp_a", ...closed }, state)).toEqual({ login: false });
    expect(slotDrift({ role: "svc_idp_a", found: undefined }, state)).toEqual({ missing: true });
    const changed = standing({
      connectionLimit: -1,
      attributes: ["SUPERUSER"],
      settings: [],
      memberships: [],
    });
    expect(slotDrift({ role: "svc_idp_a", found: changed }, state)).toEqual({
      connectionLimit: -1,
      attributes: ["SUPERUSER"],
      settings: { role: null },
      worksAs: "not as declared",
    });
  });
});
