import { describe, expect, test } from "vitest";
import {
  FOREVER,
  type LoginInputs,
  NOT_OURS,
  type RoleOnServer,
  storedValue,
} from "../../../provider/kinds/postgres/login";
import { loginStatements } from "../../../provider/kinds/postgres/login-plan";
import { nameInKey, quoteIdentifier, quoteString } from "../../../provider/kinds/postgres/quoting";
import { scramVerifier, verifies } from "../../../provider/kinds/postgres/scram";
import { postgresLogin } from "../../../provider/kinds/postgres-login";
import { type Properties, UNKNOWN } from "../../../provider/wire/kind";

const check = (news: Properties) => postgresLogin.check(news, undefined, { urn: "" });
const good = { role: "svc_idp_a", worksAs: "svc_idp", password: "0123456789abcdef", connectionLimit: 5 };

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
      login: true,
      settings: {},
      attributes: [],
      memberships: [],
      members: [],
      validUntil: FOREVER,
    });
    expect(check(inputs)).toEqual({ inputs, failures: [] });
  });

  test("names all faults at once, and no value", () => {
    const password = "short-secret";
    const { failures } = check({
      role: "Svc A",
      worksAs: "pg_monitor",
      password,
      connectionLimit: 21,
      login: "yes",
      settings: { role: "x", "Bad Name": "1", work_mem: 5 },
      attributes: ["SUPERUSER"],
      memberships: ["admins"],
      members: ["mallory"],
      validUntil: "2030-01-01",
      typo: 1,
    });
    expect(new Set(failures.map(({ property }) => property))).toEqual(
      new Set([
        "role",
        "worksAs",
        "password",
        "connectionLimit",
        "login",
        "settings",
        "attributes",
        "memberships",
        "members",
        "validUntil",
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
    ["worksAs", "svc_idp_a"],
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
    ).toEqual(["connectionLimit", "password", "role", "worksAs"]);
    const { inputs, failures } = check({ ...good, password: UNKNOWN, settings: UNKNOWN });
    expect(failures).toEqual([]);
    expect(inputs.password).toBe(UNKNOWN);
  });
});

describe("statements", () => {
  const wanted = check(good).inputs as unknown as LoginInputs;
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
