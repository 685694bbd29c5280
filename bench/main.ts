import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Table from "cli-table3";
import { databases as catalogue } from "../estate/catalogue";
import { requirePrograms } from "../lab/programs";
import { succeed } from "../test/support/run";
import { backupBench, renderBackups, sizesOf } from "./backup";
import type { SizeTimes } from "./backup/measure";
import { type Engine, type RecordedResource, startEngine } from "./engine";
import { measureRotation, type RotationTimes } from "./rotation";
import { renderRowSecurity, rowSecurityBench } from "./row-security";
import { type BenchServers, startServers } from "./servers";
import { sqlFloor } from "./sql-floor";

/** Budgets of docs/architecture.md: ratios to the engine's own time in the same run, and resources a database. */
const BUDGET = { up: 1.5, preview: 1.3, rotation: 2, MariadbDatabase: 8, PostgresDatabase: 12 } as const;
const PREVIEWS = 3;

/** Seconds of one program; `preview` is the median. */
interface Times {
  up: number;
  preview: number;
}

interface Measured {
  databases: number;
  /** The stack's own included. */
  resources: number;
  /** The most that one database has, its component included. */
  largest: Record<"MariadbDatabase" | "PostgresDatabase", number>;
  estate: Times;
  /** The same number of resources that do nothing. */
  floor: Times;
  /** Seconds of plain SQL for the same objects. */
  sql: number;
  rotation: RotationTimes;
}

async function measure(count: number): Promise<Measured> {
  const directory = await mkdtemp(join(tmpdir(), "estate-bench-"));
  const servers = await startServers();
  const engines: Engine[] = [];
  try {
    const estate = await startEngine(join(__dirname, "estate"), await estateEnv(directory, servers, count));
    engines.push(estate);
    const up = await estate.up();
    const resources = await estate.resources();
    // The stack resource is not one of the program's own.
    const own = String(resources.length - 1);
    const floor = await startEngine(join(__dirname, "floor"), { FLOOR_RESOURCES: own });
    engines.push(floor);
    const floorUp = await floor.up();
    const [previews, floorPreviews] = await alternately(estate, floor);
    const sql = await sqlFloor(servers, split(count));
    return {
      databases: count,
      resources: resources.length,
      largest: {
        MariadbDatabase: largest(resources, "MariadbDatabase"),
        PostgresDatabase: largest(resources, "PostgresDatabase"),
      },
      estate: { up, preview: median(previews) },
      floor: { up: floorUp, preview: median(floorPreviews) },
      sql,
      rotation: await measureRotation(estate, floor, servers, split(count)),
    };
  } finally {
    for (const engine of engines) await engine.close();
    await servers.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function estateEnv(
  directory: string,
  servers: BenchServers,
  count: number,
): Promise<NodeJS.ProcessEnv> {
  const { mariadb, postgres } = servers;
  const settings = join(directory, "bench.json");
  const certificate = join(directory, "postgres.pem");
  await writeFile(settings, JSON.stringify({ count, servers: { mariadb, postgres } }), { mode: 0o600 });
  await writeFile(certificate, postgres.caCertificate);
  return { ESTATE_BENCH: settings, ESTATE_BENCH_CA: certificate };
}

/** In turn, so that whatever else the machine does falls on both alike. */
async function alternately(one: Engine, other: Engine): Promise<[number[], number[]]> {
  const times: [number[], number[]] = [[], []];
  for (let run = 0; run < PREVIEWS; run++) {
    times[0].push(await one.preview());
    times[1].push(await other.preview());
  }
  return times;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

function largest(resources: readonly RecordedResource[], component: string): number {
  const sizes = resources
    .filter(({ type }) => type === `estate:component:${component}`)
    .map(({ urn }) => 1 + resources.filter(({ parent }) => parent === urn).length);
  return Math.max(0, ...sizes);
}

/** The catalogue's proportions. */
function split(count: number): { mariadb: number; postgres: number } {
  const engines = Array.from({ length: count }, (_, index) => catalogue[index % catalogue.length]?.engine);
  const postgres = engines.filter((engine) => engine === "postgres").length;
  return { mariadb: count - postgres, postgres };
}

const PLAIN = { style: { head: [], border: [] } };

function renderTimes(rows: readonly Measured[]): string {
  const head = ["what", "databases", "resources", "seconds", "engine's own", "ratio", "budget", "plain SQL"];
  const table = new Table({ head, ...PLAIN });
  for (const { databases, resources, estate, floor, sql, rotation } of rows) {
    for (const what of ["up", "preview"] as const) {
      table.push([
        what === "up" ? "first up" : "preview, no change",
        databases,
        resources,
        estate[what].toFixed(1),
        floor[what].toFixed(1),
        (estate[what] / floor[what]).toFixed(2),
        `<= ${BUDGET[what]}`,
        what === "up" ? `${sql.toFixed(1)} s` : "",
      ]);
    }
    table.push([
      "rotation of all",
      databases,
      resources,
      rotation.estate.toFixed(1),
      rotation.floor.toFixed(1),
      (rotation.estate / rotation.floor).toFixed(2),
      `<= ${BUDGET.rotation}`,
      `${rotation.sql.toFixed(2)} s`,
    ]);
  }
  return table.toString();
}

function renderSizes(rows: readonly Measured[]): string {
  const table = new Table({ head: ["resources of one database, at most", "count", "budget"], ...PLAIN });
  for (const component of ["MariadbDatabase", "PostgresDatabase"] as const) {
    const count = Math.max(...rows.map(({ largest }) => largest[component]));
    table.push([component, count, `<= ${BUDGET[component]}`]);
  }
  return table.toString();
}

/** What was measured so far. */
interface Results {
  rowSecurity?: Awaited<ReturnType<typeof rowSecurityBench>>;
  estates: Measured[];
  backups: SizeTimes[];
}

async function main(): Promise<void> {
  // The servers are on this machine: a shell with the lab's tunnel open must not lead there.
  delete process.env.ALL_PROXY;
  const args = process.argv.slice(2);
  const sizes = sizesOf(args);
  // What is asked for by name, or all of it.
  const parts = ["--row-security", "--backup"].filter((part) => args.includes(part));
  const asked = (part: string) => parts.length === 0 || parts.includes(part);
  requirePrograms();
  if (parts.length === 0) await requirePulumi();
  const results: Results = { estates: [], backups: [] };
  try {
    if (asked("--row-security")) {
      console.error("measuring row security ...");
      results.rowSecurity = await rowSecurityBench();
    }
    for (const count of parts.length === 0 ? [20, 100] : []) {
      console.error(`measuring ${count} databases ...`);
      results.estates.push(await measure(count));
    }
    if (asked("--backup")) await backupBench(sizes, results.backups);
  } finally {
    // Minutes of measuring are not lost by what fails after them.
    console.log(args.includes("--json") ? JSON.stringify(results, undefined, 2) : render(results));
  }
}

function render({ rowSecurity, estates, backups }: Results): string {
  return [
    ...(estates.length > 0 ? [renderTimes(estates), renderSizes(estates)] : []),
    ...(rowSecurity ? [renderRowSecurity(rowSecurity)] : []),
    ...(backups.length > 0 ? [renderBackups(backups)] : []),
  ].join("\n");
}

async function requirePulumi(): Promise<void> {
  await succeed("pulumi", ["version"]).catch((error) => {
    throw new Error(`${error.message}\nRun: eval "$(make env)"`);
  });
}

main().catch((error) => {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
});
