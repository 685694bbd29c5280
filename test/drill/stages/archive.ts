import { type Drill, judge } from "../context";
import { onHost } from "../hosts";
import { lastLines } from "../operator";
import { COPY, dropCopy, entryOf } from "./point-in-time";
import { AGENT } from "./prepare";

const DATABASE = "mo_consent";

/**
 * A month's archive is written when the month is over. The drill does not wait for that: on the host the newest copy becomes one of the
 * last month, and the agent's next run archives it. What an earlier drill has archived is taken as it is: a second one for the same
 * month would be an attack.
 */
export async function archive(drill: Drill): Promise<void> {
  const { operator } = drill;
  const variables = { DATABASE, COPY };
  const before = await operator.type("archiveList", variables, { json: true });
  if (!before.stdout.includes(`"${lastMonth()}"`)) {
    await onHost(entryOf(DATABASE).server, [
      "bash",
      "-euo",
      "pipefail",
      "-c",
      AGE_COPY,
      "bash",
      DATABASE,
      lastMonth(),
    ]);
    await onHost(entryOf(DATABASE).server, [AGENT, "run"]);
  }
  const list = await operator.type("archiveList", variables);
  const listed = list.code === 0 && list.stdout.includes(lastMonth()) ? [] : [lastLines(list)];
  judge(
    drill,
    "runbooks",
    `the archive has ${DATABASE} of the month that is over`,
    listed,
    lastLines(list, 1),
  );
  for (const name of ["archiveVerify", "archiveRestore"] as const) {
    const answer = await operator.type(name, variables);
    const faults = answer.code === 0 ? [] : [lastLines(answer, 12)];
    judge(drill, "runbooks", `${name} of ${DATABASE}`, faults, lastLines(answer, 1));
  }
  await dropCopy(drill, DATABASE);
}

/** `2026-10` */
function lastMonth(): string {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 0)).toISOString().slice(0, 7);
}

/** DATABASE MONTH: its newest copy here, with what its manifest said, under the name of a run on the 28th of that month. */
const AGE_COPY = `
cd "/var/backups/estate/$1"
newest=$(find . -name '*.json' | sort | tail -n 1)
newest=\${newest%.json}
aged="\${2/-/}28T020000Z-\${newest: -8}"
for copy in "$newest".*; do cp -p "$copy" "$aged.\${copy#"$newest".}"; done
rm -f "/var/lib/estate-backup/archived/$1-\${2/-/}"
`;
