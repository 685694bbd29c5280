import { rowId } from "../../support/fixtures";

/** The tenant and the user in whose names the queries run: tenant 7 and its user of the bulk data. */
export const TENANT = rowId("b0007");
export const SUBJECT = rowId("c0007");

/** Row security of the same form as the estate's: the tenant's rows, or all where a table has no tenant. */
export interface BulkDatabase {
  name: string;
  /** Statements that fill the tables with thousands of rows of many tenants; triggers are off. */
  rows: string[];
  /** By the names in the comments of the indexes. */
  queries: Record<string, string>;
}

const uuid = (kind: string, n: string) =>
  `('00000000-0000-4000-8000-0000000${kind}' || lpad(to_hex(${n}), 4, '0'))::uuid`;
const tenantOf = (n: string) => uuid("b", `(${n}) % 50`);
const userOf = (n: string) => uuid("c", `(${n}) % 5000`);
const series = (count: number) => `FROM generate_series(0, ${count - 1}) n`;
const hash = (n: string) => `sha256((${n})::text::bytea)`;

export const BULK: BulkDatabase[] = [
  {
    name: "mcp_admin",
    rows: [
      `INSERT INTO organizations (id, clerk_id, name, slug) SELECT ${uuid("b", "n")}, 'org_' || n, 'o', 'org-' || n ${series(2000)}`,
      `INSERT INTO users (id, clerk_id, email) SELECT ${userOf("n")}, 'user_' || n, 'u' || n || '@x.example' ${series(5000)}`,
      `INSERT INTO organization_memberships (organization_id, user_id, clerk_id, email)
        SELECT ${tenantOf("n")}, ${userOf("n")}, 'orgmem_' || n, 'u' || n || '@x.example' ${series(5000)}`,
      `INSERT INTO sessions (user_id, organization_id, clerk_id, token_hash, created_at, expires_at)
        SELECT ${userOf("n")}, ${tenantOf("n")}, 'sess_' || n, ${hash("n")}, now() - interval '2 days',
          now() + (n - 300) * interval '1 minute' ${series(20000)}`,
      `INSERT INTO mcp_servers (id, name, display_name) SELECT ${uuid("d", "n")}, 'server-' || n, 's' ${series(1000)}`,
      `INSERT INTO organization_services (organization_id, mcp_server_id)
        SELECT ${tenantOf("n")}, ${uuid("d", "n / 50")} ${series(20000)}`,
      `INSERT INTO api_keys (organization_id, created_by, name, key_prefix, key_hash, created_at, expires_at)
        SELECT ${tenantOf("n")}, ${userOf("n")}, 'k', 'mcp_', ${hash("n")}, now() - interval '1 year',
          now() + (n - 6000) * interval '10 minutes' ${series(10000)}`,
      `INSERT INTO audit_logs (organization_id, user_id, action, target_table, target_id, created_at)
        SELECT ${tenantOf("n")}, ${userOf("n")}, 'UPDATE', 'users', ${userOf("n * 7")}, now() - n * interval '1 minute' ${series(20000)}`,
    ],
    queries: {
      "organization-by-slug": "SELECT id FROM organizations WHERE slug = 'org-7' AND deleted_at IS NULL",
      "organization-by-clerk-id": "SELECT id FROM organizations WHERE clerk_id = 'org_7'",
      "user-by-email": "SELECT id FROM users WHERE email = 'u7@x.example' AND deleted_at IS NULL",
      "user-by-clerk-id": "SELECT id FROM users WHERE clerk_id = 'user_7'",
      "membership-by-clerk-id": "SELECT id FROM organization_memberships WHERE clerk_id = 'orgmem_7'",
      "organizations-of-user": `SELECT organization_id, role FROM organization_memberships WHERE user_id = '${SUBJECT}'`,
      "role-in-organization": `SELECT role FROM organization_memberships
        WHERE organization_id = '${TENANT}' AND user_id = '${SUBJECT}' AND deleted_at IS NULL`,
      "session-by-token":
        "SELECT user_id FROM sessions WHERE token_hash = sha256('7') AND expires_at > now()",
      "session-by-clerk-id": "SELECT id FROM sessions WHERE clerk_id = 'sess_7'",
      "sessions-of-user": `SELECT id FROM sessions WHERE user_id = '${SUBJECT}'`,
      "expired-sessions": "SELECT id FROM sessions WHERE expires_at <= now() ORDER BY expires_at LIMIT 1000",
      "server-by-name": "SELECT id FROM mcp_servers WHERE name = 'server-7'",
      "services-of-organization": `SELECT mcp_server_id FROM organization_services WHERE organization_id = '${TENANT}'`,
      "organizations-of-server": `SELECT organization_id, is_enabled FROM organization_services WHERE mcp_server_id = '${rowId("d0007")}'`,
      "api-key-by-hash": "SELECT organization_id, scopes FROM api_keys WHERE key_hash = sha256('7')",
      "api-keys-of-organization": `SELECT name FROM api_keys WHERE organization_id = '${TENANT}'`,
      "expired-api-keys":
        "SELECT id FROM api_keys WHERE expires_at <= now() - interval '30 days' ORDER BY expires_at LIMIT 1000",
      "audit-of-organization": `SELECT * FROM audit_logs WHERE organization_id = '${TENANT}' ORDER BY created_at DESC LIMIT 50`,
      "audit-of-user": `SELECT * FROM audit_logs WHERE organization_id = '${TENANT}' AND user_id = '${SUBJECT}'
        ORDER BY created_at DESC LIMIT 50`,
      "audit-of-row": `SELECT * FROM audit_logs WHERE target_table = 'users' AND target_id = '${SUBJECT}' ORDER BY created_at DESC`,
    },
  },
  {
    name: "ncy8",
    rows: [
      `INSERT INTO users (id, email, password_hash, status, created_at)
        SELECT ${userOf("n")}, 'u' || n || '@x.example', '$2b$12$x',
          CASE WHEN n % 100 = 0 THEN 'PENDING' ELSE 'ACTIVE' END::user_status, now() - n * interval '1 hour' ${series(5000)}`,
      `INSERT INTO organizations (id, name, slug, owner_id) SELECT ${uuid("b", "n")}, 'o', 'org-' || n, ${userOf("n")} ${series(2000)}`,
      `INSERT INTO organization_members (organization_id, user_id, email)
        SELECT ${tenantOf("n")}, ${userOf("n")}, 'u' || n || '@x.example' ${series(5000)}`,
      `INSERT INTO sessions (user_id, refresh_token_hash, created_at, expires_at)
        SELECT ${userOf("n")}, ${hash("n")}, now() - interval '2 days', now() + (n - 300) * interval '1 minute' ${series(20000)}`,
      `INSERT INTO api_keys (organization_id, user_id, key_prefix, key_hash, created_at, expires_at)
        SELECT ${tenantOf("n")}, ${userOf("n")}, 'ncy_', ${hash("n")}, now() - interval '1 year',
          now() + (n - 6000) * interval '10 minutes' ${series(10000)}`,
      `INSERT INTO user_preferences (user_id) SELECT ${userOf("n")} ${series(5000)}`,
      `INSERT INTO roles (id, name) SELECT ${uuid("d", "n")}, 'role-' || n ${series(1000)}`,
      `INSERT INTO permissions (id, key) SELECT ${uuid("e", "n")}, 'permission-' || n ${series(1000)}`,
      `INSERT INTO role_permissions (role_id, permission_id) SELECT ${uuid("d", "n % 1000")}, ${uuid("e", "n / 10")} ${series(5000)}`,
      `INSERT INTO user_roles (organization_id, user_id, role_id, granted_by)
        SELECT ${tenantOf("n")}, ${userOf("n")}, ${uuid("d", "n / 50")}, ${userOf("n % 50 + 50")} ${series(20000)}`,
      `INSERT INTO teams (id, organization_id, name) SELECT ${uuid("f", "n")}, ${tenantOf("n")}, 't' || n ${series(5000)}`,
      `INSERT INTO team_members (organization_id, team_id, user_id)
        SELECT ${tenantOf("n")}, ${uuid("f", "n % 1000")}, ${userOf("n / 20 * 50 + n % 50")} ${series(20000)} ON CONFLICT DO NOTHING`,
      `INSERT INTO projects (id, organization_id, name) SELECT ${uuid("f", "n")}, ${tenantOf("n")}, 'p' || n ${series(5000)}`,
      `INSERT INTO tasks (organization_id, project_id, assignee_id, title, status, due_date, created_at, deleted_at)
        SELECT ${tenantOf("n")}, ${uuid("f", "n % 100")}, ${userOf("n % 200")}, 't',
          CASE WHEN n % 29 = 0 THEN 'TODO' ELSE 'DONE' END::task_status, now() + (n - 20000) * interval '1 minute',
          now() - n * interval '1 minute', CASE WHEN n % 3 = 0 THEN now() END ${series(40000)}`,
      `INSERT INTO audit_logs (organization_id, user_id, action, target_table, target_id, created_at)
        SELECT ${tenantOf("n")}, ${userOf("n")}, 'UPDATE', 'users', ${userOf("n * 7")}, now() - n * interval '1 minute' ${series(20000)}`,
      `INSERT INTO error_logs (service, level, message, created_at)
        SELECT 'service-' || n % 50, 'ERROR', 'm', now() - n * interval '1 minute' ${series(20000)}`,
      `INSERT INTO access_logs (organization_id, user_id, method, endpoint, status_code, "timestamp")
        SELECT ${tenantOf("n")}, ${userOf("n")}, 'GET', '/', 200, now() - n * interval '1 minute' ${series(20000)}`,
      `INSERT INTO backup_snapshots (path, size, verified, created_at)
        SELECT 'p' || n, 1, n % 10 = 0, now() - n * interval '1 hour' ${series(5000)}`,
    ],
    queries: {
      "user-by-email":
        "SELECT id, password_hash FROM users WHERE email = 'u7@x.example' AND deleted_at IS NULL",
      "users-not-active": `SELECT id FROM users WHERE status = 'PENDING' AND deleted_at IS NULL ORDER BY created_at LIMIT 20`,
      "newest-users": "SELECT id FROM users ORDER BY created_at DESC LIMIT 20",
      "organization-by-slug": "SELECT id FROM organizations WHERE slug = 'org-7' AND deleted_at IS NULL",
      "organizations-of-owner": `SELECT id FROM organizations WHERE owner_id = '${SUBJECT}'`,
      "organizations-of-user": `SELECT organization_id, role FROM organization_members WHERE user_id = '${SUBJECT}'`,
      "role-in-organization": `SELECT role FROM organization_members
        WHERE organization_id = '${TENANT}' AND user_id = '${SUBJECT}' AND deleted_at IS NULL`,
      "session-by-token":
        "SELECT user_id FROM sessions WHERE refresh_token_hash = sha256('7') AND expires_at > now()",
      "sessions-of-user": `SELECT id FROM sessions WHERE user_id = '${SUBJECT}'`,
      "expired-sessions": "SELECT id FROM sessions WHERE expires_at <= now() ORDER BY expires_at LIMIT 1000",
      "api-key-by-hash": "SELECT organization_id, user_id, scopes FROM api_keys WHERE key_hash = sha256('7')",
      "api-keys-of-user": `SELECT key_prefix FROM api_keys WHERE organization_id = '${TENANT}' AND user_id = '${SUBJECT}'`,
      "expired-api-keys":
        "SELECT id FROM api_keys WHERE expires_at <= now() - interval '30 days' ORDER BY expires_at LIMIT 1000",
      "preferences-of-user": `SELECT preferences FROM user_preferences WHERE user_id = '${SUBJECT}'`,
      "role-by-name": "SELECT id FROM roles WHERE name = 'role-7'",
      "permission-by-key": "SELECT id FROM permissions WHERE key = 'permission-7'",
      "permissions-of-role": `SELECT permission_id FROM role_permissions WHERE role_id = '${rowId("d0007")}'`,
      "roles-of-user": `SELECT role_id FROM user_roles WHERE organization_id = '${TENANT}' AND user_id = '${SUBJECT}'`,
      "roles-granted-by-user": `SELECT user_id, role_id FROM user_roles
        WHERE organization_id = '${TENANT}' AND granted_by = '${rowId("c0039")}'`,
      "teams-of-organization": `SELECT id, name FROM teams WHERE organization_id = '${TENANT}' AND deleted_at IS NULL ORDER BY name`,
      "members-of-team": `SELECT user_id FROM team_members WHERE organization_id = '${TENANT}' AND team_id = '${rowId("f0007")}'`,
      "teams-of-user": `SELECT team_id FROM team_members WHERE organization_id = '${TENANT}' AND user_id = '${SUBJECT}'`,
      "projects-of-organization": `SELECT id, name FROM projects WHERE organization_id = '${TENANT}' AND deleted_at IS NULL
        ORDER BY name`,
      "newest-tasks-of-project": `SELECT * FROM tasks WHERE organization_id = '${TENANT}' AND project_id = '${rowId("f0007")}'
        AND deleted_at IS NULL ORDER BY created_at DESC LIMIT 20`,
      "tasks-of-assignee": `SELECT * FROM tasks WHERE organization_id = '${TENANT}' AND assignee_id = '${SUBJECT}'
        AND deleted_at IS NULL ORDER BY due_date`,
      "tasks-due": `SELECT * FROM tasks WHERE organization_id = '${TENANT}' AND due_date < now() AND deleted_at IS NULL
        ORDER BY due_date DESC LIMIT 20`,
      "open-tasks-of-organization": `SELECT * FROM tasks WHERE organization_id = '${TENANT}' AND deleted_at IS NULL
        AND status IN ('TODO', 'IN_PROGRESS', 'REVIEW') ORDER BY created_at LIMIT 100`,
      "open-tasks-of-project": `SELECT * FROM tasks WHERE organization_id = '${TENANT}' AND project_id = '${rowId("f0007")}'
        AND deleted_at IS NULL AND status = 'TODO'`,
      "audit-of-organization": `SELECT * FROM audit_logs WHERE organization_id = '${TENANT}' ORDER BY created_at DESC LIMIT 50`,
      "audit-of-user": `SELECT * FROM audit_logs WHERE organization_id = '${TENANT}' AND user_id = '${SUBJECT}'
        ORDER BY created_at DESC LIMIT 50`,
      "audit-of-row": `SELECT * FROM audit_logs WHERE target_table = 'users' AND target_id = '${SUBJECT}' ORDER BY created_at DESC`,
      "errors-of-service":
        "SELECT * FROM error_logs WHERE service = 'service-7' ORDER BY created_at DESC LIMIT 50",
      "accesses-of-organization": `SELECT * FROM access_logs WHERE organization_id = '${TENANT}' ORDER BY "timestamp" DESC LIMIT 50`,
      "accesses-of-user": `SELECT * FROM access_logs WHERE user_id = '${SUBJECT}' ORDER BY "timestamp" DESC LIMIT 50`,
      "backup-by-path": "SELECT verified FROM backup_snapshots WHERE path = 'p7'",
      "newest-verified-backup":
        "SELECT path FROM backup_snapshots WHERE verified ORDER BY created_at DESC LIMIT 1",
    },
  },
];
