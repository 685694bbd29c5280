import type { Rotation } from "../keys/rotate";
import type { DatabaseKeys, KeyStatus } from "../keys/status";
import { renderJson } from "./json";
import { type Column, renderTable } from "./table";

interface Row extends KeyStatus {
  database: string;
}

const day = (time: Date | undefined) => time?.toISOString().slice(0, 10) ?? "-";

const columns: Column<Row>[] = [
  { head: "database", cell: ({ database }) => database },
  { head: "version", cell: ({ version }) => String(version), align: "right" },
  { head: "state", cell: ({ state }) => state },
  { head: "settings", cell: ({ settings }) => String(settings), align: "right" },
  { head: "created", cell: ({ createdAt }) => day(createdAt) },
  { head: "destroyed", cell: ({ retiredAt }) => day(retiredAt) },
];

/** The table of versions, then what somebody has to do. */
export function renderKeys(databases: readonly DatabaseKeys[]): string {
  const rows = databases.flatMap(({ database, versions }) => versions.map((each) => ({ database, ...each })));
  const advice = databases.flatMap(({ database, advice }) => advice.map((text) => `${database}: ${text}\n`));
  return [...(rows.length > 0 ? [renderTable(columns, rows)] : []), ...advice].join(
    advice.length ? "\n" : "",
  );
}

export function renderKeysJson(stack: string, databases: readonly DatabaseKeys[]): string {
  return renderJson({ stack, ok: databases.every(({ advice }) => advice.length === 0), databases });
}

export interface RotatedDatabase extends Rotation {
  database: string;
}

/** One line a database, and each setting that does not open. */
export function renderRotation(rotations: readonly RotatedDatabase[]): string {
  return rotations.map(rotation).join("");
}

function rotation({
  database,
  version,
  resumed,
  resealed,
  retired,
  broken,
  finished,
}: RotatedDatabase): string {
  const how = resumed ? "went on with" : "made";
  const gone = retired.length > 0 ? `, version ${retired.join(", ")} destroyed` : "";
  const line = `${database}: ${how} version ${version}, ${resealed} settings sealed anew${gone}\n`;
  const left = broken.map((id) => `${database}: setting ${id} does not open and keeps its version\n`);
  const again = finished ? "" : `${database}: stopped; run it again to go on\n`;
  return [line, ...left, again].join("");
}

export function renderRotationJson(stack: string, rotations: readonly RotatedDatabase[]): string {
  return renderJson({ stack, ok: rotations.every(complete), databases: rotations });
}

/** Nothing is left under an old version. */
export function complete({ finished, broken }: Rotation): boolean {
  return finished && broken.length === 0;
}
