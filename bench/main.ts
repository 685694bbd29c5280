import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Table from "cli-table3";
import { databases as catalogue } from "../estate/catalogue";
import { type EngineTimes, timeEngine } from "./engine";
import { type BenchServers, startServers } from "./servers";
import { sqlFloor } from "./sql-floor";

/** Budgets of docs/architecture.md, as ratios to the engine's own time in the same run. */
const BUDGET = { up: 1.5, preview: 1.3 } as const;

interface Measured {
  databases: number;
  estate: EngineTimes;
  /** The same number of resources that do nothing. */
  floor: EngineTimes;
  /** Seconds of plain SQL for the same objects. */
  sql: number;
}

async function measure(count: number): Promise<Measured> {
  const directory = await mkdtemp(join(tmpdir(), "estate-bench-"));
  const servers = await startServers();
  try {
    const estate = await timeEstate(directory, servers, count);
    // The stack resource is not one of the program's own.
    const floor = await timeEngine(join(__dirname, "floor"), {
      FLOOR_RESOURCES: String(estate.resources - 1),
    });
    return { databases: count, estate, floor, sql: await sqlFloor(servers, split(count)) };
  } finally {
    await servers.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function timeEstate(
  directory: string,
  { mariadb, postgres }: BenchServers,
  count: number,
): Promise<EngineTimes> {
  const settings = join(directory, "bench.json");
  const certificate = join(directory, "postgres.pem");
  await writeFile(settings, JSON.stringify({ count, servers: { mariadb, postgres } }), { mode: 0o600 });
  await writeFile(certificate, postgres.caCertificate);
  return timeEngine(join(__dirname, "estate"), { ESTATE_BENCH: settings, ESTATE_BENCH_CA: certificate });
}

/** The catalogue's proportions. */
function split(count: number): { mariadb: number; postgres: number } {
  const engines = Array.from({ length: count }, (_, index) => catalogue[index % catalogue.length]?.engine);
  const postgres = engines.filter((engine) => engine === "postgres").length;
  return { mariadb: count - postgres, postgres };
}

function render(rows: readonly Measured[]): string {
  const table = new Table({
    head: ["what", "databases", "resources", "seconds", "engine's own", "ratio", "budget", "plain SQL"],
    style: { head: [], border: [] },
  });
  for (const { databases, estate, floor, sql } of rows) {
    for (const what of ["up", "preview"] as const) {
      table.push([
        what === "up" ? "first up" : "preview, no change",
        databases,
        estate.resources,
        estate[what].toFixed(1),
        floor[what].toFixed(1),
        (estate[what] / floor[what]).toFixed(2),
        `<= ${BUDGET[what]}`,
        what === "up" ? `${sql.toFixed(1)} s` : "",
      ]);
    }
  }
  return table.toString();
}

async function main(): Promise<void> {
  // The servers are on this machine: a shell with the lab's tunnel open must not lead there.
  delete process.env.ALL_PROXY;
  const rows: Measured[] = [];
  for (const count of [20, 100]) {
    console.error(`measuring ${count} databases ...`);
    rows.push(await measure(count));
  }
  console.log(process.argv.includes("--json") ? JSON.stringify(rows, undefined, 2) : render(rows));
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
