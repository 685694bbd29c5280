import { describe, expect, it } from "vitest";
import {
  agentFiles,
  agentPackages,
  agentTimers,
  bucketSettings,
} from "../../../../components/plans/backup-agent";

const args = {
  host: "mariadb",
  engine: "mariadb",
  port: 3306,
  databases: [
    { name: "mo_games", backup: "daily" },
    { name: "mo_crm", backup: "archive" },
  ],
  retention: {
    localDays: 30,
    dailyDays: 90,
    queueDays: 30,
    recoveryDays: 30,
    noncurrentDays: 14,
    lockDays: 30,
    erasureDays: 180,
    archive: { years: 7, reason: "a law for this test" },
  },
  recipients: ["age1x"],
  bucket: "backups",
  region: "eu-central-1",
  proof: true,
} as const;
const conf = (more: Partial<Parameters<typeof agentFiles>[0]> = {}) =>
  agentFiles({ ...args, ...more })["/etc/estate-backup/agent.conf"]?.content;

describe("the agent's timers", () => {
  it("are in UTC: a zone with summer time has a night without 02:00", () => {
    const timers = Object.entries(agentFiles(args)).filter(([file]) => file.endsWith(".timer"));
    expect(timers).toHaveLength(3);
    for (const [file, { content }] of timers) {
      expect(content.match(/^OnCalendar=.*$/m)?.[0], file).toMatch(/ UTC$/);
    }
  });
});

describe("the agent's settings", () => {
  it("name AWS's host by the bucket, and another service's by the path", () => {
    expect(conf()).toContain("\nBUCKET_URL=https://backups.s3.eu-central-1.amazonaws.com\n");
    expect(conf({ endpoint: "https://s3.example.org/" })).toContain(
      "\nBUCKET_URL=https://s3.example.org/backups\n",
    );
  });

  it("archive only where a law asks for it, and prove only where the host may", () => {
    expect(conf()).toContain("\nDATABASES='mo_crm:archive mo_games:daily'\n");
    const { archive: _, ...retention } = args.retention;
    expect(conf({ retention })).toContain("\nDATABASES='mo_crm:daily mo_games:daily'\n");
    expect(conf()).toContain("\nPROOF=yes\n");
    expect(conf({ proof: false })).toContain("\nPROOF=no\n");
  });

  it("have no secret in them, and what is one goes to a file of curl's", () => {
    const { path, content } = bucketSettings({
      region: "eu-central-1",
      accessKeyId: "AKIA0",
      secretAccessKey: 'fixture-canary"\\',
    });
    expect(path).toBe("/etc/estate-backup/bucket.conf");
    expect(content).toBe('aws-sigv4 = "aws:amz:eu-central-1:s3"\nuser = "AKIA0:fixture-canary\\"\\\\"\n');
    expect(JSON.stringify(agentFiles(args))).not.toContain("AKIA0");
  });

  it("need curl, and rclone no more", () => {
    for (const engine of ["mariadb", "postgres"] as const) {
      expect(agentPackages(engine)).toEqual(
        expect.arrayContaining(["curl", "jq", "zstd", "age", "util-linux"]),
      );
    }
  });
});

describe("the agent of queues", () => {
  const queues = {
    ...args,
    host: "redis",
    engine: "redis",
    port: undefined,
    databases: [{ name: "svc_n8n", backup: "daily", keyPrefix: "n8n:" }],
  } as const;

  it("runs each hour, has no log to send, and keeps a day on the host", () => {
    const files = agentFiles(queues);
    expect(agentTimers("redis")).toEqual(["estate-backup-queues.timer"]);
    expect(Object.keys(files).filter((file) => file.endsWith(".timer"))).toEqual([
      "/etc/systemd/system/estate-backup-queues.timer",
    ]);
    const conf = files["/etc/estate-backup/agent.conf"]?.content;
    for (const line of ["KEPT=queue", "QUEUES='svc_n8n/n8n:'", "LOCAL_DAYS=1"])
      expect(conf).toContain(`\n${line}\n`);
    expect(conf).not.toContain("PORT=");
  });
});
