import type { DatabaseEntry } from "../../../estate/types";

/**
 * Beats: one numbered row in each database at each moment that matters. Which of them come back says up to when a database was
 * brought back, whatever a command says of itself.
 */
export function beatInsert({ name, engine, schema }: DatabaseEntry, n: number): string {
  const body = schema.owner === "program" ? PROGRAM[name]?.insert(n) : APPLICATION.insert(n);
  if (!body) throw new Error(`${name} has no row that could be a beat`);
  return engine === "mariadb" ? `USE \`${name}\`;\n${body};\n` : `\\connect ${name}\n${body};\n`;
}

/** `database<tab>n` for each beat that is there. `place`: another database that holds the copy. */
export function beatQuery({ name, engine, schema }: DatabaseEntry, place = name): string {
  const numbers = schema.owner === "program" ? PROGRAM[name]?.select : APPLICATION.select;
  const query = `SELECT '${name}', n FROM (${numbers}) AS beats ORDER BY n;\n`;
  return engine === "mariadb" ? `USE \`${place}\`;\n${query}` : `\\connect ${place}\n${query}`;
}

interface Beat {
  insert(n: number): string;
  select: string;
}

const APPLICATION: Beat = {
  insert: (n) => `INSERT INTO drill_beats (n) VALUES (${n})`,
  select: "SELECT n FROM drill_beats",
};

/** A row that one column numbers: `drill beat 3`, or what the column takes of it. */
const PROGRAM: Record<string, Beat> = {
  mo_votes: {
    insert: (n) =>
      `INSERT INTO polls (title, opens_at, closes_at) VALUES ('drill beat ${n}', '2026-01-01', '2026-02-01')`,
    select: "SELECT CAST(SUBSTR(title, 12) AS int) AS n FROM polls WHERE title LIKE 'drill beat %'",
  },
  mo_newsletter: {
    insert: (n) => `INSERT INTO lists (slug, name) VALUES ('drill-beat-${n}', 'Beat')`,
    select: "SELECT CAST(SUBSTR(slug, 12) AS int) AS n FROM lists WHERE slug LIKE 'drill-beat-%'",
  },
  mo_hooks: {
    insert: (n) =>
      `INSERT INTO webhook_logs (source, event_type, delivery_id, signature_valid, payload) VALUES ('drill-beat', 'beat', ${n}, 1, '{}')`,
    select: "SELECT CAST(delivery_id AS int) AS n FROM webhook_logs WHERE source = 'drill-beat'",
  },
  mo_consent: {
    insert: (n) =>
      `INSERT INTO consent_records (email_hash, purpose, granted, policy_version, consent_timestamp, ip_hash)
  VALUES (SHA2('drill', 256), 'drill-beat', 1, ${n}, current_timestamp(3), SHA2('drill', 256))`,
    select: "SELECT CAST(policy_version AS int) AS n FROM consent_records WHERE purpose = 'drill-beat'",
  },
  mo_analytics: {
    insert: (n) =>
      `INSERT INTO load_runs (source, day, row_count) VALUES ('drill-beat-${n}', '2026-01-01', 0)`,
    select: "SELECT CAST(SUBSTR(source, 12) AS int) AS n FROM load_runs WHERE source LIKE 'drill-beat-%'",
  },
  mcp_portal: {
    insert: (n) => `INSERT INTO public.teams (name) VALUES ('drill beat ${n}')`,
    select: "SELECT substr(name, 12)::int AS n FROM public.teams WHERE name LIKE 'drill beat %'",
  },
  mcp_admin: {
    insert: (n) =>
      `INSERT INTO public.organizations (clerk_id, name, slug) VALUES ('org_drillbeat${n}', 'Beat', 'drill-beat-${n}')`,
    select: "SELECT substr(slug, 12)::int AS n FROM public.organizations WHERE slug LIKE 'drill-beat-%'",
  },
  ncy8: {
    insert: (n) => `INSERT INTO public.permissions (key) VALUES ('drill beat ${n}')`,
    select: "SELECT substr(key, 12)::int AS n FROM public.permissions WHERE key LIKE 'drill beat %'",
  },
};
