import { type Drill, judge, stage } from "../context";
import { beatQuery } from "../fill/beats";
import { canaryExpected, canaryQuery } from "../fill/canary";
import { rowsOf } from "../hosts";
import { type Answer, lastLines } from "../operator";
import { dataFaults } from "../prove/data";
import { pageFaults } from "../prove/pages";
import { structureFaults, takeRoles, takeStructure } from "../prove/structure";
import { live, onEach, takeSnapshot } from "../servers";
import { rowsIn, snapshotFaults } from "../snapshot/compare";
import { BEATS, type Memory } from "./prepare";

/** What came back against what is remembered: by looking at data, and not at what a command said of itself. */
export async function proveData(drill: Drill, memory: Memory): Promise<void> {
  await stage(drill, { name: "prove data", area: "data" }, async () => {
    const { servers } = drill;
    const beats = rowsOf(await onEach(servers, live, (entry) => beatQuery(entry)));
    judge(
      drill,
      "data",
      "each database is as its dump: the row before is there, those after are not",
      beatFaults(beats),
      "one beat of three in each",
    );
    // Beats after the dump would be rows too many: they were just looked for.
    const now = await takeSnapshot(servers, live);
    judge(
      drill,
      "data",
      "every table has its rows, by count and by a sum of all of them",
      snapshotFaults(now, memory.filled),
      `${rowsIn(now)} rows in ${now.size} tables`,
    );
    judge(
      drill,
      "data",
      "the canary is what it was, byte by byte",
      await canaryFaults(drill),
      "256 values of a byte, characters of 1 to 4 bytes",
    );
    judge(
      drill,
      "data",
      "sequences are ahead of their rows, foreign keys and indexes are valid",
      await dataFaults(servers, live),
      `in ${live.length} databases`,
    );
    const structure = structureFaults(await takeStructure(live), memory.structure);
    judge(
      drill,
      "data",
      "tables, views, triggers, routines, policies and grants are those of before",
      structure,
      "the servers' own dumps without rows are the same",
    );
    judge(
      drill,
      "data",
      "amcheck and CHECK TABLE find every page sound",
      await pageFaults(live),
      "every table and index read",
    );
    const schemas = await drill.operator.type("verifySchemas");
    judge(drill, "data", "schemas are what the migrations make", refused(schemas), lastLines(schemas, 1));
  });
}

export async function proveSecurity(drill: Drill, memory: Memory): Promise<void> {
  await stage(drill, { name: "prove security", area: "security" }, async () => {
    const { operator } = drill;
    const roles =
      (await takeRoles()) === memory.roles ? [] : ["roles, their attributes or memberships are others"];
    judge(
      drill,
      "security",
      "roles and their memberships are those of before",
      roles,
      "without passwords, whose salts are new",
    );
    judge(
      drill,
      "security",
      "row security is forced, with its policies",
      forcedFaults(memory),
      "on every table that had it",
    );
    for (const [name, what] of [
      ["privileges", "each service can do what it must and nothing else, by trying"],
      ["lint", "the rules of row-level security hold"],
      ["secrets", "every secret that applications read is published"],
      ["noChanges", "a preview under the policies has nothing to change"],
    ] as const) {
      const answer = await operator.type(name);
      judge(drill, "security", what, refused(answer), lastLines(answer, 1));
    }
  });
}

const refused = (answer: Answer) =>
  answer.code === 0 ? [] : [`exit code ${answer.code}\n${lastLines(answer, 20)}`];

function beatFaults(beats: readonly string[][]): string[] {
  return live.flatMap(({ name }) => {
    const numbers = beats.filter(([database]) => database === name).map(([, n]) => Number(n));
    if (numbers.length === 1 && numbers[0] === BEATS.dumped) return [];
    return [`${name} has the beats ${numbers.join(", ") || "none"}; its dump has ${BEATS.dumped} alone`];
  });
}

async function canaryFaults({ servers }: Drill): Promise<string[]> {
  const faults = await Promise.all(
    live.map(async (entry) => {
      const query = canaryQuery(entry);
      if (!query) return [];
      const text = entry.engine === "postgres" ? `\\connect ${entry.name}\n${query};` : query;
      const is = (await servers(entry.server)(text)).trim();
      return is === canaryExpected(entry) ? [] : [`${entry.name}: ${is.slice(0, 80)}...`];
    }),
  );
  return faults.flat();
}

/** The structure that was compared must have had something to compare. */
function forcedFaults({ structure }: Memory): string[] {
  return ["mcp_portal", "mcp_admin", "ncy8"].flatMap((database) => {
    const text = structure.get(database) ?? "";
    const count = (what: RegExp) => text.match(what)?.length ?? 0;
    const [forced, policies] = [count(/FORCE ROW LEVEL SECURITY/g), count(/^CREATE POLICY/gm)];
    return forced > 5 && policies > 10
      ? []
      : [`${database} had ${forced} tables with forced row security and ${policies} policies`];
  });
}
