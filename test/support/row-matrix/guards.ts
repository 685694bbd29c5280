import type { PostgresConnection } from "../../../connect/postgres";
import { rowId } from "../fixtures";
import {
  ADMIN,
  ALPHA,
  type Attack,
  type Guarded,
  type GuardMutant,
  MEMBER,
  mcpAdminMembers,
  NCY8_MEMBERS,
  ncy8Members,
  OWNER,
  organizations,
  SERVICE,
} from "./guard-members";
import { type ServiceLogins, set, type Who } from "./service";

const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
const LONG_AGO = "'1990-01-01'";

/** A new row of each table with soft deletion, by its columns beside deleted_at. */
type NewRows = Record<string, [columns: string, values: string]>;

function deletions(rows: NewRows): Guarded {
  const attacks = Object.entries(rows).flatMap(([table, [columns, values]]): Attack[] => [
    { who: SERVICE, sql: `UPDATE ${table} SET deleted_at = ${LONG_AGO}; ${old(table)}` },
    {
      who: SERVICE,
      given: `UPDATE ${table} SET deleted_at = now() - interval '1 year'`,
      sql: `UPDATE ${table} SET deleted_at = now(); SELECT count(*) FROM ${table} WHERE deleted_at > now() - interval '1 day'`,
    },
    {
      who: SERVICE,
      ...(table.startsWith("organization_member") && { given: `DELETE FROM ${table}` }),
      ...(table === "team_members" && { given: `DELETE FROM ${table}` }),
      sql: `INSERT INTO ${table} (${columns}, deleted_at) VALUES (${values}, ${LONG_AGO}); ${old(table)}`,
    },
  ]);
  const mutants = Object.keys(rows).flatMap((table) => [
    { name: `${table}: whoever ends a row says when`, sql: `DROP TRIGGER ${table}_deleted ON ${table}` },
    { name: `${table}: a row is born deleted`, sql: `DROP TRIGGER ${table}_born_deleted ON ${table}` },
  ]);
  const kept = "CASE WHEN TG_OP = 'UPDATE' THEN OLD.deleted_at END";
  const again = { name: "a row is deleted anew", of: "internal.stamp_deletion()", text: kept, by: "NULL" };
  return { attacks, mutants: [...mutants, again] };
}

const old = (table: string) => `SELECT count(*) FROM ${table} WHERE deleted_at < now() - interval '1 day'`;

function depths(who: Who, columns: Record<string, string>, more = ""): Guarded {
  return {
    attacks: Object.entries(columns).map(([table, column]) => ({
      who,
      sql: `UPDATE ${table} SET ${column} = '${nested(33)}'${more}; SELECT 'written'`,
    })),
    mutants: Object.entries(columns).map(([table, column]) => ({
      name: `${table}.${column}: nested as deep as somebody likes`,
      sql: `ALTER TABLE ${table} DROP CONSTRAINT ${table}_${column}_depth_check`,
    })),
  };
}

/** Costs more than the others, so it comes last. */
const months: Guarded = {
  attacks: [
    { who: undefined, sql: "SELECT count(*) FROM maintain_logs()" },
    {
      who: SERVICE,
      given:
        "INSERT INTO internal.audit_logs_default (action, target_table, created_at) VALUES ('DELETE', 'x', now() - interval '8 years')",
      sql: "SELECT count(*) FROM maintain_logs()",
    },
  ],
  mutants: [
    {
      name: "months that anybody makes",
      of: "maintain_logs()",
      text: "IF current_setting",
      by: "IF false AND current_setting",
    },
    {
      name: "months of a time that is made up",
      of: "internal.maintain_log(regclass,name,interval)",
      text: "< $1'",
      by: "< $1 AND false'",
    },
  ],
};

const join = (...all: Guarded[]): Guarded => ({
  attacks: all.flatMap(({ attacks }) => attacks),
  mutants: all.flatMap(({ mutants }) => mutants),
});

const event = (more: string) => `SELECT record_event('config_exported', 'x', NULL, ${more})`;
const portalMember: Who = { identity: "member", tenant: ALPHA, subject: MEMBER };

/** By database. */
export const guarded: Readonly<Record<string, Guarded>> = {
  ncy8: join(
    organizations("ncy8", NCY8_MEMBERS),
    deletions({
      users: ["email, password_hash", "'new@x.example', '$2b$12$x'"],
      organizations: ["name, slug, owner_id", `'New', 'new', '${OWNER}'`],
      organization_members: [
        "organization_id, user_id, email",
        `'${ALPHA}', '${MEMBER}', (SELECT email FROM users WHERE id = '${MEMBER}')`,
      ],
      teams: ["organization_id, name", `'${ALPHA}', 'New'`],
      team_members: ["organization_id, team_id, user_id", `'${ALPHA}', '${rowId("7a1")}', '${MEMBER}'`],
      projects: ["organization_id, name", `'${ALPHA}', 'New'`],
      tasks: ["organization_id, project_id, title", `'${ALPHA}', '${rowId("8a1")}', 'New'`],
    }),
    depths(SERVICE, {
      organizations: "settings",
      user_preferences: "preferences",
      projects: "settings",
      tasks: "metadata",
    }),
    ncy8Members,
    months,
  ),
  mcp_admin: join(
    organizations("mcp_admin", "organization_memberships"),
    mcpAdminMembers,
    deletions({
      users: ["clerk_id, email", "'user_new', 'new@x.example'"],
      organizations: ["clerk_id, name, slug", "'org_new', 'New', 'new'"],
      organization_memberships: [
        "clerk_id, organization_id, user_id, email, display_name",
        `'orgmem_new', '${ALPHA}', '${MEMBER}', (SELECT email FROM users WHERE id = '${MEMBER}'), (SELECT display_name FROM users WHERE id = '${MEMBER}')`,
      ],
      mcp_servers: ["name, display_name", "'new', 'New'"],
    }),
    depths(SERVICE, {
      organizations: "metadata",
      sessions: "metadata",
      organization_services: "configuration",
    }),
    {
      attacks: [
        {
          who: ADMIN,
          sql: "UPDATE api_keys SET revoked_at = '9999-01-01'; SELECT count(*) FROM api_keys WHERE revoked_at > now() + interval '1 day'",
        },
        {
          who: ADMIN,
          given: "UPDATE api_keys SET revoked_at = now()",
          sql: "UPDATE api_keys SET revoked_at = NULL; SELECT 'done'",
        },
        {
          who: undefined,
          sql: "INSERT INTO mcp_servers (name, display_name) VALUES ('mine', 'Mine'); SELECT 'done'",
        },
      ],
      mutants: [
        {
          name: "keys that are revoked when somebody says",
          sql: "DROP TRIGGER api_keys_revoked ON api_keys",
        },
        {
          name: "keys that return",
          of: "internal.stamp_revocation()",
          text: "OLD.revoked_at IS NOT NULL",
          by: "false",
        },
        {
          name: "a registry without row security",
          sql: "ALTER TABLE mcp_servers DISABLE ROW LEVEL SECURITY",
        },
      ],
    },
    months,
  ),
  mcp_portal: join(
    depths(portalMember, { users: "metadata" }),
    depths({ identity: "superadmin", subject: OWNER }, { mcp_servers: "metadata" }, " WHERE team_id IS NULL"),
    depths(portalMember, { user_server_configs: "config_metadata" }),
    {
      attacks: [
        { who: portalMember, sql: event("jsonb_build_object('a', repeat('a', 9000))") },
        {
          who: portalMember,
          given: "UPDATE users SET metadata = jsonb_build_object('a', repeat('a', 100000))",
          sql: `SELECT record_event('config_exported', 'x', NULL, metadata) FROM users WHERE id = '${MEMBER}'`,
        },
        { who: portalMember, sql: event(`'${nested(33)}'`) },
        // The right to call it was asked for before.
        {
          who: { identity: "auditor", tenant: ALPHA, subject: MEMBER },
          given: "GRANT EXECUTE ON FUNCTION record_event TO mcp_portal_auditor",
          sql: event("'{}'"),
        },
      ],
      mutants: [
        {
          name: "an event as long as somebody likes",
          of: "record_event(audit_action,text,uuid,jsonb)",
          text: "octet_length(more::text) > 8192",
          by: "false",
        },
        {
          name: "an event by its compressed size",
          of: "record_event(audit_action,text,uuid,jsonb)",
          text: "octet_length(more::text)",
          by: "pg_column_size(more)",
        },
        {
          name: "an event as deep as somebody likes",
          of: "record_event(audit_action,text,uuid,jsonb)",
          text: "jsonb_path_exists(more, '$.**{33}')",
          by: "false",
        },
        {
          name: "an event of anybody",
          of: "record_event(audit_action,text,uuid,jsonb)",
          text: "coalesce(context.role(), '') NOT IN",
          by: "'mcp_portal_member' NOT IN",
        },
      ],
    },
  ),
};

/**
 * What comes of each attack, with the guards as they are or without a part of one: rows or the error. Nothing of it stays.
 * @param declared what came of them before: ends with the first that comes out otherwise
 */
export async function outcomes(
  admin: PostgresConnection,
  service: Pick<ServiceLogins, "token" | "roleFor">,
  database: string,
  mutant?: GuardMutant,
  declared?: readonly string[],
): Promise<string[]> {
  await admin.query("BEGIN");
  try {
    if (mutant) await admin.query(await mutation(admin, mutant));
    await admin.query("SAVEPOINT attack");
    const found: string[] = [];
    for (const attack of guarded[database]?.attacks ?? []) {
      await admin.query(before(service, database, attack).join("; "));
      found.push(await outcome(admin, attack));
      await admin.query("ROLLBACK TO attack");
      if (declared && found.at(-1) !== declared[found.length - 1]) break;
    }
    return found;
  } finally {
    await admin.query("ROLLBACK");
  }
}

function before(
  service: Pick<ServiceLogins, "token" | "roleFor">,
  database: string,
  { who, given }: Attack,
): string[] {
  const state = (role: "replica" | "origin") => `SET LOCAL session_replication_role = ${role}`;
  return [
    ...(given ? [state("replica"), given, state("origin")] : []),
    "SELECT probe.forget_context()",
    ...(who === "superuser"
      ? []
      : [
          `SELECT ${set("app.context", who ? service.token(database, who) : "")}`,
          `SET LOCAL ROLE ${service.roleFor(database, who ?? SERVICE)}`,
        ]),
  ];
}

async function outcome(admin: PostgresConnection, { sql }: Attack): Promise<string> {
  try {
    let rows: unknown[] = [];
    for (const statement of sql.split(/;\s+/)) rows = await admin.query(statement);
    return JSON.stringify(rows);
  } catch (error) {
    return (error as Error).message;
  }
}

async function mutation(
  admin: PostgresConnection,
  { name, sql, of, text, by }: GuardMutant,
): Promise<string> {
  if (sql !== undefined) return sql;
  const [row] = await admin.query<{ definition: string }>(
    "SELECT pg_get_functiondef($1::regprocedure) AS definition",
    [of ?? ""],
  );
  const definition = row?.definition ?? "";
  const changed = definition.replaceAll(text ?? "", by ?? "");
  if (changed === definition) throw new Error(`${name}: nothing to leave out of ${of}`);
  return changed;
}
