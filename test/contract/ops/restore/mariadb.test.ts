import * as fs from "node:fs/promises";
import * as path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connectMariadb, type MariadbConnection } from "../../../../connect/mariadb";
import type { Backup } from "../../../../ops/backup/manifest";
import type { RestoreRequest, RestoreResult } from "../../../../ops/restore/run";
import { type MariadbEngine, type MariadbVersion, startMariadb } from "../../../support/engines-mariadb";
import type { LocalHost } from "../../../support/local-host";
import { type RestoreBench, restoreBench } from "../../../support/restoring";
import { succeed } from "../../../support/run";

const PASSWORD = "fixture-service-password";

const SCHEMA = `
CREATE TABLE parents (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL) ENGINE=InnoDB;
CREATE TABLE children (id INT AUTO_INCREMENT PRIMARY KEY, parent INT NOT NULL, note TEXT,
  CONSTRAINT child_parent FOREIGN KEY (parent) REFERENCES parents (id)) ENGINE=InnoDB;
CREATE TABLE empty_one (id INT PRIMARY KEY);
CREATE SEQUENCE numbers START WITH 10;
CREATE VIEW named AS SELECT c.id, p.name FROM children c JOIN parents p ON p.id = c.parent;
CREATE VIEW named_twice AS SELECT name FROM named;
CREATE FUNCTION doubled(x INT) RETURNS INT DETERMINISTIC RETURN 2 * x;
CREATE PROCEDURE add_parent(IN n VARCHAR(40)) INSERT INTO parents (name) VALUES (n);
CREATE TRIGGER shout BEFORE INSERT ON parents FOR EACH ROW SET NEW.name = UPPER(NEW.name);
CREATE TRIGGER unrow BEFORE UPDATE ON parents FOR EACH ROW SET NEW.name =
(NEW.name);
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM empty_one;
INSERT INTO parents (name) VALUES ('a (1)'), ('b\\n(x'), ('c');
INSERT INTO children (parent, note) VALUES (1, 'first'), (1, NULL), (3, '(');
`;

/** Code of the restored database that cannot be made, and a note of whether the account is locked when it is tried. */
const SABOTAGE = `
eval "plain_$(declare -f rename_tables)"
rename_tables() {
  plain_rename_tables "$@"
  [ -e "$state/locked" ] || root_sql <<<"SELECT JSON_VALUE(priv, '$.account_locked') FROM mysql.global_priv WHERE user = '$SERVICE'" >"$state/locked"
}
eval "plain_$(declare -f make_code)"
make_code() {
  plain_make_code "$@"
  [ "$2" != "$state/$SCRATCH/made.jsonl" ] || echo '{"kind":"view","name":"nowhere","error":1146,"broken":false}' >>"$2.left"
}`;

describe.each(["10.11", "11.8"] as const)("MariaDB %s", (version: MariadbVersion) => {
  let engine: MariadbEngine;
  let bench: RestoreBench;
  let host: LocalHost;
  let admin: MariadbConnection;
  let backup: Backup;

  const login = (user: string, password: string, database?: string) =>
    connectMariadb(engine, { caCertificate: engine.caCertificate }, { user, password, database });
  const values = async (sql: string) => (await admin.query(sql)).map((row) => Object.values(row).join(" "));
  const statements = async (sql: string) => {
    for (const one of sql.split(";\n")) if (one.trim()) await admin.query(one);
  };

  beforeAll(async () => {
    engine = await startMariadb(version);
    bench = await restoreBench("mo_crm", { name: "mariadb", kind: "mariadb", engine, version });
    host = bench.host;
    admin = await login(engine.admin.user, engine.admin.password);
    await admin.query(`CREATE DATABASE mo_crm CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`);
    await admin.query("USE mo_crm");
    await statements(SCHEMA);
    await admin.query(`CREATE USER svc_crm@'127.0.0.1' IDENTIFIED BY '${PASSWORD}' REQUIRE SSL`);
    await admin.query("GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON mo_crm.* TO svc_crm@'127.0.0.1'");
    backup = await bench.backUp("20260102T020000Z");
    expect(backup.rows).toEqual({ parents: 3, children: 3, empty_one: 0 });
  });
  afterAll(async () => {
    await admin?.close();
    await engine?.stop();
    await bench?.stop();
  });

  /** What the service has done since: what a restore throws away, and what a failed one must leave. */
  beforeEach(async () => {
    await admin.query("USE mo_crm");
    await admin.query("DELETE FROM children");
    await admin.query("INSERT INTO parents (name) VALUES ('since')");
  });

  const restore = (changes: Partial<RestoreRequest & { backup: Backup }> = {}, signal?: AbortSignal) =>
    bench.restore({ backup, ...changes }, signal);

  async function expectUntouched(result: RestoreResult, reason: string | RegExp) {
    expect(result.fault?.reason).toMatch(reason);
    expect(result.fault?.live).toBe("untouched");
    expect(await values("SELECT COUNT(*) FROM mo_crm.children")).toEqual(["0"]);
    expect(await values("SELECT name FROM mo_crm.parents WHERE name LIKE 'since%' LIMIT 1")).toEqual([
      "SINCE",
    ]);
    expect(await values("SELECT COUNT(*) FROM mo_crm.named_twice")).toEqual(["0"]);
    expect(await values("SHOW DATABASES LIKE 'mo_crm\\_%'")).toEqual([]);
    await (await login("svc_crm", PASSWORD, "mo_crm")).close();
  }

  it("restores: rows, keys, views, routines, triggers, events; the former is kept", async () => {
    const service = await login("svc_crm", PASSWORD, "mo_crm");
    const result = await restore();
    expect(result.fault).toBeUndefined();
    expect(result.closedMs).toBeGreaterThan(0);
    expect(await host.safetyBackups()).toEqual(["run --tag safety mo_crm"]);
    expect(bench.said[0]).toContain(`mo_crm: run ${backup.run} is whole and opens`);
    expect(await values("SELECT note FROM mo_crm.children ORDER BY id")).toEqual(["first", "", "("]);
    expect(await values("SELECT name FROM mo_crm.named_twice")).toEqual(["A (1)", "A (1)", "C"]);
    expect(await values("SELECT mo_crm.doubled(21)")).toEqual(["42"]);
    expect(await values("SELECT event_name FROM information_schema.events")).toEqual(["nightly", "nightly"]);
    expect(await values("SELECT NEXT VALUE FOR mo_crm.numbers")).toEqual(["10"]);
    await expect(service.query("SELECT 1")).rejects.toThrow();
    const again = await login("svc_crm", PASSWORD, "mo_crm");
    await again.query("CALL add_parent('new')");
    expect(await values("SELECT name FROM mo_crm.parents ORDER BY id")).toEqual([
      "A (1)",
      "B\n(X",
      "C",
      "NEW",
    ]);
    await expect(again.query("INSERT INTO children (parent) VALUES (99)")).rejects.toThrow("foreign key");
    await again.close();
    const kept = result.replaced as string;
    expect(await values(`SELECT name FROM ${kept}.parents ORDER BY id DESC LIMIT 1`)).toEqual(["SINCE"]);
    expect(await values(`SELECT COUNT(*) FROM ${kept}.named`)).toEqual(["0"]);
    await admin.query(`DROP DATABASE ${kept}`);
  });

  it("into a new database leaves the live one alone", async () => {
    const result = await restore({ into: "copy_of_crm" });
    expect(result.fault).toBeUndefined();
    expect(await values("SELECT COUNT(*) FROM copy_of_crm.children")).toEqual(["3"]);
    expect(
      await values("SELECT status FROM information_schema.events WHERE event_schema = 'copy_of_crm'"),
    ).toEqual(["DISABLED"]);
    expect(await values("SELECT COUNT(*) FROM mo_crm.children")).toEqual(["0"]);
    await expect(login("svc_crm", PASSWORD, "copy_of_crm")).rejects.toThrow();
    await expectUntouched(await restore({ into: "copy_of_crm" }), "already");
    await admin.query("DROP DATABASE copy_of_crm");
  });

  it.each([
    ["wrong key", /BACKUP_KEY_FILE does not open it/],
    ["truncated object", /bytes; its manifest says/],
    ["changed object", /sha256 differs/],
    ["missing object", /the bucket does not hold daily/],
    ["dump without an end", /no "Dump completed"/],
  ])("%s: nothing is touched", async (what, reason) => {
    const before = (await host.safetyBackups()).length;
    const broken = await brokenBackup(what);
    await expectUntouched(await restore(broken), reason);
    expect(await host.safetyBackups()).toHaveLength(before);
  });

  async function brokenBackup(what: string): Promise<{ backup: Backup }> {
    const { sealed, rows } = await host.backUp("mo_crm", bench.store.recipient);
    if (what === "wrong key") {
      const other = "age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z";
      const foreign = await host.backUp("mo_crm", other);
      return { backup: await stored(foreign.sealed, rows) };
    }
    if (what === "dump without an end") {
      const file = path.join(host.directory, "cut");
      await succeed("bash", [
        "-c",
        `echo 'CREATE TABLE x (id INT);' | zstd -q | age -r ${bench.store.recipient} >${file}`,
      ]);
      return { backup: await stored(await fs.readFile(file), rows) };
    }
    const changed = Buffer.from(sealed);
    changed[changed.length - 20] = (changed[changed.length - 20] ?? 0) ^ 1;
    const lies = { "truncated object": sealed.subarray(0, -100), "changed object": changed }[what];
    const whole = await stored(sealed, rows, lies);
    return { backup: what === "missing object" ? { ...whole, key: `${whole.key}.00000` } : whole };
  }

  const stored = (sealed: Buffer, rows: Record<string, number>, lies?: Buffer) =>
    bench.stored("20260103T020000Z", sealed, rows, lies);

  it("a host without room: nothing is touched", async () => {
    await host.setFree(1024 * 1024);
    await expectUntouched(await restore(), /1.0 MiB free where data lies; loading needs about/);
    await host.setFree(2 ** 40);
  });

  it("rows that the manifest does not know: nothing is touched", async () => {
    const rows = { ...backup.rows, children: 4, gone: 1 };
    await expectUntouched(
      await restore({ backup: { ...backup, rows } }),
      /children has 3 rows; the manifest says 4; table gone is missing/,
    );
  });

  it("rows that point nowhere in the backup: nothing is touched", async () => {
    await admin.query("SET foreign_key_checks = 0");
    await admin.query("INSERT INTO mo_crm.children (parent) VALUES (999)");
    await admin.query("SET foreign_key_checks = 1");
    const orphaned = await bench.backUp("20260104T020000Z");
    await admin.query("DELETE FROM mo_crm.children");
    await expectUntouched(
      await restore({ backup: orphaned }),
      /foreign key child_parent of children: 1 rows without a parent/,
    );
  });

  it.each(["load", "count_rows", "adopt"])("a connection lost at %s: nothing is touched", async (step) => {
    host.breakAt(step, true);
    const result = await restore().finally(() => host.breakAt(undefined));
    await expectUntouched(result, "lost the connection");
  });

  it("a connection lost during the swap: the swap is through, and it is said", async () => {
    host.breakAt("swap", true);
    const result = await restore().finally(() => host.breakAt(undefined));
    expect(result.fault).toEqual({ live: "replaced", reason: "lost the connection" });
    expect(await values("SELECT COUNT(*) FROM mo_crm.children")).toEqual(["3"]);
    await (await login("svc_crm", PASSWORD, "mo_crm")).close();
    for (const name of await values("SHOW DATABASES LIKE 'mo_crm\\_\\_replaced%'")) {
      await admin.query(`DROP DATABASE ${name}`);
    }
  });

  it("a swap that fails in its middle is undone; meanwhile the service was locked out", async () => {
    const { open } = host;
    const sabotage: LocalHost["open"] = async (server, signal) => {
      const inner = await open(server, signal);
      return {
        ...inner,
        script: (text, variables) =>
          inner.script(
            text.trimEnd().endsWith("\nswap") ? text.replace(/\nswap\s*$/, `\n${SABOTAGE}\nswap`) : text,
            variables,
          ),
      };
    };
    host.open = sabotage;
    const result = await restore().finally(() => {
      host.open = open;
    });
    await expectUntouched(result, /nowhere/);
    expect(await fs.readFile(path.join(host.directory, "upper/var/lib/estate-restore/locked"), "utf8")).toBe(
      "1\n",
    );
    expect(await values("SELECT name FROM mo_crm.parents ORDER BY id DESC LIMIT 1")).toEqual(["SINCE"]);
    await admin.query("CALL mo_crm.add_parent('since too')");
    expect(await values("SELECT name FROM mo_crm.parents ORDER BY id DESC LIMIT 1")).toEqual(["SINCE TOO"]);
  });

  it("interrupted while it loads: nothing is touched", async () => {
    const interrupted = new AbortController();
    const { open } = host;
    host.open = async (server, signal) => {
      const inner = await open(server, signal);
      return {
        ...inner,
        filter: (text, variables, options) => {
          if (text.includes("\nload ")) interrupted.abort(new Error("interrupted"));
          return inner.filter(text, variables, options);
        },
      };
    };
    const result = await restore({}, interrupted.signal).finally(() => {
      host.open = open;
    });
    await expectUntouched(result, "interrupted");
  });
});
