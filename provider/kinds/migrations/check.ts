import { type Fact, factsOf } from "../../../estate/migrations/facts";
import { checksumOf, parseId } from "../../../estate/migrations/script";
import type { Engine } from "../../../estate/types";
import { type CheckContext, type CheckFailure, type Properties, UNKNOWN, type Value } from "../../wire/kind";

/** One file pair. The text is there while it has to be applied; later its checksums tell it, and its facts what it did. */
export interface MigrationText {
  /** SHA-256 of `up`. */
  checksum: string;
  /** SHA-256 of `down`. */
  rollback: string;
  /** What `up` does, for policies; left out where the engine is not known. */
  facts?: Fact[];
  /** What `down` does. */
  rollbackFacts?: Fact[];
  up?: string;
  down?: string;
}

export interface MigrationInputs {
  database: string;
  /** PostgreSQL: the NOLOGIN role that owns the tables. */
  owner?: string;
  /** By id, `0001_users`. */
  migrations: Record<string, MigrationText>;
}

const FIELDS = ["database", "owner", "migrations"];
const KNOWN_FILE = ["up", "down", "checksum", "rollback", "facts", "rollbackFacts"];

/**
 * All faults at once. Texts that the state knows as applied on this machine are left out; the facts about them, computed here
 * and from the text alone, stay. `loadModule()` of libpg-query comes before.
 */
export function checkMigrationInputs(
  news: Properties,
  old: Properties | undefined,
  { elsewhere = false, provider }: Partial<CheckContext> = {},
): { inputs: Properties; failures: CheckFailure[] } {
  const failures: CheckFailure[] = Object.keys(news)
    .filter((field) => !FIELDS.includes(field))
    .map((property) => ({ property, reason: `no such property; known here: ${FIELDS.join(", ")}` }));
  for (const field of ["database", "owner"]) {
    const value = news[field];
    if (value === UNKNOWN || (field === "owner" && (value === undefined || value === null))) continue;
    if (typeof value !== "string" || value === "" || value.length > 64) {
      failures.push({ property: field, reason: "must be a name of 1 to 64 characters" });
    }
  }
  const { migrations } = news;
  if (migrations === UNKNOWN) return { inputs: news, failures };
  if (!isObject(migrations)) {
    return {
      inputs: news,
      failures: [...failures, { property: "migrations", reason: "must hold the files by their id" }],
    };
  }
  const applied = !elsewhere && isObject(old?.migrations) ? old.migrations : {};
  const engine = engineOf(provider);
  const checked: [string, Value][] = [];
  for (const [id, file] of Object.entries(migrations)) {
    const property = `migrations["${id}"]`;
    if (!parseId(id)) failures.push({ property, reason: "must be called NNNN_name, 0001_users for example" });
    const text = file === UNKNOWN ? UNKNOWN : textOf(file, applied[id], engine);
    if (text === undefined) {
      failures.push({ property, reason: "must hold the texts `up` and `down`" });
      continue;
    }
    checked.push([id, text === UNKNOWN ? UNKNOWN : withoutKnownText(text, applied[id])]);
  }
  if (failures.length > 0) return { inputs: news, failures };
  return {
    inputs: { ...news, migrations: Object.fromEntries(checked.sort(([a], [b]) => (a < b ? -1 : 1))) },
    failures,
  };
}

/** Of which server the provider is; its settings may be unknown in a preview, but not which of them are set. */
function engineOf(provider: Properties | undefined): Engine | undefined {
  const [engine, ...more] = (["mariadb", "postgres"] as const).filter(
    (name) => (provider?.[name] ?? null) !== null,
  );
  return more.length === 0 ? engine : undefined;
}

function textOf(
  file: Value | undefined,
  applied: Value | undefined,
  engine: Engine | undefined,
): Properties | undefined {
  if (!isObject(file) || Object.keys(file).some((key) => !KNOWN_FILE.includes(key))) return undefined;
  const { up, down, checksum, rollback } = file;
  if (typeof up === "string" && typeof down === "string") {
    const facts = engine && {
      facts: plain(factsOf(up, engine)),
      rollbackFacts: plain(factsOf(down, engine)),
    };
    return { checksum: checksumOf(up), rollback: checksumOf(down), ...facts, up, down };
  }
  const known =
    up === undefined && down === undefined && typeof checksum === "string" && typeof rollback === "string";
  return known ? { checksum, rollback, ...(isSame(applied, file) && factsIn(applied)) } : undefined;
}

/** What is applied needs its text no more. */
function withoutKnownText(file: Properties, applied: Value | undefined): Properties {
  if (!isSame(applied, file)) return file;
  return { checksum: file.checksum ?? null, rollback: file.rollback ?? null, ...factsIn(file) };
}

function isSame(applied: Value | undefined, file: Properties): applied is Properties {
  return isObject(applied) && applied.checksum === file.checksum && applied.rollback === file.rollback;
}

function factsIn({ facts, rollbackFacts }: Properties): Properties {
  return { ...(facts !== undefined && { facts }), ...(rollbackFacts !== undefined && { rollbackFacts }) };
}

function plain(facts: Fact[]): Properties[] {
  return facts.map((fact) => ({ ...fact }));
}

function isObject(value: Value | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
