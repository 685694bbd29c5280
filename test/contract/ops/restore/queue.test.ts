import { readFileSync } from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { redisUsers } from "../../../../estate/catalogue";
import { type QueueEntry, savedOf } from "../../../../estate/saved";
import { FILL, FILLED } from "../../../support/queue";
import { type QueueMachine, queueMachine } from "../../../support/queue-machine";
import { projectDirectory } from "../../../support/run";

const entry = savedOf({ databases: [], redisUsers }).find(({ name }) => name === "svc_n8n") as QueueEntry;
const SCRIPT = readFileSync(path.join(projectDirectory, "ops/restore/scripts/redis.sh"), "utf8");

let bench: QueueMachine;
beforeAll(async () => {
  bench = await queueMachine(entry);
}, 300_000);
afterAll(() => bench?.stop());
beforeEach(() => bench.bash("admin FLUSHALL; admin FUNCTION FLUSH; rm -rf /var/lib/redis/n8n__*; sleep 2"));

const digest = () => bench.bash("admin DEBUG DIGEST").then((text) => text.trim());
const beside = () => bench.bash("ls /var/lib/redis").then((text) => text.trim().split("\n"));
/** A step of the restore, with functions that take the place of its own. */
const step = async (text: string, replaced = "n8n__replaced_20260101t000000z") => {
  const host = await bench.open("redis");
  const variables = { SERVICE: "svc_n8n", NAME: "n8n", REPLACED: replaced };
  return host.script(`${SCRIPT}\n${text}`, variables).finally(() => host.close());
};

describe("a queue's restore", { timeout: 120_000 }, () => {
  it("brings back every key, keeps what stood, and the next backup is of it", async () => {
    await bench.bash(FILL);
    const before = await digest();
    const backup = await bench.backUp();
    await bench.bash("admin FLUSHALL; service SET n8n:later 1; sleep 2");
    const result = await bench.restore(backup);
    expect(result.fault).toBeUndefined();
    expect(result).toMatchObject({ database: "svc_n8n", rows: FILLED });
    expect(await digest()).toBe(before);
    expect(
      await bench.bash("service XLEN n8n:stream; service TTL n8n:ends:3 | grep -c '^2[0-9][0-9][0-9]'"),
    ).toBe("300\n1\n");
    expect(await beside()).toEqual(["n8n", result.replaced]);
    const again = await bench.backUp();
    expect(again.rows).toEqual({ keys: FILLED });
    // And what is kept is what stood.
    const kept = `/var/lib/redis/${result.replaced}/appendonlydir`;
    expect(await bench.bash(`cat ${kept}/*.incr.aof | grep -ac n8n:later`)).toBe("1\n");
    expect(await step("drop_replaced")).toBe(`${result.replaced}\n`);
    expect(await beside()).toEqual(["n8n"]);
  });

  it.each([
    ["keys of another prefix", "admin SET crm:session 1", /1 keys do not begin with n8n:/],
    ["another logical database", "admin -n 3 SET n8n:a 1", /another logical database/],
    [
      "a library of functions",
      `admin FUNCTION LOAD "#!lua name=lib
redis.register_function('f', function() return 1 end)"`,
      /library of functions/,
    ],
  ])("of a copy with %s is refused, and the queue as it was", async (_, command, words) => {
    await bench.bash(`service SET n8n:own 1; ${command}; sleep 2`);
    const backup = await bench.backUp();
    await bench.bash("admin FLUSHALL; admin FUNCTION FLUSH; service SET n8n:live 1; sleep 2");
    const result = await bench.restore(backup);
    expect(result.fault).toMatchObject({ live: "untouched", reason: expect.stringMatching(words) });
    expect(await bench.bash("service GET n8n:live")).toBe("1\n");
    expect(await beside()).toEqual(["n8n"]);
    expect(bench.said.join()).not.toContain("crm:session");
  });

  it("of a copy with fewer keys than its manifest says is refused", async () => {
    await bench.bash("service SET n8n:a 1; service SET n8n:b 1; sleep 2");
    const backup = await bench.backUp();
    const result = await bench.restore({ ...backup, rows: { keys: 3 } });
    expect(result.fault).toMatchObject({
      live: "untouched",
      reason: expect.stringContaining("table keys has 2 rows"),
    });
  });

  it.each([
    ["before", "exchange() { kill -9 $$; }", "old"],
    ["after", "settle() { kill -9 $$; }", "new"],
  ])("that is killed %s the files change places is one or the other, and the next goes on", async (_, killed, is) => {
    await bench.bash("service SET n8n:which new; sleep 2");
    const backup = await bench.backUp();
    await bench.bash("service SET n8n:which old; sleep 2");
    // The files beside, as a restore makes them.
    await bench.bash(
      "runuser -u redis -- mkdir -m 0700 /var/lib/redis/n8n__restoring; systemctl stop redis-server@n8n; cd /var/lib/redis; " +
        "cp -a n8n/appendonlydir n8n__restoring/; systemctl start redis-server@n8n",
    );
    const [live, scratch] = (
      await bench.bash(
        "stat -c %i /var/lib/redis/n8n/appendonlydir /var/lib/redis/n8n__restoring/appendonlydir",
      )
    ).split("\n");
    await expect(step(`${killed}\nswap`)).rejects.toThrow();
    expect((await bench.bash("stat -c %i /var/lib/redis/n8n/appendonlydir")).trim()).toBe(
      is === "new" ? scratch : live,
    );
    const result = await bench.restore(backup);
    expect(result.fault).toBeUndefined();
    expect(bench.said.join("\n")).toContain("an earlier restore was cut off");
    expect(await bench.bash("service GET n8n:which")).toBe("new\n");
    expect(await bench.bash("ls /var/lib/estate-restore | grep -c swapping || true")).toBe("0\n");
  });

  it("takes itself back where the instance does not start with it", async () => {
    await bench.bash("service SET n8n:which old; sleep 2");
    await bench.bash(
      "runuser -u redis -- mkdir -p -m 0700 /var/lib/redis/n8n__restoring/appendonlydir; " +
        "echo none | runuser -u redis -- tee /var/lib/redis/n8n__restoring/appendonlydir/appendonly.aof.manifest",
    );
    await expect(step("swap")).rejects.toThrow(/does not start with the restored queue/);
    expect(await bench.bash("service GET n8n:which")).toBe("old\n");
    expect(await beside()).toEqual(["n8n"]);
  });

  it("brings back what is left of hashes whose fields have ended since", async () => {
    await bench.bash(
      "service SET n8n:own 1; service HSET n8n:gone f 1; service HEXPIRE n8n:gone 8 FIELDS 1 f; " +
        "service HSET n8n:part f 1 g 2; service HEXPIRE n8n:part 8 FIELDS 1 f; sleep 2",
    );
    const backup = await bench.backUp();
    expect(backup.rows).toEqual({ keys: 3 });
    await bench.bash("sleep 8");
    const result = await bench.restore(backup);
    expect(result.fault).toBeUndefined();
    expect(await bench.bash("service EXISTS n8n:gone; service HKEYS n8n:part")).toBe("0\ng\n");
  });

  it.each([
    ["as it is", ""],
    ["after a restore was killed before the files changed places", "exchange() { kill -9 $$; }\nswap"],
  ])("brings back an instance that does not start with what it holds, %s", async (_, before) => {
    await bench.bash("service SET n8n:which new; sleep 2");
    const backup = await bench.backUp();
    await bench.bash(
      "cp -a /var/lib/redis/n8n/appendonlydir /root/whole; systemctl stop redis-server@n8n; " +
        "echo none >/var/lib/redis/n8n/appendonlydir/appendonly.aof.manifest; rm -f /var/lib/redis/n8n/dump.rdb; " +
        "systemctl start redis-server@n8n || true; sleep 3",
    );
    if (before) {
      await bench.bash(
        "runuser -u redis -- mkdir -m 0700 /var/lib/redis/n8n__restoring; cp -a /root/whole /var/lib/redis/n8n__restoring/appendonlydir",
      );
      await expect(step(before)).rejects.toThrow();
    }
    await bench.bash("rm -r /root/whole");
    const result = await bench.restore(backup);
    expect(result.fault).toBeUndefined();
    expect(await bench.bash("service GET n8n:which")).toBe("new\n");
  });

  it("that is killed while it takes itself back leaves the old files, whatever starts afterwards", async () => {
    await bench.bash("service SET n8n:which old; sleep 2");
    await bench.bash(
      "runuser -u redis -- mkdir -p -m 0700 /var/lib/redis/n8n__restoring/appendonlydir; " +
        "echo none | runuser -u redis -- tee /var/lib/redis/n8n__restoring/appendonlydir/appendonly.aof.manifest",
    );
    // The second change of places is the way back.
    const killed = `eval "real_$(declare -f exchange)"; exchange() { real_exchange "$@"; [ -z "\${back:-}" ] || kill -9 $$; back=yes; }`;
    await expect(step(`${killed}\nswap`)).rejects.toThrow();
    await bench.bash("mv /etc/redis/redis-n8n.conf /etc/redis/away");
    await step("outcome").catch(() => undefined);
    await bench.bash(
      "mv /etc/redis/away /etc/redis/redis-n8n.conf; systemctl reset-failed redis-server@n8n; systemctl restart redis-server@n8n",
    );
    expect(await bench.bash("service GET n8n:which")).toBe("old\n");
    expect(await beside()).toEqual(["n8n"]);
  });

  it("without new files stops nothing", async () => {
    await bench.bash("service SET n8n:which old; sleep 2");
    await expect(step("swap")).rejects.toThrow();
    expect(
      await bench.bash("service GET n8n:which; ls /var/lib/estate-restore | grep -c swapping || true"),
    ).toBe("old\n0\n");
  });

  it("starts the instance again where the files could not change places", async () => {
    await bench.bash(
      "service SET n8n:which old; runuser -u redis -- mkdir -p /var/lib/redis/n8n__restoring/appendonlydir; sleep 2",
    );
    await expect(step("exchange() { return 1; }\nswap")).rejects.toThrow();
    expect(await bench.bash("service GET n8n:which")).toBe("old\n");
  });

  it("waits for the load of one whose operator is gone", async () => {
    const gone = step("within_limits() { touch /root/loads; sleep 4; rm /root/loads; return 1; }\nload");
    await bench.bash("until [ -e /root/loads ]; do sleep 0.1; done");
    const next = step(
      "drop_scratch() { [ ! -e /root/loads ] || touch /root/both; }\nwithin_limits() { return 1; }\nload",
    );
    await Promise.allSettled([gone, next]);
    expect(await bench.bash("ls /root | grep -c both || true; rm -f /root/both")).toBe("0\n");
  });

  it.each([
    ["fewer came than can have ended since", "1", 1],
    ["more came", "4", 1],
    ["as many came as have not ended", "2", 0],
  ])("counts what was loaded: %s", async (_, lasting, faults) => {
    const counted = await step(
      `work=$(mktemp -d); echo '{"keys": 3, "fading": 1}' >"$work/loaded.json"
asked_of() { [ "$2" != EVAL ] || printf '%s\\n0\\n' ${lasting}; }
proof_counts svc_n8n /nowhere`,
    );
    expect(JSON.parse(counted)).toMatchObject({ rows: { keys: 3 } });
    expect(JSON.parse(counted).faults).toHaveLength(faults);
  });
});
