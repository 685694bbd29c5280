import { type Drill, judge } from "../context";
import { lastLines } from "../operator";
import { entryOf } from "../stages/point-in-time";
import { mustRefuse } from "./refused";

const DATABASE = "mo_grafana";

/** A role that is missing on the server: the check tells, and a restore stops before the live database is touched. */
export async function missingRole(drill: Drill): Promise<void> {
  const { service, server } = entryOf(DATABASE);
  const sql = drill.servers(server);
  await sql(`ALTER ROLE ${service} RENAME TO ${service}_gone;`);
  try {
    const check = await drill.operator.ask(`npx estate check --only ${DATABASE}`);
    judge(
      drill,
      "refusals",
      "a missing role is seen by the check",
      mustRefuse(check, 1, /FAILED/),
      lastLines(check, 2),
    );
    const asked = await drill.operator.ask(`npx estate restore ${DATABASE} --no-safety-backup`);
    const untouched = mustRefuse(asked, 1, /live database is as it was/);
    const named = mustRefuse(
      asked,
      1,
      new RegExp(`the role ${service}, which is to own the data, is not there`),
    );
    judge(
      drill,
      "refusals",
      "a missing role stops a restore, and the live database stays",
      [...untouched, ...named],
      lastLines(asked, 3),
    );
  } finally {
    await sql(`ALTER ROLE ${service}_gone RENAME TO ${service};`);
  }
}
