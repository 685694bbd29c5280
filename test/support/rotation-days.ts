import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RotationOutput } from "../../estate/outputs";
import type { Day } from "../../estate/rotation";
import { pulumi } from "./project";

const SCHEDULE = "estate:rotation:Schedule";
const RETIREMENT = "estate:rotation:Retirement";
const stack = ["--stack", "local"];

/** Where each password of the local stack stands, as `up` has put it out. */
export async function rotations(): Promise<Record<string, RotationOutput>> {
  const { code, stdout, output } = await pulumi(["stack", "output", "rotations", ...stack, "--json"]);
  if (code !== 0) throw new Error(output);
  return JSON.parse(stdout) as Record<string, RotationOutput>;
}

interface RecordedResource {
  type: string;
  outputs?: Record<string, unknown>;
}

/**
 * After a test whose clock ran ahead: writes into the state that whatever happened after `today` happened on that day.
 * Generations and everything else stay. true: there was something to put back.
 */
export async function putDaysBack(today: Day): Promise<boolean> {
  const exported = await pulumi(["stack", "export", ...stack]);
  if (exported.code !== 0) throw new Error(exported.output);
  const state = JSON.parse(exported.stdout) as { deployment: { resources: RecordedResource[] } };
  const days = state.deployment.resources.flatMap(({ type, outputs }) => {
    if (type === SCHEDULE) return recordsOf(outputs?.rotated).map((record) => ({ record, day: "since" }));
    if (type === RETIREMENT)
      return recordsOf(outputs?.records).map((record) => ({ record, day: "published" }));
    return [];
  });
  const ahead = days.filter(({ record, day }) => String(record[day]) > today);
  if (ahead.length === 0) return false;
  for (const { record, day } of ahead) record[day] = today;
  const directory = await mkdtemp(join(tmpdir(), "estate-state-"));
  try {
    const file = join(directory, "state.json");
    await writeFile(file, JSON.stringify(state), { mode: 0o600 });
    const imported = await pulumi(["stack", "import", ...stack, "--file", file]);
    if (imported.code !== 0) throw new Error(imported.output);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return true;
}

function recordsOf(records: unknown): Record<string, unknown>[] {
  return Object.values((records ?? {}) as Record<string, Record<string, unknown>>);
}
