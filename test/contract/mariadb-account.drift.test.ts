import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AccountInputs } from "../../provider/kinds/mariadb/account";
import { NOT_OURS } from "../../provider/kinds/mariadb/drift";
import { mariadbAccount as kind } from "../../provider/kinds/mariadb-account";
import { Accounts, HOST } from "../support/mariadb-accounts";

describe.each(["10.11", "11.8"] as const)("drift of mariadb:Account on MariaDB %s", {
  timeout: 60_000,
}, (version) => {
  let on: Accounts;

  beforeAll(async () => {
    on = await Accounts.start(version);
  }, 300_000);

  afterAll(() => on?.stop());

  test.each<
    [string, (account: string, user: string) => string[], (inputs: AccountInputs) => Partial<AccountInputs>]
  >([
    [
      "a privilege taken away",
      (account) => [`REVOKE INSERT ON \`mo\\_crm\`.* FROM ${account}`],
      (inputs) => withGrant(inputs, 0, ["DELETE", "SELECT", "UPDATE"]),
    ],
    [
      "all grants on a table taken away",
      (account) => [`REVOKE TRIGGER ON mo_crm.t FROM ${account}`],
      (inputs) => withGrant(inputs, 1, []),
    ],
    [
      "a privilege added",
      (account) => [`GRANT DROP ON \`mo\\_crm\`.* TO ${account}`],
      (inputs) => withGrant(inputs, 0, ["DELETE", "DROP", "INSERT", "SELECT", "UPDATE"]),
    ],
    [
      "GRANT OPTION",
      (account) => [`GRANT SELECT ON \`mo\\_crm\`.* TO ${account} WITH GRANT OPTION`],
      (inputs) => withGrant(inputs, 0, ["DELETE", "GRANT OPTION", "INSERT", "SELECT", "UPDATE"]),
    ],
    [
      "a global privilege",
      (account) => [`GRANT PROCESS ON *.* TO ${account}`],
      (inputs) => extra(inputs, { database: "*", privileges: ["PROCESS"] }),
    ],
    [
      "global privileges that the admin does not have itself",
      (account) => [`GRANT SUPER, FILE, SHUTDOWN ON *.* TO ${account} WITH GRANT OPTION`],
      (inputs) => extra(inputs, { database: "*", privileges: expect.arrayContaining(["FILE", "SUPER"]) }),
    ],
    [
      "GRANT ALL on another database",
      (account) => [`GRANT ALL ON other.* TO ${account}`],
      (inputs) =>
        extra(inputs, { database: "other", privileges: expect.arrayContaining(["DELETE HISTORY"]) }),
    ],
    [
      "a grant on another database, with GRANT OPTION",
      (account) => [`GRANT SELECT, DROP ON other.* TO ${account} WITH GRANT OPTION`],
      (inputs) => extra(inputs, { database: "other", privileges: ["DROP", "GRANT OPTION", "SELECT"] }),
    ],
    [
      "a grant whose name is a live wildcard",
      (account) => [`GRANT SELECT ON mo_crm.* TO ${account}`],
      (inputs) => extra(inputs, { database: "every database like mo_crm", privileges: ["SELECT"] }),
    ],
    [
      "a grant on another table and on columns",
      (account) => [`GRANT INSERT, SELECT (a), UPDATE (b) ON other.t TO ${account}`],
      (inputs) =>
        extra(inputs, {
          database: "other",
          table: "t",
          privileges: ["INSERT", "SELECT (a)", "UPDATE (b)"],
        }),
    ],
    [
      "the same privilege on a table and on its columns",
      (account) => [`GRANT SELECT (a), SELECT ON other.t TO ${account}`],
      (inputs) => extra(inputs, { database: "other", table: "t", privileges: ["SELECT", "SELECT (a)"] }),
    ],
    [
      "a grant on a table that has gone since",
      (account) => [
        "CREATE TABLE other.passing (a INT)",
        `GRANT SELECT ON other.passing TO ${account}`,
        "DROP TABLE other.passing",
      ],
      (inputs) => extra(inputs, { database: "other", table: "passing", privileges: ["SELECT"] }),
    ],
    [
      "a grant on a procedure",
      (account) => [`GRANT EXECUTE ON PROCEDURE mo_crm.p TO ${account} WITH GRANT OPTION`],
      (inputs) =>
        extra(inputs, {
          database: "mo_crm",
          table: "PROCEDURE p",
          privileges: ["EXECUTE", "GRANT OPTION"],
        }),
    ],
    [
      "a role",
      (account) => [`GRANT analyst TO ${account} WITH ADMIN OPTION`],
      (inputs) => extra(inputs, { database: "*", privileges: ["ROLE analyst WITH ADMIN OPTION"] }),
    ],
    ["REQUIRE", (account) => [`ALTER USER ${account} REQUIRE NONE`], () => ({ require: "NONE" })],
    [
      "REQUIRE of half a certificate",
      (account) => [`ALTER USER ${account} REQUIRE SUBJECT '/CN=mallory'`],
      () => ({ require: "SPECIFIED" }),
    ],
    [
      "REQUIRE of somebody's certificate, by a cipher beside it",
      (account) => [
        `ALTER USER ${account} REQUIRE SUBJECT '/CN=mallory' AND ISSUER '/CN=x' AND CIPHER 'ANY'`,
      ],
      () => ({ require: "SPECIFIED" }),
    ],
    [
      "REQUIRE of somebody's certificate",
      (account) => [`ALTER USER ${account} REQUIRE SUBJECT '/CN=mallory' AND ISSUER '/CN=x'`],
      () => ({ require: { subject: "/CN=mallory", issuer: "/CN=x" } }),
    ],
    [
      "the connection limit",
      (account) => [`ALTER USER ${account} WITH MAX_USER_CONNECTIONS 500`],
      () => ({ maxUserConnections: 500 }),
    ],
    ["the lock", (account) => [`ALTER USER ${account} ACCOUNT LOCK`], () => ({ locked: true })],
    [
      "the password",
      (account) => [`SET PASSWORD FOR ${account} = PASSWORD('set by hand')`],
      () => ({ passwords: [NOT_OURS] }),
    ],
    [
      "another plugin",
      (account) => [`ALTER USER ${account} IDENTIFIED VIA unix_socket`],
      () => ({ passwords: ["not ours (plugin unix_socket)"] }),
    ],
    [
      "a second password",
      (account) => [
        `ALTER USER ${account} IDENTIFIED VIA mysql_native_password USING '*${"A".repeat(40)}' OR unix_socket`,
      ],
      () => ({ passwords: [NOT_OURS, "not ours (plugin unix_socket)"] }),
    ],
    [
      "the same user at host %",
      (_account, user) => [
        `CREATE USER ${user}@'%' IDENTIFIED BY 'x'`,
        `GRANT SELECT ON other.* TO ${user}@'%'`,
      ],
      () => ({ otherHosts: ["%"] }),
    ],
  ])("%s is seen and mended", async (_what, change, expected) => {
    const { id, inputs } = await on.created();
    for (const statement of change(`'${inputs.user}'@'${HOST}'`, inputs.user)) await on.sql(statement);
    expect(await on.read(id, inputs)).toEqual({ ...inputs, ...expected(inputs) });
    await on.mends(id, inputs);
    await (await on.login(inputs.user, inputs.passwords[0] ?? "", "mo_crm")).close();
  });

  test("the right to act for somebody else is seen and mended", async () => {
    const { id, inputs } = await on.created();
    // No admin may grant it here, so the row is what a server has where one may.
    await on.sql(
      `INSERT INTO mysql.proxies_priv (Host, User, Proxied_host, Proxied_user) VALUES ('${HOST}', '${inputs.user}', '%', 'x')`,
    );
    await on.sql("FLUSH PRIVILEGES");
    const proxy = { database: "*", privileges: ["PROXY 'x'@'%'"] };
    expect(await on.read(id, inputs)).toEqual({ ...inputs, ...extra(inputs, proxy) });
    await on.mends(id, inputs);
  });

  test("a role of the same name is no account", async () => {
    const { id, inputs } = await on.created();
    await on.sql(`CREATE ROLE ${inputs.user}`);
    expect(await on.read(id, inputs)).toEqual(inputs);
    await on.sql(`DROP ROLE ${inputs.user}`);
  });

  test("SET PASSWORD replaces the newest of two only: both are told apart", async () => {
    const { id, inputs } = await on.created({ passwords: [on.newPassword(), on.newPassword()] });
    await on.sql(`SET PASSWORD FOR ${inputs.user}@'${HOST}' = PASSWORD('set by hand')`);
    expect((await on.read(id, inputs))?.passwords).toEqual([NOT_OURS, inputs.passwords[1]]);
    await on.mends(id, inputs);
    await expect(on.login(inputs.user, "set by hand")).rejects.toThrow(/Access denied/);
  });

  test("a dropped account is gone, and an update makes it again", async () => {
    const { id, inputs } = await on.created();
    await on.sql(`DROP USER ${inputs.user}@'${HOST}'`);
    expect(await on.read(id, inputs)).toBeUndefined();
    await kind.update(on.call, id, { inputs, state: inputs }, inputs);
    expect(await on.read(id, inputs)).toEqual(inputs);
  });

  test("a host that is declared elsewhere is left alone", async () => {
    const { id, inputs } = await on.created({ otherHosts: ["10.0.0.9"] });
    await on.sql(`CREATE USER ${inputs.user}@'10.0.0.9' IDENTIFIED BY 'of another' ACCOUNT LOCK`);
    expect(await on.read(id, inputs)).toEqual(inputs);
    await kind.update(on.call, id, { inputs, state: inputs }, inputs);
    expect(await on.read(id, inputs)).toEqual(inputs);
  });
});

function withGrant(inputs: AccountInputs, at: number, privileges: string[]): Partial<AccountInputs> {
  return { grants: inputs.grants.map((grant, index) => (index === at ? { ...grant, privileges } : grant)) };
}

function extra(inputs: AccountInputs, grant: AccountInputs["grants"][number]): Partial<AccountInputs> {
  return { grants: [...inputs.grants, grant] };
}
