import type { DatabaseEntry, RedisUserEntry } from "../../estate/types";
import { couldNotTell } from "../exit";

interface Declared {
  databases: readonly DatabaseEntry[];
  redisUsers: readonly RedisUserEntry[];
}

/** What an option such as `--only` leaves; undefined: everything. Throws on names that are not declared, all at once. */
export function narrow(
  { databases, redisUsers }: Declared,
  only: readonly string[] | undefined,
  option = "--only",
): Declared {
  if (!only) return { databases, redisUsers };
  const live = databases.filter((entry) => entry.state === "live");
  const liveUsers = redisUsers.filter((entry) => entry.state === "live");
  requireKnown(only, [...live, ...liveUsers], `${option} names what is not declared here`);
  const wanted = ({ name }: { name: string }) => only.includes(name);
  return { databases: live.filter(wanted), redisUsers: liveUsers.filter(wanted) };
}

/** Throws "could not tell" on names that are not known, all at once. */
export function requireKnown(
  names: readonly string[],
  entries: readonly { name: string }[],
  fault = "no such database",
): void {
  const known = entries.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const faults = unknown.map((name) => `${name} (did you mean ${nearest(name, known)}?)`);
  throw couldNotTell(`${fault}: ${faults.join(", ")}. See: estate list`);
}

/** The name with the fewest edits. */
export function nearest(name: string, names: readonly string[]): string {
  const scored = names.map((candidate) => ({ candidate, edits: editDistance(name, candidate) }));
  return scored.sort((a, b) => a.edits - b.edits)[0]?.candidate ?? "none";
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitute = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitute, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
