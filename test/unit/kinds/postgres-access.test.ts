import { describe, expect, test } from "vitest";
import type { AccessInputs, AccessOnServer, Holding } from "../../../provider/kinds/postgres/access";
import { grantsAsDeclared } from "../../../provider/kinds/postgres/access-inputs";
import { planAccess } from "../../../provider/kinds/postgres/access-plan";
import {
  formatGrantKey,
  parseDefaultGrantKey,
  parseGrantKey,
} from "../../../provider/kinds/postgres/grant-key";
import { parsePrivilege, privilegeText, sortPrivileges } from "../../../provider/kinds/postgres/privileges";
import { postgresAccess } from "../../../provider/kinds/postgres-access";
import { type Properties, UNKNOWN } from "../../../provider/wire/kind";

const check = (news: Properties) => postgresAccess.check(news, undefined, { urn: "" });
const reasonsOf = (news: Properties) =>
  check(news).failures.map(({ property, reason }) => `${property}: ${reason}`);

describe("keys", () => {
  test.each([
    "svc_x on database",
    "public on database",
    "svc_x on schema public",
    "svc_x on tables in public",
    "svc_x on types in app",
    "svc_x on table public.users",
    'svc_x on table public."Odd ""name"""',
    "svc_x on sequence app.seq",
    "svc_x on function public.pay(integer, text)",
    'svc_x on function public."Pay on database"()',
    '"Odd on role" on type public.mood',
  ])("%s is read and written alike", (text) => {
    const key = parseGrantKey(text);
    expect(key && formatGrantKey(key)).toBe(text);
  });

  test.each([
    "svc_x on tables by owner_x in public",
    "svc_x on functions by owner_x",
    "public on functions by owner_x",
    "svc_x on schemas by owner_x",
  ])("%s is read and written alike", (text) => {
    const key = parseDefaultGrantKey(text);
    expect(key && formatGrantKey(key)).toBe(text);
    expect(parseGrantKey(text)).toBeUndefined();
  });

  test.each([
    "",
    "svc_x",
    "svc_x on",
    "svc_x on tables",
    "svc_x on table users",
    "svc_x on Tables in public",
    "svc_x on tables in public.users",
    "svc_x on function public.pay",
    "svc_x on function public.pay(int); DROP ROLE x; --()",
    "svc x on database",
    "svc_x on database ",
  ])("%j is none", (text) => expect(parseGrantKey(text)).toBeUndefined());

  test("privileges are read and written alike", () => {
    for (const text of [
      "SELECT",
      'UPDATE ("Odd name")',
      "SELECT (id) WITH GRANT OPTION",
      "SELECT GRANTED BY mallory",
    ]) {
      const privilege = parsePrivilege(text);
      expect(privilege && privilegeText(privilege)).toBe(text);
    }
    expect(parsePrivilege("lacks SELECT")).toBeUndefined();
    expect(sortPrivileges(["UPDATE", "lacks DELETE", "SELECT", "UPDATE"])).toEqual([
      "SELECT",
      "UPDATE",
      "lacks DELETE",
    ]);
  });
});

describe("check", () => {
  const good = {
    database: "shop",
    owners: ["owner_x"],
    grants: {
      "svc_x on tables in public": ["update", "SELECT", "select"],
      "svc_x on database": ["temp", "CONNECT"],
    },
    defaultGrants: { "svc_x on tables by owner_x in public": ["all privileges"] },
  };

  test("normalises and is idempotent", () => {
    const { inputs, failures } = check(good);
    expect(failures).toEqual([]);
    expect(inputs).toEqual({
      ...good,
      schemas: ["public"],
      grants: {
        "svc_x on tables in public": ["SELECT", "UPDATE"],
        "svc_x on database": ["CONNECT", "TEMPORARY"],
      },
      defaultGrants: { "svc_x on tables by owner_x in public": ["ALL"] },
    });
    expect(check(inputs)).toEqual({ inputs, failures: [] });
  });

  test("names all faults at once", () => {
    const faults = reasonsOf({
      database: "template0",
      schemas: ["public", "pg_catalog"],
      owners: ["owner_x"],
      typo: true,
      grants: {
        "svc_x on everything": ["SELECT"],
        "public on database": ["CONNECT"],
        "svc_x on database": ["SELECT"],
        "svc_x on schema private": ["USAGE"],
        "svc_x on tables in public": ["SELECT WITH GRANT OPTION", "SELECT (id)", "lacks SELECT"],
        "svc_x on sequences in public": [],
        'svc_x on table public."users"': ["SELECT"],
        "svc_x on table public.users": ["SELECT"],
      },
      defaultGrants: {
        "svc_x on tables by owner_y in public": ["SELECT"],
        "svc_x on tables in public": ["SELECT"],
      },
    });
    const expected = [
      /^typo:/,
      /^database:/,
      /^schemas:/,
      /on everything.*is no key/,
      /public on database.*PUBLIC/,
      /"SELECT" is no privilege of a database; use ALL, CONNECT, CREATE, TEMPORARY/,
      /schema "private" is not in schemas/,
      /leave WITH GRANT OPTION out/,
      /"SELECT \(id\)": a column can only be named with one table/,
      /"lacks SELECT" is no privilege/,
      /sequences in public.*list of privileges/,
      /stands for the same as another line/,
      /owner "owner_y" is not in owners/,
      /^defaultGrants\["svc_x on tables in public"\]: is no key/,
    ];
    for (const part of expected) expect(faults).toContainEqual(expect.stringMatching(part));
    expect(faults).toHaveLength(expected.length);
  });

  test("what is unknown passes", () => {
    const unknown: Properties = {
      ...good,
      database: UNKNOWN,
      owners: UNKNOWN,
      grants: { "svc_x on database": [UNKNOWN] },
    };
    expect(check(unknown).failures).toEqual([]);
    expect(check({ ...good, grants: UNKNOWN, schemas: [UNKNOWN] }).failures).toEqual([]);
    expect(reasonsOf({ database: "shop" })).toEqual(["grants: is missing"]);
  });
});

describe("plan", () => {
  const table = (name: string) => ({ kind: "table" as const, schema: "public", name });
  const holds = (grantee: string, name: string, privilege: Holding["privilege"]): Holding => ({
    grantee,
    object: table(name),
    privilege,
  });
  const server = (holdings: Holding[]): AccessOnServer => ({
    version: 160014,
    schemas: ["public"],
    owners: ["owner_x"],
    roles: new Set(["svc_x", "svc_y", "owner_x"]),
    objects: ["a", "b"].map((name) => ({ object: table(name), owner: "owner_x" })),
    holdings,
    defaultHoldings: [],
  });
  const inputs = (grants: AccessInputs["grants"]): AccessInputs => ({
    database: "shop",
    schemas: ["public"],
    owners: ["owner_x"],
    grants,
    defaultGrants: {},
  });
  const declared = inputs({ "svc_x on tables in public": ["SELECT", "INSERT"] });
  const complete = ["a", "b"].flatMap((name) =>
    ["SELECT", "INSERT"].map((p) => holds("svc_x", name, { name: p })),
  );

  test("nothing where nothing differs", () => {
    expect(planAccess(declared, "shop", server(complete))).toEqual({
      statements: [],
      differences: [],
      faults: [],
    });
  });

  test("objects alike share a statement; what owners have is theirs", () => {
    expect(planAccess(declared, "shop", server([])).statements).toEqual([
      'GRANT SELECT, INSERT ON TABLE "public"."a", "public"."b" TO "svc_x"',
    ]);
    expect(
      planAccess(inputs({ "owner_x on tables in public": ["ALL"] }), "shop", server([])).statements,
    ).toEqual([]);
  });

  test("revokes before it grants, and no more than differs", () => {
    const there = [
      ...complete.slice(1),
      holds("svc_y", "b", { name: "DELETE" }),
      holds("public", "b", { name: "SELECT" }),
    ];
    expect(planAccess(declared, "shop", server(there)).statements).toEqual([
      'REVOKE DELETE ON TABLE "public"."b" FROM "svc_y" CASCADE',
      'REVOKE SELECT ON TABLE "public"."b" FROM PUBLIC CASCADE',
      'GRANT SELECT ON TABLE "public"."a" TO "svc_x"',
    ]);
  });

  test("a grant option goes, the declared privilege stays", () => {
    const there = [...complete, holds("svc_x", "a", { name: "SELECT", grantOption: true })];
    expect(planAccess(declared, "shop", server(there)).statements).toEqual([
      'REVOKE GRANT OPTION FOR SELECT ON TABLE "public"."a" FROM "svc_x" CASCADE',
    ]);
  });

  test("an empty schema keeps its lines; a schema that is gone does not", () => {
    const bare = { ...server([]), objects: [] };
    expect(grantsAsDeclared(declared.grants, bare)).toEqual(declared.grants);
    expect(grantsAsDeclared(declared.grants, { ...bare, schemas: [] })).toEqual({});
  });
});
