import { rowId } from "../fixtures";
import type { Who } from "./service";

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

export interface Guarded {
  attacks: Attack[];
  mutants: GuardMutant[];
}

export const ALPHA = rowId("a0");
export const [MEMBER, MANAGER, OWNER] = [rowId("a1"), rowId("a2"), rowId("a3")];
const OF_BETA = rowId("b1");
export const SERVICE: Who = { identity: "service" };
export const ADMIN: Who = { identity: "admin", tenant: ALPHA, subject: MANAGER };
const by = (subject: string): Who => ({ ...SERVICE, subject });
const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;

/** What mcp_admin and ncy8 have alike. */
export function organizations(database: string, members: string): Guarded {
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

export const NCY8_MEMBERS = "organization_members";
const onMember = (values: string, user: string) =>
  `UPDATE ${NCY8_MEMBERS} SET ${values} WHERE user_id = '${user}' AND organization_id = '${ALPHA}'; SELECT 'done'`;
const onGrant = (values: string, user: string) =>
  `UPDATE user_roles SET ${values} WHERE user_id = '${user}' AND organization_id = '${ALPHA}';
   SELECT string_agg(user_id || ' by ' || granted_by, ' ' ORDER BY user_id, role_id) FROM user_roles`;

export const ncy8Members: Guarded = {
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

/** What an organisation's admins leave it. */
export const mcpAdminMembers: Guarded = {
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
  ],
};
