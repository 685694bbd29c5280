import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PG_IDENT } from "../../../components/plans/pg-hba";
import { POSTGRES_BACKUP_LOGINS } from "../../../estate/backup-logins";
import { hostServerSettings } from "../../../provider/kinds/host-server-settings";
import { mariadb, onHost, postgres } from "../../support/lab";
import { type PlannedChange, plannedChanges, pulumi } from "../../support/project";
import { run } from "../../support/run";

const hbaFile = "/etc/postgresql/17/main/pg_hba.conf";
const identFile = "/etc/postgresql/17/main/pg_ident.conf";
const started = "SELECT pg_postmaster_start_time()";

describe("settings changed by hand on a server", () => {
  let planned: PlannedChange[];
  let postgresStart: string;
  let mariadbUptime: number;
  let mended = false;
  const uptime = async () =>
    Number((await mariadb("mariadb", "SHOW GLOBAL STATUS LIKE 'Uptime'")).split("\t")[1]);

  beforeAll(async () => {
    await mariadb("mariadb", "SET GLOBAL require_secure_transport = OFF");
    await onHost("postgres", ["sed", "-i", "1a host all all 0.0.0.0/0 trust", hbaFile]);
    await onHost("postgres", ["sh", "-c", `echo 'estate root estate_backup' >>${identFile}`]);
    await postgres("postgres", "ALTER ROLE estate_base SUPERUSER");
    await mariadb("mariadb", "CREATE USER 'estate-restore'@'%' IDENTIFIED BY 'long enough to be taken, 1 A'");
    // Written down only: it would be in force after the next reload, whoever does that.
    await postgres("postgres", "ALTER SYSTEM SET ssl_min_protocol_version = 'TLSv1.2'");
    await onHost("redis", ["sh", "-c", "echo 'maxclients 5' >>/etc/redis/redis-crm.conf"]);
    const refreshed = await pulumi(["refresh", "--stack", "local", "--yes"]);
    expect(refreshed.code, refreshed.output).toBe(0);
    planned = await plannedChanges();
    postgresStart = await postgres("postgres", started);
    mariadbUptime = await uptime();
  });

  afterAll(async () => {
    if (!mended) await pulumi(["up", "--stack", "local", "--yes", "--skip-preview", "--refresh"]);
  });

  it("are named by the preview after a refresh, and nothing else is", () => {
    const fields = Object.fromEntries(planned.map((change) => [change.resource, change.fields]));
    expect(fields).toEqual({
      "estate:host:ServerSettings mariadb-settings": [
        "effective.require_secure_transport",
        'logins["estate-restore"]',
      ],
      "estate:host:ServerSettings postgres-settings": [
        "effective.ssl_min_protocol_version",
        "hba",
        "ident",
        "logins.estate_base",
      ],
      "estate:host:RedisInstance redis-svc_crm-instance": ["configuration"],
    });
  });

  it("are taken back by `up`, without a restart where the engine needs none", async () => {
    const up = await pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    expect(up.code, up.output).toBe(0);
    expect(await mariadb("mariadb", "SELECT @@require_secure_transport")).toBe("1\n");
    expect(await postgres("postgres", "SHOW ssl_min_protocol_version")).toBe("TLSv1.3\n");
    expect(
      await postgres("postgres", "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'trust'"),
    ).toBe("0\n");
    expect(await onHost("redis", ["cat", "/etc/redis/redis-crm.conf"])).not.toContain("maxclients 5\n");
    expect(await postgres("postgres", started)).toBe(postgresStart);
    expect(await uptime()).toBeGreaterThanOrEqual(mariadbUptime);

    expect(await plannedChanges()).toEqual([]);
    mended = true;
    expect((await run("ops/estate", ["check", "--stack", "local"])).code).toBe(0);
  });
});

describe("a pg_hba.conf with a fault", () => {
  it("is not applied, and the error names its line", async () => {
    const call = {
      config: {
        ssh: {
          host: "10.77.0.13",
          port: 22,
          user: "root",
          privateKey: readFileSync(process.env.SSH_PRIVATE_KEY_FILE ?? "", "utf8"),
        },
      },
      urn: "",
      signal: new AbortController().signal,
    };
    const before = await onHost("postgres", ["cat", hbaFile]);
    const declared = {
      engine: "postgres",
      address: "10.77.0.13",
      port: 5432,
      configuration: (
        await onHost("postgres", ["cat", "/etc/postgresql/17/main/conf.d/estate.conf"])
      ).trimEnd(),
      hba: `${before}hostssl all all 10.77.0.11/32 scram-sha-265`,
      ident: PG_IDENT,
      logins: { ...POSTGRES_BACKUP_LOGINS },
      effective: { ssl: "on" },
    } as const;
    const state = { ...declared, hba: before };
    await expect(
      hostServerSettings.update(call, "postgres", { inputs: state, state }, declared),
    ).rejects.toThrow(/pg_hba\.conf has faults and was not applied: line \d+: invalid authentication method/);
    expect(await onHost("postgres", ["cat", hbaFile])).toBe(before);
    expect(await postgres("postgres", "SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL")).toBe(
      "0\n",
    );
  });
});
