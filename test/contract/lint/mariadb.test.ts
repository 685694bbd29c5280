import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lintMariadb, mariadbRules } from "../../../ops/lint/mariadb";
import { passwordHash } from "../../../text/mariadb";
import { Accounts } from "../../support/mariadb-accounts";

const entries = [
  { name: "mo_crm", service: "svc_crm" },
  { name: "other", service: "svc_other" },
];

/** Its password is nobody's business here; the server refuses short ones. */
const user = (account: string) =>
  `CREATE USER ${account} IDENTIFIED VIA mysql_native_password USING '${passwordHash("of nobody")}'`;

/** Each takes back what it made: accounts are committed at once. */
const violations: {
  rule: string;
  title: string;
  made: string[];
  gone: string[];
  at: string[];
  also?: string[];
}[] = [
  {
    rule: "account-undeclared",
    title: "an account of an odd name, and a role",
    made: [user("'o''dd %ü'@'10.0.0.1'"), "CREATE ROLE helper"],
    gone: ["DROP USER 'o''dd %ü'@'10.0.0.1'", "DROP ROLE helper"],
    at: ["account 'helper'@''", "account 'o\\'dd %ü'@'10.0.0.1'"],
  },
  ...[
    ["the database", "GRANT SELECT ON `mo\\_crm`.* TO x@localhost"],
    ["the database", "GRANT SELECT ON `mo%crm`.* TO x@localhost"],
    ["table t", "GRANT SELECT ON mo_crm.t TO x@localhost"],
    ["a column of table t, table t", "GRANT SELECT (a) ON mo_crm.t TO x@localhost"],
    ["procedure p", "GRANT EXECUTE ON PROCEDURE mo_crm.p TO x@localhost"],
  ].map(([what, grant = ""]) => ({
    rule: "grant-undeclared",
    title: `${what} to somebody: ${grant}`,
    made: [user("x@localhost"), grant],
    gone: ["DROP USER x@localhost"],
    at: ["database mo_crm"],
    also: ["account-undeclared account 'x'@'localhost'"],
  })),
  {
    rule: "definer-gone",
    title: "a view, a routine, a trigger and an event of an account that went",
    made: [
      user("y@localhost"),
      "CREATE DEFINER = y@localhost VIEW mo_crm.v AS SELECT 1 AS one",
      "CREATE DEFINER = y@localhost FUNCTION mo_crm.f() RETURNS int RETURN 1",
      "CREATE DEFINER = y@localhost TRIGGER mo_crm.g BEFORE INSERT ON mo_crm.t FOR EACH ROW SET NEW.a = 1",
      "CREATE DEFINER = y@localhost EVENT mo_crm.e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
      "DROP USER y@localhost",
    ],
    gone: ["DROP VIEW mo_crm.v", "DROP FUNCTION mo_crm.f", "DROP TRIGGER mo_crm.g", "DROP EVENT mo_crm.e"],
    at: ["event mo_crm.e", "function mo_crm.f", "trigger mo_crm.g", "view mo_crm.v"],
  },
  {
    rule: "function-of-library",
    title: "a function of a library",
    made: ["INSERT INTO mysql.func VALUES ('run', 0, 'run.so', 'function')"],
    gone: ["DELETE FROM mysql.func"],
    at: ["function run"],
  },
];

describe.each(["10.11", "11.8"] as const)("estate lint on MariaDB %s", { timeout: 60_000 }, (version) => {
  let on: Accounts;

  beforeAll(async () => {
    on = await Accounts.start(version);
    for (const statement of [
      "DROP ROLE analyst",
      user("svc_crm@127.0.0.1"),
      "GRANT SELECT ON `mo\\_crm`.* TO svc_crm@127.0.0.1",
      "CREATE DEFINER = svc_crm@127.0.0.1 VIEW mo_crm.kept AS SELECT 1 AS one",
    ])
      await on.sql(statement);
  }, 300_000);
  afterAll(() => on?.stop());

  /** Whoever starts a server in a test is its root under another name. */
  const root = () => [{ name: "tests", service: on.engine.admin.user }];
  /** As the admin that the program has on its servers. */
  const lint = (own = true) => {
    const { mariadb } = on.call.config;
    if (!mariadb) throw new Error("no server");
    return lintMariadb(mariadb, { entries: [...entries, ...root()], own });
  };
  const places = async (own?: boolean) => (await lint(own)).map(({ rule, at }) => `${rule} ${at}`).sort();

  test("finds nothing in what the program makes", async () => {
    expect(await places()).toEqual([]);
  });

  test.each(violations)("$rule: $title", async ({ rule, made, gone, at, also = [] }) => {
    for (const statement of made) await on.sql(statement);
    const found = await places().finally(async () => {
      for (const statement of gone) await on.sql(statement);
    });
    expect(found).toEqual([...at.map((each) => `${rule} ${each}`), ...also].sort());
  });

  test("names the accounts that are left on a server where nothing is declared any more", async () => {
    const { mariadb } = on.call.config;
    if (!mariadb) throw new Error("no server");
    const found = await lintMariadb(mariadb, { entries: [], own: true });
    expect(found.map(({ rule, at }) => `${rule} ${at}`)).toContain(
      "account-undeclared account 'svc_crm'@'127.0.0.1'",
    );
    expect(await lintMariadb(mariadb, { entries: [], own: false })).toEqual([]);
  });

  test("tells a role from an account", async () => {
    await on.sql("CREATE ROLE helper");
    try {
      expect(await lint()).toMatchObject([{ fault: "is a role that nobody declares" }]);
    } finally {
      await on.sql("DROP ROLE helper");
    }
  });

  test("leaves the web host's panel its accounts, but nothing of a declared database", async () => {
    await on.sql(user("panel@localhost"));
    try {
      expect(await places(false)).toEqual([]);
      await on.sql("GRANT ALL ON moxcrm.* TO panel@localhost");
      expect(await places(false)).toEqual([]);
      await on.sql("GRANT ALL ON other.* TO panel@localhost");
      expect(await lint(false)).toMatchObject([
        {
          rule: "grant-undeclared",
          at: "database other",
          fault: "'panel'@'localhost' has rights on the database",
        },
      ]);
    } finally {
      await on.sql("DROP USER panel@localhost");
    }
  });
});

test("every rule has a violation, and says how to mend", () => {
  expect([...new Set(violations.map(({ rule }) => rule))].sort()).toEqual(
    mariadbRules.map(({ rule }) => rule).sort(),
  );
  for (const { requirement, mend } of mariadbRules) {
    expect(requirement).toMatch(/\.$/);
    expect(mend).not.toMatch(/\.$/);
  }
});
