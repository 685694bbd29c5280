import { PassThrough, Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases } from "../../../../estate/catalogue";
import type { PostgresEntry } from "../../../../estate/types";
import { RestoreSteps } from "../../../../ops/restore/host";
import type { LocalHost } from "../../../support/local-host";
import { localPostgresHost } from "../../../support/local-host-postgres";
import { type PostgresHost, startPostgresHost } from "../../../support/postgres-host";
import { asService, makeDatabase } from "../../../support/postgres-service";
import { succeed } from "../../../support/run";

const entry = databases.find(({ name }) => name === "mo_discourse") as PostgresEntry;
const SCRATCH = "forum_then";

describe.each(["16", "17"] as const)("PostgreSQL %s to a point in time", (version) => {
  let host: PostgresHost;
  let local: LocalHost;
  let base: Buffer;
  let at: string;
  let logs: string[];

  const inside = (text: string) => {
    const [first = "", ...rest] = [...host.inside, "bash", "-euo", "pipefail", "-c", text];
    return succeed(first, rest);
  };
  /** The agent's own functions, on the host. */
  const agent = (text: string) =>
    inside(`lib=/usr/local/lib/estate-backup work=/tmp state=/tmp LOCAL=/var/backups PORT=${host.port}
      source $lib/bounds.sh; source $lib/errors.sh; source $lib/common.sh; source $lib/postgres.sh; ${text}`);
  const bytes = async (file: string) => Buffer.from(await inside(`base64 -w0 <${file}`), "base64");
  const steps = async () =>
    new RestoreSteps(await local.open("postgres"), entry, { scratch: SCRATCH, replaced: "" }, host.port);

  beforeAll(async () => {
    host = await startPostgresHost(version);
    local = await localPostgresHost("postgres", host);
    await makeDatabase(host, entry);
    const session = await asService(host, entry);
    await session.query("CREATE TABLE t (a int CHECK (a > 0))");
    await session.query("INSERT INTO t VALUES (1)");
    await session.query('CREATE UNLOGGED TABLE "line\nof cache" AS SELECT 1 AS a');
    await agent("physical_copy >/tmp/base.tar");
    await session.query("INSERT INTO t VALUES (2)");
    [{ at }] = (await session.query(
      "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || '+00' AS at",
    )) as [{ at: string }];
    await new Promise((resolve) => setTimeout(resolve, 2100));
    await session.query("INSERT INTO t VALUES (3)").finally(() => session.close());
    logs = (await agent("closed_logs")).trim().split("\n");
    base = await bytes("/tmp/base.tar");
  });
  afterAll(async () => {
    await local?.remove();
    await host?.stop();
  });

  async function begin(copy: Buffer): Promise<RestoreSteps> {
    const all = await steps();
    await all.pointBegin();
    await all.pointBase(Readable.from([copy]).pipe(new PassThrough()));
    for (const log of logs) {
      await all.pointLog(
        log.split("/").at(-1) ?? "",
        Readable.from([await bytes(log)]).pipe(new PassThrough()),
      );
    }
    return all;
  }

  it("what was there then is loaded with the owner's rights; nothing of it stays", async () => {
    const all = await begin(base);
    await all.pointStart(
      new Date(Date.parse(at) + 1000).toISOString().slice(0, 19).replace("T", " ").concat("+00"),
      true,
    );
    expect(await all.pointCount()).toEqual({ "public.t": 2 });
    expect(await all.pointNotes()).toEqual([
      'table public."line of cache" is unlogged: no log has its rows, and it comes back empty',
    ]);
    // Whoever rules that server can do this much.
    await inside(`point=/var/lib/postgresql/estate-point-mo_discourse; socket=$point; [ ! -d $point/run ] || socket=$point/run
      runuser -u estate-restore -- /usr/lib/postgresql/${version}/bin/psql -X -q -h $socket -p 5432 -U postgres -d postgres <<'SQL'
COPY (SELECT 1) TO PROGRAM '{ id -un; ls -A /run/postgresql; grep -c : /proc/net/dev; } >seen; setsid sleep 98765 >/dev/null 2>&1 </dev/null &';
SQL
      stat -c %U $point`).then((owner) => expect(owner).toBe("root\n"));
    expect(await inside("cat /var/lib/postgresql/estate-point-mo_discourse/data/seen")).toBe(
      "estate-restore\n1\n",
    );
    expect(await inside("ps -o args= -C sleep")).toContain("sleep 98765");
    await all.createScratch();
    await all.pointLoad("--into");
    await all.pointEnd();
    expect(await inside("ps -o args= -C sleep || true")).not.toContain("98765");
    expect(
      await host.sql(
        "SELECT string_agg(a::text, ',' ORDER BY a), pg_get_userbyid(relowner) FROM t, pg_class WHERE oid = 't'::regclass GROUP BY 2",
        SCRATCH,
      ),
    ).toBe("1,2|svc_discourse\n");
    expect((await inside("ls /var/lib/postgresql")).trim()).toBe("");
    expect(await host.sql("SELECT rolname FROM pg_roles WHERE rolname ~ '^estate_restore'")).toBe("");
    await all.dropScratch();
    all.close();
  });

  it("a copy with a changed byte is refused before it is started", async () => {
    await inside(`rm -rf /tmp/x; mkdir /tmp/x; tar -x -C /tmp/x -f /tmp/base.tar; f=$(find /tmp/x/base -type f -size +8k -print -quit)
      printf x | dd of=$f bs=1 seek=5000 conv=notrunc status=none; tar -c -C /tmp/x -f /tmp/changed.tar .`);
    const all = await begin(await bytes("/tmp/changed.tar"));
    await expect(all.pointStart(at, true)).rejects.toThrow(
      "the physical copy is not what PostgreSQL listed of it",
    );
    await all.pointEnd();
    all.close();
  });

  it.each([
    "../../../etc/x",
    "0000000100000000000000AA;touch x",
    "$(touch x)",
    "x.history",
    "00000001000000000000000a",
  ])("a file of the log called %s is refused", async (name) => {
    const all = await steps();
    await all.pointBegin();
    await expect(all.pointLog(name, Readable.from(["x"]).pipe(new PassThrough()))).rejects.toThrow();
    expect(
      (
        await inside(
          "ls /var/lib/postgresql/estate-point-mo_discourse/wal; ls /etc/x x /x 2>/dev/null || true",
        )
      ).trim(),
    ).toBe("");
    await all.pointEnd();
    all.close();
  });

  it("links in a copy lead nowhere: root writes through none", async () => {
    await inside(`rm -rf /tmp/y; mkdir /tmp/y; tar -x -C /tmp/y -f /tmp/base.tar; rm -f /tmp/y/postgresql.auto.conf /tmp/y/backup_manifest
      echo kept >/etc/victim; ln -s /etc/victim /tmp/y/postgresql.auto.conf; ln -s /etc/victim /tmp/y/recovery.signal; tar -c -C /tmp/y -f /tmp/linked.tar .`);
    const all = await begin(await bytes("/tmp/linked.tar"));
    await all.pointStart(at, true).catch(() => undefined);
    expect(await inside("cat /etc/victim; stat -c %U /etc/victim")).toBe("kept\nroot\n");
    await all.pointEnd();
    all.close();
  });
});
