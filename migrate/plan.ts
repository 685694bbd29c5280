import { createHash } from "node:crypto";
import type { Script } from "../estate/migrations/types";
import type { AppliedMigration, DeclaredMigration } from "./types";

/** How a database stands to what is declared for it. Pure. */
export interface MigrationPlan {
  /** Finished ones, as they were applied. */
  applied: AppliedMigration[];
  /** To be applied, in this order; `step` statements of it are done already. */
  pending: { declared: DeclaredMigration; step: number }[];
  /** Why nothing may be applied: each names the migration and the fix. */
  faults: string[];
}

export function planMigrations(
  declared: readonly DeclaredMigration[],
  history: readonly AppliedMigration[],
): MigrationPlan {
  const byVersion = new Map(declared.map((each) => [each.version, each]));
  const plan: MigrationPlan = { applied: [], pending: [], faults: [] };
  const known = new Set<number>();
  for (const [index, row] of history.entries()) {
    known.add(row.version);
    const fault = faultOf(row, byVersion.get(row.version), index);
    if (fault) plan.faults.push(fault);
    else if (row.step === row.steps) plan.applied.push(row);
  }
  for (const each of declared) {
    const row = history.find(({ version }) => version === each.version);
    if (!row) plan.pending.push({ declared: each, step: 0 });
    else if (row.step < row.steps) plan.pending.push({ declared: each, step: row.step });
  }
  return plan;
}

function faultOf(
  row: AppliedMigration,
  declared: DeclaredMigration | undefined,
  index: number,
): string | undefined {
  if (row.version !== index + 1) {
    return `${row.id} is in the history and version ${index + 1} is not: somebody changed the history; put the row back`;
  }
  if (!declared) {
    return (
      `${row.id} is applied and has no file: restore the file (or update this checkout, where the database is ahead of ` +
      `it), or take the step back with: estate migrate down DATABASE --to ${row.version - 1}`
    );
  }
  if (row.name !== declared.name) {
    return `version ${row.version} is applied as ${row.id} and its file is called ${declared.id}: name it as it was`;
  }
  if (row.rollbackStep !== null) {
    return `${row.id} is half taken back (${row.rollbackStep} statements): finish with: estate migrate down DATABASE --to ${row.version - 1}`;
  }
  if (row.step < row.steps) {
    const same = !declared.migration || partChecksum(declared.migration.up, row.step) === row.checksum;
    return same
      ? undefined
      : `${row.id} stopped after ${row.step} of ${row.steps} statements, and those ${row.step} differ in the file now: restore them; only what was not done may be corrected`;
  }
  if (row.checksum !== declared.checksum) {
    return `${row.id} was changed after it was applied (checksum ${declared.checksum.slice(0, 12)}, applied ${row.checksum.slice(0, 12)}): restore the file and write the change as the next migration`;
  }
  return undefined;
}

/** What the history keeps of a migration of which `step` statements are done: of all of them, the file's own checksum. */
export function checksumAt(script: Script, step: number): string {
  return step === script.statements.length ? script.checksum : partChecksum(script, step);
}

/** By script, of its first 0, 1, 2, ... statements. */
const PART_CHECKSUMS = new WeakMap<Script, string[]>();

/** SHA-256 of the first `step` statements as a JSON list. All are made in one pass: each statement that is done asks for one. */
function partChecksum(script: Script, step: number): string {
  let checksums = PART_CHECKSUMS.get(script);
  if (!checksums) {
    const hash = createHash("sha256").update("[");
    const closed = () => hash.copy().update("]").digest("hex");
    checksums = [closed()];
    for (const [index, { text }] of script.statements.entries()) {
      hash.update(`${index > 0 ? "," : ""}${JSON.stringify(text)}`);
      checksums.push(closed());
    }
    PART_CHECKSUMS.set(script, checksums);
  }
  return checksums[step] ?? "";
}

/** What has to be taken back to end at `version`, newest first. */
export function planDown(history: readonly AppliedMigration[], version: number): AppliedMigration[] {
  return history.filter((row) => row.version > version).sort((a, b) => b.version - a.version);
}
