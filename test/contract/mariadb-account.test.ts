import * as net from "node:net";
import * as mysql from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADMIN } from "../../components/plans/admin";
import { NOT_OURS } from "../../provider/kinds/mariadb/drift";
import { createStatement } from "../../provider/kinds/mariadb/plan";
import { mariadbAccount as kind } from "../../provider/kinds/mariadb-account";
import { Accounts, HOST } from "../support/mariadb-accounts";

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

describe.each(["10.11", "11.8"] as const)("mariadb:Account on MariaDB %s", { timeout: 60_000 }, (version) => {
  let on: Accounts;

  beforeAll(async () => {
    on = await Accounts.start(version);
  }, 300_000);

  afterAll(() => on?.stop());

  test("runs the version it is named after", () => {
    expect(on.engine.version).toMatch(new RegExp(`^${version.replace(".", "\\.")}\\.`));
  });

  test("creates an account that logs in over TLS, and reads back as declared", async () => {
    const { id, inputs } = await on.created();
    expect(id).toBe(`${inputs.user}@${HOST}`);
    expect(await on.read(id, inputs)).toEqual(inputs);
    const connection = await on.login(inputs.user, inputs.passwords[0] ?? "", "mo_crm");
    expect((await connection.serverInfo()).tlsProtocol).toBe("TLSv1.3");
    await connection.query("INSERT INTO t VALUES (1, 2)");
    await expect(connection.query("DROP TABLE t")).rejects.toThrow(/denied/);
    await connection.close();
  });

  test("creating again changes nothing, and sends no statement that changes anything", async () => {
    const { id, inputs } = await on.created();
    const before = on.engine.log().length;
    await kind.create(on.call, inputs);
    expect(await on.read(id, inputs)).toEqual(inputs);
    expect(on.engine.log().slice(before)).not.toMatch(/\b(CREATE|ALTER|DROP) USER|\b(GRANT|REVOKE|KILL)\b/);
  });

  test("takes over an account that an interrupted run left half made", async () => {
    const inputs = on.declare();
    await on.sql(createStatement(inputs));
    await expect(on.login(inputs.user, inputs.passwords[0] ?? "")).rejects.toThrow(/locked/);
    const { id } = await kind.create(on.call, inputs);
    expect(await on.read(id, inputs)).toEqual(inputs);
    await (await on.login(inputs.user, inputs.passwords[0] ?? "", "mo_crm")).close();
  });

  test("takes over an account that somebody made by hand, with another password and other grants", async () => {
    const inputs = on.declare();
    await on.sql(`CREATE USER ${inputs.user}@'${HOST}' IDENTIFIED BY 'made by hand'`);
    await on.sql(`GRANT ALL ON *.* TO ${inputs.user}@'${HOST}' WITH GRANT OPTION`);
    const { id } = await kind.create(on.call, inputs);
    expect(await on.read(id, inputs)).toEqual(inputs);
    await expect(on.login(inputs.user, "made by hand")).rejects.toThrow(/Access denied/);
  });

  test("twenty accounts at once", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => on.created()));
    for (const { id, inputs } of all) expect(await on.read(id, inputs)).toEqual(inputs);
  });

  test("import by id reads everything but the passwords", async () => {
    const { id, inputs } = await on.created();
    const imported = await kind.read(on.call, id, undefined);
    expect(imported?.inputs).toEqual({ ...inputs, passwords: [NOT_OURS] });
    expect(await kind.read(on.call, `nobody@${HOST}`, undefined)).toBeUndefined();
    await expect(kind.read(on.call, "nobody", undefined)).rejects.toThrow(/"nobody" is no account/);
  });

  test("locked is closed to new sessions and ends the open ones; unlocking opens it again", async () => {
    const { id, inputs } = await on.created();
    const session = await on.login(inputs.user, inputs.passwords[0] ?? "", "mo_crm");
    const locked = { ...inputs, locked: true };
    await kind.update(on.call, id, { inputs, state: inputs }, locked);
    expect(await on.read(id, locked)).toEqual(locked);
    await expect(session.query("SELECT 1")).rejects.toThrow();
    await expect(on.login(inputs.user, inputs.passwords[0] ?? "")).rejects.toThrow(/locked/);
    await kind.update(on.call, id, { inputs: locked, state: locked }, inputs);
    await (await on.login(inputs.user, inputs.passwords[0] ?? "")).close();
  });

  describe("rotation", () => {
    test("two passwords log in; retiring the old one leaves the sessions alone", async () => {
      const { id, inputs } = await on.created();
      const [old = ""] = inputs.passwords;
      const next = on.newPassword();
      const both = { ...inputs, passwords: [next, old] };
      const session = await on.login(inputs.user, old, "mo_crm");
      await kind.update(on.call, id, { inputs, state: inputs }, both);
      expect(await on.read(id, both)).toEqual(both);
      for (const password of both.passwords) await (await on.login(inputs.user, password)).close();
      const retired = { ...inputs, passwords: [next] };
      await kind.update(on.call, id, { inputs: both, state: both }, retired);
      await session.query("SELECT * FROM t");
      await session.close();
      await (await on.login(inputs.user, next)).close();
      await expect(on.login(inputs.user, old)).rejects.toThrow(/Access denied/);
      expect(await on.read(id, retired)).toEqual(retired);
    });

    test("replacing a password outright (a leak) ends the sessions", async () => {
      const { id, inputs } = await on.created();
      const session = await on.login(inputs.user, inputs.passwords[0] ?? "", "mo_crm");
      const fresh = { ...inputs, passwords: [on.newPassword()] };
      await kind.update(on.call, id, { inputs, state: inputs }, fresh);
      await expect(session.query("SELECT 1")).rejects.toThrow();
    });
  });

  test("the name of a database is no wildcard: moxcrm stays closed", async () => {
    const { inputs } = await on.created();
    const connection = await on.login(inputs.user, inputs.passwords[0] ?? "");
    await connection.query("SELECT * FROM mo_crm.t");
    await expect(connection.query("SELECT * FROM moxcrm.t")).rejects.toThrow(/denied/);
    await connection.close();
  });

  test("REVOKE ends open sessions, which would keep what was taken away", async () => {
    const { id, inputs } = await on.created();
    const session = await on.login(inputs.user, inputs.passwords[0] ?? "", "mo_crm");
    await session.query("SELECT * FROM t");
    const less = { ...inputs, grants: [{ database: "other", privileges: ["SELECT"] }] };
    await kind.update(on.call, id, { inputs, state: inputs }, less);
    await expect(session.query("SELECT * FROM t")).rejects.toThrow();
  });

  test("granting more leaves open sessions alone", async () => {
    const { id, inputs } = await on.created();
    const session = await on.login(inputs.user, inputs.passwords[0] ?? "", "mo_crm");
    const more = {
      ...inputs,
      maxUserConnections: 9,
      grants: [...inputs.grants, { database: "other", privileges: ["SELECT"] }],
    };
    await kind.update(on.call, id, { inputs, state: inputs }, more);
    await session.query("SELECT * FROM t");
    await session.close();
  });

  test("delete ends sessions and leaves nothing behind", async () => {
    const { id, inputs } = await on.created();
    const account = `${inputs.user}@'${HOST}'`;
    await on.sql(`GRANT SELECT (a) ON other.t TO ${account}`);
    await on.sql(`GRANT EXECUTE ON PROCEDURE mo_crm.p TO ${account}`);
    await on.sql(`GRANT analyst TO ${account}`);
    const session = await on.login(inputs.user, inputs.passwords[0] ?? "", "mo_crm");
    await kind.delete(on.call, id, { inputs, state: inputs });
    await expect(session.query("SELECT 1")).rejects.toThrow();
    for (const table of TRACES) {
      expect(
        await on.server.query(`SELECT * FROM mysql.${table} WHERE User = ?`, [inputs.user]),
        table,
      ).toEqual([]);
    }
    await kind.delete(on.call, id, { inputs, state: inputs });
  });

  test("delete of a replaced account spares its successor at another host, and its sessions", async () => {
    const { id, inputs } = await on.created();
    const [password = ""] = inputs.passwords;
    await on.sql(`CREATE USER ${inputs.user}@'127.0.0.2' IDENTIFIED BY 'x'`);
    const successor = await mysql.createConnection({
      stream: net.connect({ host: HOST, port: on.engine.port, localAddress: "127.0.0.2" }),
      user: inputs.user,
      password: "x",
    });
    const session = await on.login(inputs.user, password);
    await kind.delete(on.call, id, { inputs, state: inputs });
    await expect(session.query("SELECT 1")).rejects.toThrow();
    await successor.query("SELECT 1");
    await successor.end();
    await on.sql(`DROP USER ${inputs.user}@'127.0.0.2'`);
  });

  test("a missing database or table is named with what to do", async () => {
    const table = on.declare({ grants: [{ database: "mo_crm", table: "none", privileges: ["SELECT"] }] });
    await expect(kind.create(on.call, table)).rejects.toThrow(
      /svc_\d+@127\.0\.0\.1: GRANT failed: .*none.*Create the table first/,
    );
  });

  test("SHOW CREATE ROUTINE exists from 11.3 on", async () => {
    const inputs = on.declare({ grants: [{ database: "mo_crm", privileges: ["SHOW CREATE ROUTINE"] }] });
    if (version === "10.11") {
      await expect(kind.create(on.call, inputs)).rejects.toThrow(
        /needs MariaDB 11\.3, this server is 10\.11/,
      );
    } else {
      await expect(kind.create(on.call, inputs)).rejects.toThrow(/The admin needs the privileges it grants/);
      const { id } = await kind.create({ ...on.call, config: { mariadb: on.server } }, inputs);
      expect(await on.read(id, inputs)).toEqual(inputs);
    }
  });

  test("a server that refuses hashes is explained", async () => {
    const { id, inputs } = await on.created();
    await on.sql("INSTALL SONAME 'simple_password_check'");
    await on.sql("SET GLOBAL strict_password_validation = ON");
    try {
      await expect(kind.create(on.call, on.declare())).rejects.toThrow(/strict_password_validation = OFF/);
      const fresh = { ...inputs, passwords: [on.newPassword()] };
      await expect(kind.update(on.call, id, { inputs, state: inputs }, fresh)).rejects.toThrow(
        /strict_password_validation = OFF/,
      );
    } finally {
      await on.sql("UNINSTALL SONAME 'simple_password_check'");
    }
  });

  test("connections that the server ended are replaced", async () => {
    const { id, inputs } = await on.created();
    await on.sql(`KILL HARD USER ${ADMIN}`);
    await new Promise((seen) => setTimeout(seen, 300));
    expect(await on.read(id, inputs)).toEqual(inputs);
    await kind.update(on.call, id, { inputs, state: inputs }, { ...inputs, maxUserConnections: 7 });
  });

  test("an aborted call stops before it changes anything", async () => {
    const inputs = on.declare();
    const signal = AbortSignal.abort();
    await expect(kind.create({ ...on.call, signal }, inputs)).rejects.toThrow(/abort/i);
    expect(await on.server.query("SELECT 1 FROM mysql.global_priv WHERE User = ?", [inputs.user])).toEqual(
      [],
    );
  });

  test("no clear password ever reached the server", () => {
    const log = on.engine.log();
    expect(log).toContain("CREATE USER");
    expect(on.secrets.length).toBeGreaterThan(20);
    for (const secret of on.secrets) expect(log.includes(secret)).toBe(false);
  });
});
