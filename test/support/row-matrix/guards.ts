import type { PostgresConnection } from "../../../connect/postgres";
import { rowId } from "../fixtures";
import { type ServiceLogins, set, type Who } from "./service";

/** What somebody tries past the policies, of which a guard, a constraint or a function has to make something else. */
export interface Attack {
  /** undefined: the service, without a context. */
  who: Who | "superuser" | undefined;
  sql: string;
  /** The superuser's, beforehand and past every trigger. */
  given?: string;
}

/** A guard without one of its parts. `of`: a function, whose text is changed; otherwise a statement. */
export interface GuardMutant {
  name: string;
  sql?: string;
  of?: string;
  text?: string;
  by?: string;
}

const ALPHA = rowId("a0");
const [MEMBER, MANAGER, OWNER] = [rowId("a1"), rowId("a2"), rowId("a3")];
const OF_BETA = rowId("b1");
const SERVICE: Who = { identity: "service" };
const ADMIN: Who = { identity: "admin", tenant: ALPHA, subject: MANAGER };
const by = (subject: string): Who => ({ ...SERVICE, subject });
const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
const LONG_AGO = "'1990-01-01'";

interface Guarded {
  attacks: Attack[];
  mutants: GuardMutant[];
}

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

/** What mcp_admin and ncy8 have alike. */
function organizations(database: string, members: string): Guarded {
  const guard = database === "ncy8" ? "internal.guard_member_role()" : "internal.refuse_own_role()";
  const of = (values: string, user: string) =>
    `UPDATE ${members} SET ${values} WHERE user_id = '${user}' AND organization_id = '${ALPHA}'; SELECT 'done'`;
  const end = (user: string) => `UPDATE ${members} SET deleted_at = now() WHERE user_id = '${user}'`;
  const moved = `user_id = '${OF_BETA}', email = (SELECT email FROM users WHERE id = '${OF_BETA}')`;
  const hidden = database === "ncy8" ? "password_hash = 'anonymized'" : "display_name = ''";
  const anonymised = (user: string) =>
    `UPDATE users SET ${hidden}, deleted_at = now(), anonymized_at = now() WHERE id = '${user}'; ${end(user)}`;
  const profile = database === "ncy8" ? "email" : "email, display_name, clerk_id";
  const joining = `INSERT INTO ${members} (organization_id, user_id, ${profile})
    SELECT '${ALPHA}', id, ${database === "ncy8" ? "email" : "email, display_name, 'orgmem_new'"} FROM users WHERE id = '${MEMBER}'`;
  const trigger = database === "ncy8" ? "organization_members_role" : "organization_memberships_own_role";
  return {
    attacks: [
      { who: ADMIN, sql: of("role = 'ADMIN'", MANAGER) },
      { who: ADMIN, given: end(MANAGER), sql: of("deleted_at = NULL", MANAGER) },
      {
        who: by(OF_BETA),
        given: `DELETE FROM ${members} WHERE user_id = '${OF_BETA}'`,
        sql: of(moved, MEMBER),
      },
      {
        who: undefined,
        given: `GRANT DELETE, SELECT, UPDATE ON ${members} TO svc_${database}; CREATE POLICY open ON ${members} TO svc_${database} USING (true)`,
        sql: of("role = 'ADMIN'", MEMBER),
      },
      {
        who: ADMIN,
        sql: "UPDATE organizations SET name = name || '.'; SELECT bool_and(created_at > now()) FROM audit_logs WHERE created_at >= now()",
      },
      {
        who: "superuser",
        sql: `SELECT length(internal.without_secrets('${nested(60)}', 40)::text)`,
      },
      { who: SERVICE, sql: "SELECT pg_advisory_xact_lock(1)" },
      { who: ADMIN, given: anonymised(MEMBER), sql: of("deleted_at = NULL", MEMBER) },
      {
        who: SERVICE,
        given: anonymised(MEMBER),
        sql: `UPDATE users SET anonymized_at = NULL${database === "ncy8" ? ", password_hash = '$2b$12$x'" : ""} WHERE id = '${MEMBER}'; SELECT 'done'`,
      },
      {
        who: SERVICE,
        given: `${anonymised(MEMBER)}; DELETE FROM ${members} WHERE user_id = '${MEMBER}'`,
        sql: `${joining}; SELECT 'done'`,
      },
      {
        who: SERVICE,
        given: anonymised(OF_BETA),
        sql: of(moved, MEMBER),
      },
    ],
    mutants: [
      {
        name: "somebody anonymised who returns",
        of: "internal.refuse_anonymized()",
        text: "anonymized_at IS NOT NULL",
        by: "false",
      },
      { name: "an owner who sees nobody", sql: "DROP POLICY owner_select ON users" },
      {
        name: "somebody anonymised who joins again",
        sql: `DROP TRIGGER ${members}_new_person ON ${members}`,
      },
      { name: "a membership that returns", sql: `DROP TRIGGER ${members}_return ON ${members}` },
      { name: "an anonymity that is taken back", sql: "DROP TRIGGER users_stay_anonymized ON users" },
      {
        name: "memberships without a guard",
        sql: `DROP TRIGGER ${trigger} ON ${members}; DROP TRIGGER ${members}_guard ON ${members}`,
      },
      {
        name: "a guard of memberships that looks without a context",
        of: guard,
        text: database === "ncy8" ? "acting IS NULL" : "context.role() IS NULL",
        by: "false",
      },
      {
        name: "a guard of one's own role",
        of: guard,
        text: "NEW.user_id IS NOT DISTINCT FROM context.subject()",
        by: "false",
      },
      {
        name: "a guard that lets oneself return",
        of: guard,
        text: "OR NEW.deleted_at IS NULL",
        by: "OR false",
      },
      {
        name: "a guard that lets a membership be moved to oneself",
        of: guard,
        text: "(NEW.organization_id, NEW.user_id, NEW.role, NEW.deleted_at)",
        by: "(OLD.organization_id, OLD.user_id, NEW.role, NEW.deleted_at)",
      },
      {
        name: "an audit's time of the transaction",
        sql: "ALTER TABLE audit_logs ALTER created_at SET DEFAULT now()",
      },
      {
        name: "an audit of any depth",
        of: "internal.without_secrets(jsonb,integer)",
        text: "levels = 0",
        by: "false",
      },
      {
        name: "advisory locks for everybody",
        sql: "GRANT EXECUTE ON FUNCTION pg_advisory_xact_lock(bigint) TO PUBLIC",
      },
    ],
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

const NCY8_MEMBERS = "organization_members";
const onMember = (values: string, user: string) =>
  `UPDATE ${NCY8_MEMBERS} SET ${values} WHERE user_id = '${user}' AND organization_id = '${ALPHA}'; SELECT 'done'`;
const onGrant = (values: string, user: string) =>
  `UPDATE user_roles SET ${values} WHERE user_id = '${user}' AND organization_id = '${ALPHA}';
   SELECT string_agg(user_id || ' by ' || granted_by, ' ' ORDER BY user_id, role_id) FROM user_roles`;

const ncy8: Guarded = {
  attacks: [
    { who: ADMIN, sql: onMember("deleted_at = now()", OWNER) },
    { who: ADMIN, sql: onMember("role = 'OWNER'", MEMBER) },
    {
      who: ADMIN,
      given: `GRANT DELETE ON ${NCY8_MEMBERS} TO ncy8_admin; CREATE POLICY open ON ${NCY8_MEMBERS} FOR DELETE TO ncy8_admin USING (true);
        DELETE FROM organizations`,
      sql: `DELETE FROM ${NCY8_MEMBERS} WHERE user_id = '${OWNER}'; SELECT 'done'`,
    },
    { who: by(MANAGER), sql: onGrant(`granted_by = '${MEMBER}'`, MEMBER) },
    { who: by(MANAGER), sql: onGrant(`user_id = '${MANAGER}'`, MEMBER) },
    { who: by(OWNER), sql: onGrant(`user_id = '${MANAGER}', granted_by = '${MEMBER}'`, MEMBER) },
    { who: undefined, sql: "SELECT delete_expired_backup_snapshots()" },
    { who: undefined, sql: "INSERT INTO backup_snapshots (path, size) VALUES ('mine', 1); SELECT 'done'" },
  ],
  mutants: [
    {
      name: "a guard that asks for a column",
      sql: `DROP TRIGGER ${NCY8_MEMBERS}_guard ON ${NCY8_MEMBERS}; CREATE TRIGGER ${NCY8_MEMBERS}_guard
        BEFORE DELETE ON ${NCY8_MEMBERS} FOR EACH ROW EXECUTE FUNCTION internal.guard_member_role()`,
    },
    {
      name: "a guard that is not asked for a deletion",
      sql: `DROP TRIGGER ${NCY8_MEMBERS}_guard ON ${NCY8_MEMBERS}; CREATE TRIGGER ${NCY8_MEMBERS}_guard
        BEFORE UPDATE ON ${NCY8_MEMBERS} FOR EACH ROW EXECUTE FUNCTION internal.guard_member_role()`,
    },
    {
      name: "an owner who may be ended",
      of: "internal.guard_member_role()",
      text: "OLD.role = 'OWNER'",
      by: "false",
    },
    {
      name: "an owner who may be made",
      of: "internal.guard_member_role()",
      text: "NEW.role = 'OWNER'",
      by: "false",
    },
    {
      name: "a grant that is signed once",
      sql: "DROP TRIGGER user_roles_granted_again ON user_roles",
    },
    {
      name: "a grant of whoever is said",
      of: "internal.sign_grant()",
      text: "NEW.granted_by := OLD.granted_by",
      by: "NULL",
    },
    {
      name: "a grant to oneself",
      of: "internal.sign_grant()",
      text: "NEW.user_id IS NOT DISTINCT FROM subject",
      by: "false",
    },
    {
      name: "a grant that is not signed",
      of: "internal.sign_grant()",
      text: "coalesce(subject, NEW.granted_by)",
      by: "NEW.granted_by",
    },
    {
      name: "notes of backups that go without a context",
      of: "delete_expired_backup_snapshots()",
      text: "PERFORM public.demand_context('public.backup_snapshots')",
      by: "NULL",
    },
    {
      name: "notes of backups without row security",
      sql: "ALTER TABLE backup_snapshots DISABLE ROW LEVEL SECURITY",
    },
  ],
};

const onMembership = (values: string, user: string) =>
  `UPDATE organization_memberships SET ${values} WHERE user_id = '${user}' AND organization_id = '${ALPHA}'; SELECT 'done'`;

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
    ncy8,
    months,
  ),
  mcp_admin: join(
    organizations("mcp_admin", "organization_memberships"),
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
        { who: ADMIN, sql: onMembership("role = 'MEMBER'", OWNER) },
        { who: ADMIN, sql: onMembership("deleted_at = now()", OWNER) },
        {
          who: ADMIN,
          given: "UPDATE organization_memberships SET role = 'ADMIN'",
          sql: onMembership("role = 'MEMBER'", OWNER),
        },
        {
          who: ADMIN,
          given: `UPDATE organization_memberships SET role = 'ADMIN', deleted_at = now() WHERE user_id = '${MEMBER}'`,
          sql: onMembership("role = 'MEMBER'", OWNER),
        },
        { who: SERVICE, sql: onMembership("role = 'MEMBER'", OWNER) },
        {
          who: ADMIN,
          given: "CREATE POLICY wide ON organization_memberships TO mcp_admin_admin USING (true)",
          sql: onMembership("role = 'MEMBER'", OWNER),
        },
        {
          who: ADMIN,
          given: `GRANT DELETE ON organization_memberships TO mcp_admin_admin;
            CREATE POLICY open ON organization_memberships FOR DELETE TO mcp_admin_admin USING (true)`,
          sql: `DELETE FROM organization_memberships WHERE user_id = '${OWNER}'; SELECT 'done'`,
        },
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
          name: "an organisation without an admin",
          sql: "DROP TRIGGER organization_memberships_keep_admin ON organization_memberships",
        },
        {
          name: "an admin of another organisation who counts",
          of: "internal.keep_admin()",
          text: "organization_id = OLD.organization_id AND",
          by: "",
        },
        {
          name: "an admin who counts for oneself",
          of: "internal.keep_admin()",
          text: "id <> OLD.id AND",
          by: "",
        },
        {
          name: "anybody who counts as an admin",
          of: "internal.keep_admin()",
          text: "role = 'ADMIN' AND",
          by: "",
        },
        {
          name: "an admin who has left and counts",
          of: "internal.keep_admin()",
          text: "AND deleted_at IS NULL",
          by: "",
        },
        {
          name: "a service that is bound as admins are",
          of: "internal.keep_admin()",
          text: "AND context.role() IS DISTINCT FROM 'svc_mcp_admin'",
          by: "",
        },
        {
          name: "a last admin who may be deleted",
          of: "internal.keep_admin()",
          text: "TG_OP = 'DELETE'\n      OR",
          by: "TG_OP <> 'DELETE' AND",
        },
        {
          name: "a last admin who may leave",
          of: "internal.keep_admin()",
          text: ", NEW.deleted_at",
          by: ", OLD.deleted_at",
        },
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
