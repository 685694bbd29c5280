import { randomBytes } from "node:crypto";
import * as net from "node:net";
import * as mysql from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADMIN, mariadbAdminSql } from "../../components/plans/admin";
import { connectMariadb, type MariadbConnection } from "../../connect/mariadb";
import { MariadbServer } from "../../connect/mariadb-server";
import type { AccountInputs } from "../../provider/kinds/mariadb/account";
import { NOT_OURS } from "../../provider/kinds/mariadb/drift";
import { createStatement } from "../../provider/kinds/mariadb/plan";
import { mariadbAccount as kind, type MariadbConfig } from "../../provider/kinds/mariadb-account";
import type { Call } from "../../provider/wire/kind";
import { type MariadbEngine, startMariadb } from "../support/engines-mariadb";

const HOST = "127.0.0.1";
/** Every table of `mysql` that may hold something about an account. */
const TRACES = [
  "global_priv",
  "db",
  "tables_priv",
  "columns_priv",
  "procs_priv",
  "roles_mapping",
  "proxies_priv",
];

const secrets: string[] = [];
function newPassword(): string {
  const password = `Canary-${randomBytes(24).toString("base64url")}`;
  secrets.push(password);
  return password;
}

describe.each(["10.11", "11.8"] as const)("mariadb:Account on MariaDB %s", { timeout: 60_000 }, (version) => {
  let engine: MariadbEngine;
  /** What somebody does by hand, as root would. */
  let server: MariadbServer;
  /** What the kind does, as the admin that the program makes on its servers: it lacks SUPER, FILE and more. */
  let admin: MariadbServer;
  let call: Call<MariadbConfig>;
  let count = 0;

  const sql = (statement: string) => server.query(statement);
  const login = (user: string, password: string, database?: string): Promise<MariadbConnection> =>
    connectMariadb(engine, engine, { user, password, database });

  /** What a program would declare for a new user; checked as the engine does it. */
  function declare(change: Partial<AccountInputs> = {}): AccountInputs {
    const news = {
      user: `svc_${++count}`,
      host: HOST,
      passwords: [newPassword()],
      require: "SSL",
      maxUserConnections: 5,
      grants: [
        { database: "mo_crm", privileges: ["UPDATE", "SELECT", "INSERT", "DELETE"] },
        { database: "mo_crm", table: "t", privileges: ["TRIGGER"] },
      ],
      ...change,
    };
    const { inputs, failures } = kind.check(news, undefined, { urn: "" });
    expect(failures).toEqual([]);
    return inputs as unknown as AccountInputs;
  }

  async function created(
    change: Partial<AccountInputs> = {},
  ): Promise<{ id: string; inputs: AccountInputs }> {
    const inputs = declare(change);
    const { id } = await kind.create(call, inputs);
    return { id, inputs };
  }

  const read = async (id: string, inputs: AccountInputs) =>
    (await kind.read(call, id, { inputs, state: inputs }))?.inputs;

  /** After drift: the next update brings back exactly what was declared. */
  async function mends(id: string, inputs: AccountInputs): Promise<void> {
    const drifted = await read(id, inputs);
    expect(drifted).not.toEqual(inputs);
    if (!drifted) throw new Error(`${id} is gone`);
    await kind.update(call, id, { inputs: drifted, state: drifted }, inputs);
    expect(await read(id, inputs)).toEqual(inputs);
  }

  beforeAll(async () => {
    engine = await startMariadb(version);
    server = new MariadbServer(engine, engine, engine.admin);
    const adminPassword = newPassword();
    for (const statement of mariadbAdminSql(adminPassword, HOST).split(";\n")) await sql(statement);
    admin = new MariadbServer(engine, engine, { user: ADMIN, password: adminPassword });
    call = { config: { mariadb: admin }, urn: "urn", signal: new AbortController().signal };
    for (const database of ["mo_crm", "moxcrm", "other"]) {
      await sql(`CREATE DATABASE ${database}`);
      await sql(`CREATE TABLE ${database}.t (a INT, b INT)`);
    }
    await sql("CREATE PROCEDURE mo_crm.p() SELECT 1");
    await sql("CREATE ROLE analyst");
  }, 300_000);

  afterAll(async () => {
    await admin?.close();
    await server?.close();
    await engine?.stop();
  });

  test("runs the version it is named after", () => {
    expect(engine.version).toMatch(new RegExp(`^${version.replace(".", "\\.")}\\.`));
  });

  test("creates an account that logs in over TLS, and reads back as declared", async () => {
    const { id, inputs } = await created();
    expect(id).toBe(`${inputs.user}@${HOST}`);
    expect(await read(id, inputs)).toEqual(inputs);
    const connection = await login(inputs.user, inputs.passwords[0] ?? "", "mo_crm");
    expect((await connection.serverInfo()).tlsProtocol).toBe("TLSv1.3");
    await connection.query("INSERT INTO t VALUES (1, 2)");
    await expect(connection.query("DROP TABLE t")).rejects.toThrow(/denied/);
    await connection.close();
  });

  test("creating again changes nothing, and sends no statement that changes anything", async () => {
    const { id, inputs } = await created();
    const before = engine.log().length;
    await kind.create(call, inputs);
    expect(await read(id, inputs)).toEqual(inputs);
    expect(engine.log().slice(before)).not.toMatch(/\b(CREATE|ALTER|DROP) USER|\b(GRANT|REVOKE|KILL)\b/);
  });

  test("takes over an account that an interrupted run left half made", async () => {
    const inputs = declare();
    await sql(createStatement(inputs));
    await expect(login(inputs.user, inputs.passwords[0] ?? "")).rejects.toThrow(/locked/);
    const { id } = await kind.create(call, inputs);
    expect(await read(id, inputs)).toEqual(inputs);
    await (await login(inputs.user, inputs.passwords[0] ?? "", "mo_crm")).close();
  });

  test("takes over an account that somebody made by hand, with another password and other grants", async () => {
    const inputs = declare();
    await sql(`CREATE USER ${inputs.user}@'${HOST}' IDENTIFIED BY 'made by hand'`);
    await sql(`GRANT ALL ON *.* TO ${inputs.user}@'${HOST}' WITH GRANT OPTION`);
    const { id } = await kind.create(call, inputs);
    expect(await read(id, inputs)).toEqual(inputs);
    await expect(login(inputs.user, "made by hand")).rejects.toThrow(/Access denied/);
  });

  test("twenty accounts at once", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => created()));
    for (const { id, inputs } of all) expect(await read(id, inputs)).toEqual(inputs);
  });

  test("import by id reads everything but the passwords", async () => {
    const { id, inputs } = await created();
    const imported = await kind.read(call, id, undefined);
    expect(imported?.inputs).toEqual({ ...inputs, passwords: [NOT_OURS] });
    expect(await kind.read(call, `nobody@${HOST}`, undefined)).toBeUndefined();
    await expect(kind.read(call, "nobody", undefined)).rejects.toThrow(/"nobody" is no account/);
  });

  test("locked is closed to new sessions and ends the open ones; unlocking opens it again", async () => {
    const { id, inputs } = await created();
    const session = await login(inputs.user, inputs.passwords[0] ?? "", "mo_crm");
    const locked = { ...inputs, locked: true };
    await kind.update(call, id, { inputs, state: inputs }, locked);
    expect(await read(id, locked)).toEqual(locked);
    await expect(session.query("SELECT 1")).rejects.toThrow();
    await expect(login(inputs.user, inputs.passwords[0] ?? "")).rejects.toThrow(/locked/);
    await kind.update(call, id, { inputs: locked, state: locked }, inputs);
    await (await login(inputs.user, inputs.passwords[0] ?? "")).close();
  });

  describe("rotation", () => {
    test("two passwords log in; retiring the old one leaves the sessions alone", async () => {
      const { id, inputs } = await created();
      const [old = ""] = inputs.passwords;
      const next = newPassword();
      const both = { ...inputs, passwords: [next, old] };
      const session = await login(inputs.user, old, "mo_crm");
      await kind.update(call, id, { inputs, state: inputs }, both);
      expect(await read(id, both)).toEqual(both);
      for (const password of both.passwords) await (await login(inputs.user, password)).close();
      const retired = { ...inputs, passwords: [next] };
      await kind.update(call, id, { inputs: both, state: both }, retired);
      await session.query("SELECT * FROM t");
      await session.close();
      await (await login(inputs.user, next)).close();
      await expect(login(inputs.user, old)).rejects.toThrow(/Access denied/);
      expect(await read(id, retired)).toEqual(retired);
    });

    test("replacing a password outright (a leak) ends the sessions", async () => {
      const { id, inputs } = await created();
      const session = await login(inputs.user, inputs.passwords[0] ?? "", "mo_crm");
      const fresh = { ...inputs, passwords: [newPassword()] };
      await kind.update(call, id, { inputs, state: inputs }, fresh);
      await expect(session.query("SELECT 1")).rejects.toThrow();
    });
  });

  describe("drift", () => {
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
      const { id, inputs } = await created();
      for (const statement of change(`'${inputs.user}'@'${HOST}'`, inputs.user)) await sql(statement);
      expect(await read(id, inputs)).toEqual({ ...inputs, ...expected(inputs) });
      await mends(id, inputs);
      await (await login(inputs.user, inputs.passwords[0] ?? "", "mo_crm")).close();
    });

    test("the right to act for somebody else is seen and mended", async () => {
      const { id, inputs } = await created();
      // No admin may grant it here, so the row is what a server has where one may.
      await sql(
        `INSERT INTO mysql.proxies_priv (Host, User, Proxied_host, Proxied_user) VALUES ('${HOST}', '${inputs.user}', '%', 'x')`,
      );
      await sql("FLUSH PRIVILEGES");
      const proxy = { database: "*", privileges: ["PROXY 'x'@'%'"] };
      expect(await read(id, inputs)).toEqual({ ...inputs, ...extra(inputs, proxy) });
      await mends(id, inputs);
    });

    test("a role of the same name is no account", async () => {
      const { id, inputs } = await created();
      await sql(`CREATE ROLE ${inputs.user}`);
      expect(await read(id, inputs)).toEqual(inputs);
      await sql(`DROP ROLE ${inputs.user}`);
    });

    test("SET PASSWORD replaces the newest of two only: both are told apart", async () => {
      const { id, inputs } = await created({ passwords: [newPassword(), newPassword()] });
      await sql(`SET PASSWORD FOR ${inputs.user}@'${HOST}' = PASSWORD('set by hand')`);
      expect((await read(id, inputs))?.passwords).toEqual([NOT_OURS, inputs.passwords[1]]);
      await mends(id, inputs);
      await expect(login(inputs.user, "set by hand")).rejects.toThrow(/Access denied/);
    });

    test("a dropped account is gone, and an update makes it again", async () => {
      const { id, inputs } = await created();
      await sql(`DROP USER ${inputs.user}@'${HOST}'`);
      expect(await read(id, inputs)).toBeUndefined();
      await kind.update(call, id, { inputs, state: inputs }, inputs);
      expect(await read(id, inputs)).toEqual(inputs);
    });

    test("a host that is declared elsewhere is left alone", async () => {
      const { id, inputs } = await created({ otherHosts: ["10.0.0.9"] });
      await sql(`CREATE USER ${inputs.user}@'10.0.0.9' ACCOUNT LOCK`);
      expect(await read(id, inputs)).toEqual(inputs);
      await kind.update(call, id, { inputs, state: inputs }, inputs);
      expect(await read(id, inputs)).toEqual(inputs);
    });
  });

  test("the name of a database is no wildcard: moxcrm stays closed", async () => {
    const { inputs } = await created();
    const connection = await login(inputs.user, inputs.passwords[0] ?? "");
    await connection.query("SELECT * FROM mo_crm.t");
    await expect(connection.query("SELECT * FROM moxcrm.t")).rejects.toThrow(/denied/);
    await connection.close();
  });

  test("REVOKE ends open sessions, which would keep what was taken away", async () => {
    const { id, inputs } = await created();
    const session = await login(inputs.user, inputs.passwords[0] ?? "", "mo_crm");
    await session.query("SELECT * FROM t");
    const less = { ...inputs, grants: [{ database: "other", privileges: ["SELECT"] }] };
    await kind.update(call, id, { inputs, state: inputs }, less);
    await expect(session.query("SELECT * FROM t")).rejects.toThrow();
  });

  test("granting more leaves open sessions alone", async () => {
    const { id, inputs } = await created();
    const session = await login(inputs.user, inputs.passwords[0] ?? "", "mo_crm");
    const more = {
      ...inputs,
      maxUserConnections: 9,
      grants: [...inputs.grants, { database: "other", privileges: ["SELECT"] }],
    };
    await kind.update(call, id, { inputs, state: inputs }, more);
    await session.query("SELECT * FROM t");
    await session.close();
  });

  test("delete ends sessions and leaves nothing behind", async () => {
    const { id, inputs } = await created();
    const account = `${inputs.user}@'${HOST}'`;
    await sql(`GRANT SELECT (a) ON other.t TO ${account}`);
    await sql(`GRANT EXECUTE ON PROCEDURE mo_crm.p TO ${account}`);
    await sql(`GRANT analyst TO ${account}`);
    const session = await login(inputs.user, inputs.passwords[0] ?? "", "mo_crm");
    await kind.delete(call, id, { inputs, state: inputs });
    await expect(session.query("SELECT 1")).rejects.toThrow();
    for (const table of TRACES) {
      expect(await server.query(`SELECT * FROM mysql.${table} WHERE User = ?`, [inputs.user]), table).toEqual(
        [],
      );
    }
    await kind.delete(call, id, { inputs, state: inputs });
  });

  test("delete of a replaced account spares its successor at another host, and its sessions", async () => {
    const { id, inputs } = await created();
    const [password = ""] = inputs.passwords;
    await sql(`CREATE USER ${inputs.user}@'127.0.0.2' IDENTIFIED BY 'x'`);
    const successor = await mysql.createConnection({
      stream: net.connect({ host: HOST, port: engine.port, localAddress: "127.0.0.2" }),
      user: inputs.user,
      password: "x",
    });
    const session = await login(inputs.user, password);
    await kind.delete(call, id, { inputs, state: inputs });
    await expect(session.query("SELECT 1")).rejects.toThrow();
    await successor.query("SELECT 1");
    await successor.end();
    await sql(`DROP USER ${inputs.user}@'127.0.0.2'`);
  });

  test("a missing database or table is named with what to do", async () => {
    const table = declare({ grants: [{ database: "mo_crm", table: "none", privileges: ["SELECT"] }] });
    await expect(kind.create(call, table)).rejects.toThrow(
      /svc_\d+@127\.0\.0\.1: GRANT failed: .*none.*Create the table first/,
    );
  });

  test("SHOW CREATE ROUTINE exists from 11.3 on", async () => {
    const inputs = declare({ grants: [{ database: "mo_crm", privileges: ["SHOW CREATE ROUTINE"] }] });
    if (version === "10.11") {
      await expect(kind.create(call, inputs)).rejects.toThrow(/needs MariaDB 11\.3, this server is 10\.11/);
    } else {
      await expect(kind.create(call, inputs)).rejects.toThrow(/The admin needs the privileges it grants/);
      const { id } = await kind.create({ ...call, config: { mariadb: server } }, inputs);
      expect(await read(id, inputs)).toEqual(inputs);
    }
  });

  test("a server that refuses hashes is explained", async () => {
    const { id, inputs } = await created();
    await sql("INSTALL SONAME 'simple_password_check'");
    await sql("SET GLOBAL strict_password_validation = ON");
    try {
      await expect(kind.create(call, declare())).rejects.toThrow(/strict_password_validation = OFF/);
      const fresh = { ...inputs, passwords: [newPassword()] };
      await expect(kind.update(call, id, { inputs, state: inputs }, fresh)).rejects.toThrow(
        /strict_password_validation = OFF/,
      );
    } finally {
      await sql("UNINSTALL SONAME 'simple_password_check'");
    }
  });

  test("connections that the server ended are replaced", async () => {
    const { id, inputs } = await created();
    await sql(`KILL HARD USER ${ADMIN}`);
    await expect.poll(() => read(id, inputs).catch(() => undefined)).toEqual(inputs);
    await kind.update(call, id, { inputs, state: inputs }, { ...inputs, maxUserConnections: 7 });
  });

  test("an aborted call stops before it changes anything", async () => {
    const inputs = declare();
    const signal = AbortSignal.abort();
    await expect(kind.create({ ...call, signal }, inputs)).rejects.toThrow(/abort/i);
    expect(await server.query("SELECT 1 FROM mysql.global_priv WHERE User = ?", [inputs.user])).toEqual([]);
  });

  test("no clear password ever reached the server", () => {
    const log = engine.log();
    expect(log).toContain("CREATE USER");
    expect(secrets.length).toBeGreaterThan(20);
    for (const secret of secrets) expect(log.includes(secret)).toBe(false);
  });
});

function withGrant(inputs: AccountInputs, at: number, privileges: string[]): Partial<AccountInputs> {
  return { grants: inputs.grants.map((grant, index) => (index === at ? { ...grant, privileges } : grant)) };
}

function extra(inputs: AccountInputs, grant: AccountInputs["grants"][number]): Partial<AccountInputs> {
  return { grants: [...inputs.grants, grant] };
}
