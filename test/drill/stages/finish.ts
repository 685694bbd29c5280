import { type Drill, judge, stage } from "../context";
import { clean } from "../fill/clean";
import { agentCredentials } from "../negative/agent";
import type { LabBucket } from "../negative/bucket";
import { damagedDumps } from "../negative/dumps";
import { deletedLog } from "../negative/log";
import { missingRole } from "../negative/role";
import { type Answer, lastLines } from "../operator";
import { live } from "../servers";
import { archive } from "./archive";
import { COPY, dropCopy, entryOf } from "./point-in-time";
import type { BackedUp, Memory } from "./prepare";

/** What must go red does, without a host destroyed. */
export async function refusals(drill: Drill, bucket: LabBucket, backedUp: BackedUp): Promise<void> {
  await stage(drill, { name: "what must be refused is", area: "refusals" }, async () => {
    await damagedDumps(drill, bucket);
    await deletedLog(drill, bucket, backedUp);
    await agentCredentials(drill, bucket);
    await missingRole(drill);
  });
}

const ONE = "mo_support";

/** Commands of the runbooks that a lost host does not need. */
export async function otherRunbooks(drill: Drill): Promise<void> {
  await stage(drill, { name: "the other commands of the runbooks", area: "runbooks" }, async () => {
    const variables = { DATABASE: ONE, DATABASES: live.map(({ name }) => name).join(" "), COPY };
    const { operator } = drill;
    const said = async (what: string, answer: Answer) =>
      judge(drill, "runbooks", what, answer.code === 0 ? [] : [lastLines(answer, 12)], lastLines(answer, 1));
    await said("open the way in", await operator.type("tunnel"));
    await said("list one database's backups", await operator.type("backupList", variables));
    await said("read one backup to its end", await operator.type("backupVerify", variables));
    await said("restore beside the live one", await operator.type("restoreLook", variables));
    await dropCopy(drill, ONE);
    await said("restore one database", await operator.type("restoreOne", variables));
    const own = await operator.type("databasesOf", { HOST: entryOf(ONE).server });
    judge(
      drill,
      "runbooks",
      "name a host's databases",
      own.stdout.includes(`${ONE}\n`) ? [] : [lastLines(own)],
      own.stdout.trim().replace(/\n/g, ", "),
    );
    await said("restore a host's databases", await operator.type("restoreHost", { DATABASES: ONE }));
    await said("drop what restores have replaced", await operator.type("dropReplaced", variables));
    const there = (await drill.servers(entryOf(ONE).server)("SHOW DATABASES LIKE '%replaced%';")).trim();
    judge(
      drill,
      "runbooks",
      "nothing of them stays",
      there === "" ? [] : [there],
      "no database that restores have left",
    );
    await archive(drill);
    await leakedPassword(drill);
    const left = operator.left();
    judge(
      drill,
      "runbooks",
      "every command of the runbooks was run",
      left.map((name) => `${name} was not`),
      "each of test/drill/commands.ts",
    );
  });
}

/** Up to the preview: the leak is declared in the operator's own checkout, which is thrown away. */
async function leakedPassword(drill: Drill): Promise<void> {
  const { operator } = drill;
  const now = await operator.type("rotateNow", { DATABASE: ONE, REASON: "password in a ticket" });
  const preview = await operator.type("preview");
  const planned = preview.code === 0 && new RegExp(`${ONE}-password.*\\bcreate`).test(preview.stdout);
  const faults = [...(now.code === 0 ? [] : [lastLines(now)]), ...(planned ? [] : [lastLines(preview, 20)])];
  judge(drill, "runbooks", "a leaked password is planned to be replaced", faults, "shown by the preview");
  const status = await operator.type("rotateStatus");
  judge(
    drill,
    "runbooks",
    "where rotations stand",
    status.code === 0 ? [] : [lastLines(status)],
    lastLines(status, 1),
  );
}

/** The estate as it was before the drill. */
export async function cleanUp(
  drill: Drill,
  { before, kept }: Pick<Memory, "before" | "kept">,
): Promise<void> {
  await stage(drill, { name: "take the drill's rows away again", area: "afterwards" }, async () => {
    const faults = await clean(drill.servers, live, before, kept);
    judge(drill, "afterwards", "every table is as it was before the drill", faults, `${before.size} tables`);
  });
}
