import type { DatabaseEntry, RedisUserEntry } from "../../estate/types";
import { type Column, renderTable } from "./table";

const databaseColumns: Column<DatabaseEntry>[] = [
  { head: "name", cell: (entry) => (entry.state === "retired" ? `${entry.name} (retired)` : entry.name) },
  { head: "server", cell: (entry) => entry.server },
  { head: "engine", cell: (entry) => entry.engine },
  { head: "service user", cell: (entry) => entry.service },
  { head: "application", cell: (entry) => entry.application },
  { head: "limit", cell: (entry) => String(entry.connectionLimit), align: "right" },
  { head: "schema owner", cell: (entry) => entry.schema.owner },
  { head: "personal data", cell: (entry) => (entry.personalData ? "yes" : "no") },
  { head: "backup", cell: (entry) => entry.backup },
  { head: "secret", cell: (entry) => entry.secret },
];

const redisColumns: Column<RedisUserEntry>[] = [
  { head: "redis user", cell: (user) => (user.state === "retired" ? `${user.name} (retired)` : user.name) },
  { head: "application", cell: (user) => user.application },
  { head: "purpose", cell: (user) => user.purpose },
  { head: "use", cell: (user) => user.use },
  { head: "port", cell: (user) => String(user.port), align: "right" },
  { head: "memory", cell: (user) => `${user.memoryShare} %`, align: "right" },
  { head: "keys", cell: (user) => `${user.keyPrefix}*` },
  { head: "secret", cell: (user) => user.secret },
];

export interface Catalogue {
  databases: readonly DatabaseEntry[];
  redisUsers: readonly RedisUserEntry[];
}

export function renderList({ databases, redisUsers }: Catalogue): string {
  const live = databases.filter((entry) => entry.state === "live").length;
  const retired = databases.length - live;
  const count = `${live} ${live === 1 ? "database" : "databases"}${retired > 0 ? `, ${retired} retired` : ""}, ${redisUsers.length} redis users`;
  const users = redisUsers.length > 0 ? `\n${renderTable(redisColumns, redisUsers)}` : "";
  return `${renderTable(databaseColumns, databases)}${users}\n${count}\n`;
}
