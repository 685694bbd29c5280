import { traitsOf } from "../../../estate/servers";
import { type Drill, judge, mustJudge, stage } from "../context";
import { wipe } from "../fill/clean";
import { onHost } from "../hosts";
import { lastLines } from "../operator";
import { run } from "../process";
import { live, onEach } from "../servers";
import type { Snapshot } from "../snapshot/types";

const LOST = ["mariadb", "postgres", "redis"] as const;

/** Blank machines where three servers were, and empty tables on the web host. Gives when it happened. */
export async function destroy(drill: Drill, filled: Snapshot): Promise<Date> {
  return stage(
    drill,
    { name: `destroy ${LOST.join(", ")}; empty the web host's tables`, area: "rebuilt hosts" },
    async () => {
      const disaster = new Date();
      const onWebHost = live.filter(({ server }) => traitsOf(server).management === "panel");
      await onEach(drill.servers, onWebHost, (entry) => wipe(entry, filled));
      for (const host of LOST) {
        const { code, stderr } = await run("lab/lab", ["reset", host]);
        if (code !== 0) throw new Error(`lab/lab reset ${host}: ${stderr}`);
      }
      return disaster;
    },
  );
}

export async function rebuild(drill: Drill): Promise<void> {
  await stage(
    drill,
    { name: "blank hosts to servers: pulumi up under the policies", area: "rebuilt hosts", recovery: true },
    async () => {
      const up = await drill.operator.type("up");
      const faults = up.code === 0 ? [] : [lastLines(up, 20)];
      mustJudge(
        drill,
        "rebuilt hosts",
        "one plain `pulumi up` makes them servers again",
        faults,
        `in ${up.seconds.toFixed(0)} s`,
      );
    },
  );
}

/** By database: when it was back, and how long its own restore took. */
export type Restored = ReadonlyMap<string, { at: Date; seconds: number; run: string }>;

/**
 * From the bucket alone. Before it the schedule of the new hosts does what it would do in the night: it saves what is there, and
 * that is nothing. Whoever asks for the newest backup then must not get that.
 */
export async function restore(drill: Drill): Promise<Restored> {
  await stage(
    drill,
    { name: "the new hosts' schedule backs up empty databases", area: "rebuilt hosts" },
    async () => {
      await Promise.all(
        (["mariadb", "postgres"] as const).map((host) =>
          onHost(host, ["systemctl", "start", "estate-backup.service"]),
        ),
      );
      const { code, stderr } = await drill.operator.type("restoreAll");
      const faults = [
        ...(code === 1 ? [] : [`it ended with ${code}`]),
        ...(/made anew/.test(stderr) ? [] : [`it said: ${lastLines({ code, stdout: "", stderr })}`]),
      ];
      mustJudge(
        drill,
        "restore",
        "backups of hosts that are empty yet are not restored unasked",
        faults,
        "refused, and the right ones named",
      );
    },
  );
  return stage(
    drill,
    { name: "restore all databases from the bucket", area: "restore", recovery: true },
    async () => {
      const at = new Map<string, Date>();
      const answer = await drill.operator.type(
        "restoreAllFormer",
        {},
        {
          onStderr: (line) => {
            const [, database] = /^(\w+): restored;/.exec(line) ?? [];
            if (database) at.set(database, new Date());
          },
          json: true,
        },
      );
      mustJudge(
        drill,
        "restore",
        "every database is restored",
        answer.code === 0 ? [] : [lastLines(answer, 20)],
        `${live.length} in ${answer.seconds.toFixed(0)} s, three at a time`,
      );
      const { results } = JSON.parse(answer.stdout) as { results: RestoreLine[] };
      return new Map(
        results.map(({ database, durationMs, run }) => [
          database,
          { at: at.get(database) ?? new Date(), seconds: durationMs / 1000, run },
        ]),
      );
    },
  );
}

interface RestoreLine {
  database: string;
  run: string;
  durationMs: number;
}

/** Services log in, and see what they may. */
export async function serve(drill: Drill): Promise<void> {
  await stage(drill, { name: "services log in again", area: "security", recovery: true }, async () => {
    const check = await drill.operator.type("check");
    judge(
      drill,
      "security",
      "every service's current password logs in",
      check.code === 0 ? [] : [lastLines(check, 20)],
      lastLines(check, 2),
    );
    // As the runbook says: from here on the newest backup is a full one again.
    const saved = await drill.operator.type("backupNow");
    judge(
      drill,
      "restore",
      "what was restored is backed up at once",
      saved.code === 0 ? [] : [lastLines(saved)],
      `in ${saved.seconds.toFixed(1)} s`,
    );
  });
}
