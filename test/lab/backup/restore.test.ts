import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HostRun } from "../../../ops/backup/now";
import type { RestoreResult } from "../../../ops/restore/run";
import { live } from "../../support/declared";
import { mariadb, onHost, postgres } from "../../support/lab";
import { plannedChanges } from "../../support/project";
import { type Finished, run } from "../../support/run";

/** `estate ...` as an operator types it. */
const estate = (...args: string[]): Promise<Finished> => run("ops/estate", [...args, "--stack", "local"]);

async function results(finished: Finished): Promise<RestoreResult[]> {
  expect(finished.code, finished.output).toBe(0);
  return (JSON.parse(finished.stdout) as { results: RestoreResult[] }).results;
}

/** One database on each host; tables whose rows a backup must bring back. */
const places = [
  { host: "plesk", database: "mo_forum" },
  { host: "mariadb", database: "mo_crm" },
] as const;
const onPortal = (sql: string) => postgres("mcp_portal", sql);
const owned = "SET ROLE mcp_admin;";
const names = [...places.map(({ database }) => database), "mcp_portal"];
/** Of this test, by host. A server that another test has made anew has none that a restore would take unasked. */
const runs = new Map<string, string>();
const runOf = (database: string) =>
  runs.get(places.find((place) => place.database === database)?.host ?? "postgres") ?? "no run was made";

async function dropCopies(): Promise<void> {
  for (const copy of ["portal_restored", "portal_torn"]) {
    await postgres("postgres", `DROP DATABASE IF EXISTS ${copy}`);
  }
  await mariadb("mariadb", "DROP DATABASE IF EXISTS crm_restored");
}

beforeAll(async () => {
  await dropCopies();
  for (const { host, database } of places) {
    await mariadb(
      host,
      `CREATE OR REPLACE TABLE ${database}.restore_probe (id INT PRIMARY KEY, note VARCHAR(20)); ` +
        `INSERT INTO ${database}.restore_probe VALUES (1, 'saved'), (2, 'saved');`,
    );
  }
  await onPortal(`${owned} CREATE TABLE restore_probe (id bigserial PRIMARY KEY, note text);
    INSERT INTO restore_probe (note) VALUES ('saved'), ('saved');`);
});
afterAll(async () => {
  await dropCopies();
  await estate("restore", ...names, "--drop-replaced");
  for (const { host, database } of places) {
    await mariadb(host, `DROP TABLE IF EXISTS ${database}.restore_probe`);
  }
  await onPortal("DROP TABLE IF EXISTS restore_probe");
});

describe("backups of the lab's hosts", () => {
  it("are made now, listed, good and whole", async () => {
    const made = await estate("backup", "now", "--tag", "test", "--json");
    expect(made.code, made.output).toBe(0);
    for (const { host, manifest } of (JSON.parse(made.stdout) as { runs: HostRun[] }).runs)
      runs.set(host, manifest?.run ?? "");
    expect(made.stderr).toMatch(/^mariadb: \d\d:\d\d:\d\d mo_crm {2}/m);
    const status = await estate("backup", "status");
    expect(status.code, status.output).toBe(0);
    expect(status.stdout).toContain(`${live.saved}/${live.saved} well backed up`);
    const verified = await estate("backup", "verify", ...names);
    expect(verified.code, verified.output).toBe(0);
    expect(verified.stdout.match(/ whole$/gm)).toHaveLength(3);
  });
});

describe("a restore", () => {
  it("brings back what was there, on every host, with the services' logins and row security", async () => {
    for (const { host, database } of places) {
      await mariadb(host, `UPDATE ${database}.restore_probe SET note = 'since'`);
    }
    await onPortal("DELETE FROM restore_probe");
    const policies = "SELECT count(*), md5(string_agg(p::text, ',' ORDER BY p::text)) FROM pg_policies p";
    const forced = "SELECT count(*) FROM pg_class WHERE relforcerowsecurity AND relrowsecurity";
    const before = [await onPortal(policies), await onPortal(forced)];
    expect(Number(before[1])).toBeGreaterThan(5);
    const restored: RestoreResult[] = [];
    for (const name of names)
      restored.push(...(await results(await estate("restore", name, "--run", runOf(name), "--json"))));
    expect(restored.map(({ database, fault }) => [database, fault])).toEqual(
      expect.arrayContaining(names.map((name) => [name, undefined])),
    );
    for (const { host, database } of places) {
      const notes = await mariadb(host, `SELECT DISTINCT note FROM ${database}.restore_probe`);
      expect(notes.trim()).toBe("saved");
    }
    expect((await onPortal("SELECT count(*) FROM restore_probe")).trim()).toBe("2");
    expect([await onPortal(policies), await onPortal(forced)]).toEqual(before);
    expect(restored.every(({ closedMs }) => closedMs !== undefined && closedMs < 10_000)).toBe(true);
    const checked = await estate("check", "--only", ...names);
    expect(checked.code, checked.output).toBe(0);
  });

  it("into a new database leaves the live one alone", async () => {
    const copied = await results(
      await estate(
        ...["restore", "mcp_portal", "--run", runOf("mcp_portal"), "--into", "portal_restored", "--json"],
      ),
    );
    expect(copied[0]?.fault).toBeUndefined();
    expect((await postgres("portal_restored", "SELECT count(*) FROM restore_probe")).trim()).toBe("2");
    await postgres("postgres", "DROP DATABASE portal_restored");
  });

  it("to a point in time has the row before and not the one after, on both engines", async () => {
    // Of the server as it is now: another test may have made it anew.
    for (const host of ["mariadb", "postgres"] as const) {
      await onHost(host, ["/usr/local/sbin/estate-backup", "base"]);
    }
    const write = async (id: number) => {
      await mariadb("mariadb", `INSERT INTO mo_crm.restore_probe VALUES (${id}, 'point')`);
      await onPortal(`INSERT INTO restore_probe (note) VALUES ('point ${id}')`);
    };
    const second = () => new Promise((resolve) => setTimeout(resolve, 1500));
    await write(101);
    await second();
    const at = `${new Date().toISOString().slice(0, 19)}Z`;
    await second();
    await write(102);
    for (const host of ["mariadb", "postgres"] as const) {
      await onHost(host, ["/usr/local/sbin/estate-backup", "log"]);
    }
    const points = await Promise.all(
      [
        ["mo_crm", "crm_restored"],
        ["mcp_portal", "portal_restored"],
      ].map(([name = "", into = ""]) => estate("restore", name, "--at", at, "--into", into, "--json")),
    );
    for (const point of points) expect((await results(point))[0]?.fault).toBeUndefined();
    expect(
      (await mariadb("mariadb", "SELECT id FROM crm_restored.restore_probe WHERE note = 'point'")).trim(),
    ).toBe("101");
    expect((await postgres("portal_restored", "SELECT note FROM restore_probe WHERE id > 2")).trim()).toBe(
      "point 101",
    );
    const early = await estate("restore", "mo_crm", "--at", "2020-01-01T00:00:00Z", "--into", "crm_early");
    expect(early.code).toBe(1);
    expect(early.stderr).toMatch(/is before the first physical copy; reachable is 20\S+Z to 20\S+Z/);
  });

  it("is refused where the log does not go on from the physical copy, which PostgreSQL would not mind", async () => {
    const agent = (job: string) => onHost("postgres", ["/usr/local/sbin/estate-backup", job]);
    await agent("base");
    const inUse = "SELECT pg_walfile_name(pg_current_wal_lsn())";
    const missing = (await postgres("postgres", inUse)).trim();
    // The host takes it for sent: nobody can take it out of a bucket that is locked.
    const identifier = (
      await postgres("postgres", "SELECT system_identifier FROM pg_control_system()")
    ).trim();
    await onHost("postgres", ["touch", `/var/lib/estate-backup/sent/${identifier}/${missing}`]);
    let at = "";
    for (const note of ["in the missing file", "in the next", "in the last"]) {
      await onPortal(`INSERT INTO restore_probe (note) VALUES ('${note}')`);
      at ||= `${new Date(Date.now() + 1000).toISOString().slice(0, 19)}Z`;
      await agent("log");
      // Before the server forgets it.
      const kept = `find /var/lib/postgresql -path '*/pg_wal/${missing}' -exec cp -n {} /root/kept-segment \\;`;
      await onHost("postgres", ["bash", "-c", kept]);
    }
    const torn = await estate("restore", "mcp_portal", "--at", at, "--into", "portal_torn");
    expect(torn.code, torn.output).toBe(1);
    expect(torn.stderr).toMatch(
      /the log ends before .*, though the bucket has more of it: a file .* is missing|has a gap, which no recovery can pass/,
    );
    expect(
      await postgres("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'portal\\_torn%'"),
    ).toBe("");
    // The log is whole again for whoever comes after.
    const mark = `/var/lib/estate-backup/sent/${identifier}/${missing}`;
    const back = `rm ${mark}; install -o postgres -g postgres /root/kept-segment /var/backups/estate/wal/${missing}; rm /root/kept-segment`;
    await onHost("postgres", ["bash", "-euc", back]);
    await agent("log");
  });

  it("with the wrong key touches nothing", async () => {
    const other = "/tmp/estate-wrong-key";
    await run("bash", ["-c", `umask 077; rm -f ${other}; age-keygen -o ${other}`]);
    const wanted = ["restore", "mo_crm", "--run", runOf("mo_crm"), "--stack", "local"];
    const refused = await run("ops/estate", wanted, {
      env: { BACKUP_KEY_FILE: other },
    });
    await run("rm", ["-f", other]);
    expect(refused.code, refused.output).toBe(1);
    expect(refused.stdout).toContain("the key in BACKUP_KEY_FILE does not open it");
    expect(refused.stdout).toContain("the live database is as it was");
  });

  it("leaves nothing behind but what it says, and the program with nothing to do", async () => {
    const dropped = await estate("restore", ...names, "--drop-replaced");
    expect(dropped.code, dropped.output).toBe(0);
    expect(dropped.stdout).toMatch(/^mcp_portal: dropped mcp_portal__replaced_\S+$/m);
    expect(await postgres("postgres", "SELECT datname FROM pg_database WHERE datname LIKE '%\\_\\_%'")).toBe(
      "",
    );
    for (const { host } of places) expect(await mariadb(host, "SHOW DATABASES LIKE '%\\_\\_%'")).toBe("");
    expect(await onHost("mariadb", ["ls", "/var/lib/estate-restore"])).not.toContain("__restoring");
    expect(await plannedChanges()).toEqual([]);
  });
});
