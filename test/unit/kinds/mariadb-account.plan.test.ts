import { describe, expect, test } from "vitest";
import type { AccountInputs, AccountOnServer } from "../../../provider/kinds/mariadb/account";
import { accountAsDeclared, NOT_OURS } from "../../../provider/kinds/mariadb/drift";
import { createStatement, planAccount } from "../../../provider/kinds/mariadb/plan";
import {
  databasePattern,
  passwordHash,
  patternDatabase,
  quoteAccount,
  quoteIdentifier,
  quoteString,
} from "../../../text/mariadb";

const [oldest, older, newest] = ["o", "l", "n"].map((letter) => letter.repeat(32)) as [
  string,
  string,
  string,
];
const account = "'svc_crm'@'10.0.0.5'";

const wanted: AccountInputs = {
  user: "svc_crm",
  host: "10.0.0.5",
  passwords: [newest],
  formerPassword: "refuse",
  probe: null,
  clientCertificate: null,
  require: "SSL",
  maxUserConnections: 10,
  locked: false,
  grants: [{ database: "mo_crm", privileges: ["INSERT", "SELECT"] }],
  otherHosts: [],
};

function server(change: Partial<AccountOnServer> = {}): AccountOnServer {
  return {
    alternatives: alternatives(newest),
    require: "SSL",
    maxUserConnections: 10,
    locked: false,
    grants: [{ object: { on: "databases", pattern: "mo\\_crm" }, privileges: ["INSERT", "SELECT"] }],
    otherHosts: [],
    ...change,
  };
}

function alternatives(...passwords: string[]) {
  return passwords.map((password) => ({ plugin: "mysql_native_password", hash: passwordHash(password) }));
}

describe("quoting", () => {
  test("strings, names and accounts keep what they hold", () => {
    expect(quoteString("it's a \\")).toBe("'it''s a \\\\'");
    expect(quoteIdentifier("a`b")).toBe("`a``b`");
    expect(quoteAccount({ user: "a'b", host: "%" })).toBe("'a''b'@'%'");
  });

  test.each([
    ["mo_crm", "mo\\_crm"],
    ["100%", "100\\%"],
    ["a\\b", "a\\\\b"],
    ["plain", "plain"],
  ])("the database %s is the pattern %s and back", (database, pattern) => {
    expect(databasePattern(database)).toBe(pattern);
    expect(patternDatabase(pattern)).toBe(database);
  });

  test.each(["mo_crm", "mo\\_%", "%"])("the pattern %s names no one database", (pattern) => {
    expect(patternDatabase(pattern)).toBeUndefined();
  });

  test("the hash is the one PASSWORD('password') gives", () => {
    expect(passwordHash("password")).toBe("*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
  });
});

describe("planAccount", () => {
  test("nothing to do, nothing said", () => {
    expect(planAccount(wanted, server(), [])).toEqual({ statements: [], endSessions: false });
  });

  test("an account is created closed, with hashes only", () => {
    expect(createStatement({ ...wanted, passwords: [newest, older] })).toBe(
      `CREATE USER IF NOT EXISTS ${account} IDENTIFIED VIA mysql_native_password USING '${passwordHash(newest)}' OR ` +
        `mysql_native_password USING '${passwordHash(older)}' REQUIRE SSL WITH MAX_USER_CONNECTIONS 10 ACCOUNT LOCK`,
    );
  });

  test("log-in first, then what is missing, then what is extra, unlock last", () => {
    const grants: AccountInputs["grants"] = [
      { database: "mo_crm", privileges: ["SELECT", "UPDATE"] },
      { database: "mo_crm", table: "a_b", privileges: ["DELETE"] },
    ];
    const actual = server({ locked: true, maxUserConnections: 0, otherHosts: ["%"] });
    const plan = planAccount({ ...wanted, grants }, actual, []);
    expect(plan.endSessions).toBe(true);
    expect(plan.statements.map((statement) => statement.replace(/'\*\w+'/, "'*HASH'"))).toEqual([
      `ALTER USER ${account} IDENTIFIED VIA mysql_native_password USING '*HASH' REQUIRE SSL WITH MAX_USER_CONNECTIONS 10`,
      `GRANT UPDATE ON \`mo\\_crm\`.* TO ${account}`,
      `GRANT DELETE ON \`mo_crm\`.\`a_b\` TO ${account}`,
      `REVOKE INSERT ON \`mo\\_crm\`.* FROM ${account}`,
      "DROP USER IF EXISTS 'svc_crm'@'%'",
      `ALTER USER ${account} ACCOUNT UNLOCK`,
    ]);
  });

  test("locking comes first and ends sessions", () => {
    const plan = planAccount({ ...wanted, locked: true, maxUserConnections: 5 }, server(), []);
    expect(plan.statements[0]).toBe(`ALTER USER ${account} ACCOUNT LOCK`);
    expect(plan.statements).toHaveLength(2);
    expect(plan.endSessions).toBe(true);
  });

  test("each kind of foreign grant is taken away in its own form", () => {
    const grants: AccountOnServer["grants"] = [
      ...server().grants,
      {
        object: { on: "everything" },
        privileges: ["GRANT OPTION", "PROCESS", "PROXY 'x'@'y'", "ROLE r`x WITH ADMIN OPTION"],
      },
      { object: { on: "databases", pattern: "mo_crm" }, privileges: ["SELECT"] },
      { object: { on: "table", database: "other", table: "t" }, privileges: ["SELECT (a`b)"] },
      {
        object: { on: "routine", database: "other", routine: "p", type: "PROCEDURE" },
        privileges: ["EXECUTE"],
      },
    ];
    expect(planAccount(wanted, server({ grants }), [])).toEqual({
      endSessions: true,
      statements: [
        `REVOKE GRANT OPTION ON *.* FROM ${account}`,
        `REVOKE PROCESS ON *.* FROM ${account}`,
        `REVOKE PROXY ON 'x'@'y' FROM ${account}`,
        `REVOKE \`r\`\`x\` FROM ${account}`,
        `REVOKE SELECT ON \`mo_crm\`.* FROM ${account}`,
        `REVOKE SELECT (\`a\`\`b\`) ON \`other\`.\`t\` FROM ${account}`,
        `REVOKE EXECUTE ON PROCEDURE \`other\`.\`p\` FROM ${account}`,
      ],
    });
  });

  test.each<[string, string[], string[], string[], boolean]>([
    ["a new generation beside the old", [newest, older], [older], [older], false],
    ["a new generation in place of the oldest", [newest, older], [older, oldest], [older, oldest], false],
    ["the old one retired", [newest], [newest, older], [newest, older], false],
    ["replaced outright", [newest], [older], [older], true],
    ["both replaced outright", [newest], [older, oldest], [older, oldest], true],
    ["one that nobody declared", [newest], [newest, "by hand"], [newest, older], true],
  ])("%s: sessions end only after a leak", (_what, passwords, onServer, known, ends) => {
    const plan = planAccount(
      { ...wanted, passwords },
      server({ alternatives: alternatives(...onServer) }),
      known,
    );
    expect(plan.statements).toHaveLength(1);
    expect(plan.endSessions).toBe(ends);
  });

  test("the same hash by another plugin is another log-in", () => {
    const foreign = alternatives(newest).map((alternative) => ({ ...alternative, plugin: "parsec" }));
    expect(planAccount(wanted, server({ alternatives: foreign }), [newest]).statements).toHaveLength(1);
  });
});

describe("accountAsDeclared", () => {
  test("what stands as declared reads as declared, in declared places", () => {
    expect(accountAsDeclared(wanted, server(), wanted)).toEqual(wanted);
    const two = { ...wanted, grants: [{ database: "z", privileges: ["SELECT"] }, ...wanted.grants] };
    expect(accountAsDeclared(wanted, server(), two).grants).toEqual([
      { database: "z", privileges: [] },
      { database: "mo_crm", privileges: ["INSERT", "SELECT"] },
    ]);
  });

  test("a password is known by its hash, a foreign one and a foreign plugin are named", () => {
    const actual = server({
      alternatives: [...alternatives("by hand", newest), { plugin: "unix_socket", hash: "" }],
    });
    expect(accountAsDeclared(wanted, actual, wanted).passwords).toEqual([
      NOT_OURS,
      newest,
      "not ours (plugin unix_socket)",
    ]);
    expect(accountAsDeclared(wanted, actual, undefined).passwords[1]).toBe(NOT_OURS);
  });
});
