import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { id, type Portal, type PortalDatabase, startPortal } from "../../support/mcp-portal";

/**
 * Each index by the query that its comment names, on enough rows, with the planner as it is. As the superuser: what a policy
 * adds is shown where the policies are.
 */
const QUERIES: [index: string, query: string][] = [
  ["teams_name_key", "SELECT id FROM teams WHERE lower(name) = 'team 77'"],
  ["teams_created_by_idx", `SELECT id FROM teams WHERE created_by = '${id("c1")}'`],
  [
    "users_team_active_idx",
    "SELECT id, display_name FROM users WHERE team_id = team(77) AND is_active ORDER BY display_name",
  ],
  ["users_team_idx", "SELECT id FROM users WHERE team_id = team(77) AND NOT is_active"],
  ["users_email_idx", "SELECT id FROM users WHERE lower(email) = '777@many.example'"],
  ["users_privileged_idx", "SELECT id FROM users WHERE role = 'super_admin' AND is_active"],
  ["team_members_user_idx", "SELECT team_id FROM team_members WHERE user_id = member(777)"],
  [
    "mcp_servers_search_idx",
    "SELECT id FROM mcp_servers WHERE search @@ websearch_to_tsquery('english', 'rare harvest')",
  ],
  ["mcp_servers_tags_idx", "SELECT id FROM mcp_servers WHERE tags @> '{tag7,even3}'"],
  ["mcp_servers_team_idx", "SELECT id FROM mcp_servers WHERE team_id = team(77)"],
  ["mcp_servers_created_by_idx", `SELECT id FROM mcp_servers WHERE created_by = '${id("c1")}'`],
  [
    "user_server_configs_enabled_idx",
    "SELECT server_id FROM user_server_configs WHERE team_id = team(77) AND user_id = member(777) AND enabled",
  ],
  ["user_server_configs_user_idx", "SELECT id FROM user_server_configs WHERE user_id = member(777)"],
  [
    "user_server_configs_server_idx",
    "SELECT user_id FROM user_server_configs WHERE server_id = server(777) AND catalog_team_id = nil()",
  ],
  [
    "user_server_configs_container_idx",
    "SELECT id FROM user_server_configs WHERE container_state = 'creating' AND last_state_change < now() - interval '5 minutes'",
  ],
  [
    "user_server_configs_key_idx",
    "SELECT id, team_id FROM user_server_configs WHERE key_version = 1 ORDER BY team_id, id LIMIT 500 FOR NO KEY UPDATE",
  ],
  [
    "user_sessions_member_idx",
    "SELECT id FROM user_sessions WHERE team_id = team(77) AND user_id = member(777)",
  ],
  [
    "user_sessions_active_idx",
    "SELECT count(*), max(last_activity) FROM user_sessions WHERE user_id = member(777) AND is_active AND expires_at > now()",
  ],
  ["user_sessions_expires_idx", "SELECT id FROM user_sessions WHERE expires_at < now() LIMIT 10000"],
  [
    "user_sessions_idle_idx",
    "SELECT id FROM user_sessions WHERE is_active AND last_activity < now() - interval '30 minutes' LIMIT 10000",
  ],
  ["user_sessions_token_hash_key", "SELECT user_id FROM user_sessions WHERE token_hash = sha256('777')"],
  [
    "audit_logs_team_idx",
    "SELECT * FROM audit_logs WHERE team_id = team(77) ORDER BY occurred_at DESC LIMIT 50",
  ],
  [
    "audit_logs_actor_idx",
    "SELECT * FROM audit_logs WHERE actor_id = member(777) AND action = 'login' ORDER BY occurred_at DESC LIMIT 50",
  ],
  [
    "audit_logs_resource_idx",
    "SELECT * FROM audit_logs WHERE resource_id = member(778) ORDER BY occurred_at DESC LIMIT 50",
  ],
  [
    "audit_logs_new_values_idx",
    `SELECT * FROM audit_logs WHERE new_values @> '{"email":"777@many.example"}'`,
  ],
  [
    "audit_logs_time_idx",
    "SELECT action, count(*) FROM audit_logs WHERE occurred_at > now() - interval '1 day' GROUP BY action",
  ],
  [
    "audit_logs_archive_team_idx",
    "SELECT * FROM audit_logs_archive WHERE team_id = team(77) ORDER BY occurred_at DESC LIMIT 50",
  ],
  [
    "audit_logs_archive_actor_idx",
    "SELECT * FROM audit_logs_archive WHERE actor_id = member(777) AND action = 'login' ORDER BY occurred_at DESC LIMIT 50",
  ],
  ["server_usage_key", "SELECT * FROM server_usage WHERE team_id = team(77)"],
];

/** 5,000 teams, 200 of them with rows: 10,000 users, 5,000 servers, 20,000 settings and sessions, 100,000 events over 20 days and as many archived. */
const ROWS = `
  CREATE FUNCTION nil() RETURNS uuid IMMUTABLE LANGUAGE sql AS $$SELECT uuid_nil()$$;
  CREATE FUNCTION team(n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS
    $$SELECT ('00000000-0000-4000-8000-2' || lpad(n::text, 11, '0'))::uuid$$;
  CREATE FUNCTION member(n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS
    $$SELECT ('00000000-0000-4000-8000-3' || lpad(n::text, 11, '0'))::uuid$$;
  CREATE FUNCTION server(n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS
    $$SELECT ('00000000-0000-4000-8000-4' || lpad(n::text, 11, '0'))::uuid$$;
  SET session_replication_role = replica;
  INSERT INTO teams (id, name) SELECT team(n), 'team ' || n FROM generate_series(0, 4999) n;
  INSERT INTO users (id, team_id, azure_oid, email, display_name, is_active)
    SELECT member(n), team(n % 200), 'many-' || n, n || '@many.example', 'name ' || n, n % 400 <> 77 FROM generate_series(0, 9999) n;
  INSERT INTO team_members (team_id, user_id) SELECT team(n % 200), member(n) FROM generate_series(0, 9999) n;
  INSERT INTO mcp_servers (id, team_id, name, description, image, catalog_type, tags)
    SELECT server(n), CASE WHEN n % 2 = 0 THEN team(n % 200 + 1) END, 'server-' || n,
      CASE n WHEN 4321 THEN 'a rare harvest of data' ELSE 'serves common data number ' || n END, 'x/y:1',
      CASE n % 2 WHEN 0 THEN 'custom' ELSE 'predefined' END::catalog_type,
      ARRAY['tag' || n % 50, 'even' || n % 7] FROM generate_series(0, 4999) n;
  INSERT INTO user_server_configs (team_id, user_id, server_id, catalog_team_id, enabled, container_state, last_state_change,
      encrypted_config, key_version)
    SELECT team(n % 200), member(n % 10000), server((n + n / 10000) % 2500 * 2 + 1), nil(), n % 3 = 0,
      (ARRAY['running', 'stopped', 'running', 'creating'])[CASE WHEN n % 100 = 0 THEN 4 ELSE n % 3 + 1 END]::container_state,
      now(), repeat('x', 200)::bytea, 1 FROM generate_series(0, 19999) n;
  INSERT INTO user_sessions (team_id, user_id, token_hash, created_at, last_activity, expires_at, is_active)
    SELECT team(n % 200), member(n % 10000), sha256(n::text::bytea), now() - interval '2 days',
      now() - CASE WHEN n % 500 = 0 THEN interval '40 minutes' ELSE interval '1 minute' END,
      now() + CASE WHEN n % 700 = 0 THEN interval '-1 minute' ELSE interval '1 hour' END, n % 4 > 0 FROM generate_series(0, 19999) n;
  INSERT INTO audit_logs (occurred_at, team_id, actor_id, actor_role, login, action, resource_type, resource_id, new_values)
    SELECT now() - interval '20 days' + n * interval '17.28 seconds', team(n % 200), member(n % 10000), 'mcp_portal_member',
      'svc_mcp_portal_a', (enum_range(NULL::audit_action))[n % 20 + 1], 'users', member(n * 7 % 10000),
      jsonb_build_object('email', n % 10000 || '@many.example') FROM generate_series(0, 99999) n;
  INSERT INTO audit_logs_archive (occurred_at, team_id, actor_id, actor_role, login, action, resource_type)
    SELECT '2026-01-01'::timestamptz + n * interval '20 seconds', team(n % 200), member(n % 10000), 'mcp_portal_member',
      'svc_mcp_portal_a', (enum_range(NULL::audit_action))[n % 20 + 1], 'users' FROM generate_series(0, 99999) n;
  SET session_replication_role = DEFAULT;
  REFRESH MATERIALIZED VIEW server_usage`;

describe.each(["16", "17"] as const)("indexes of mcp_portal on PostgreSQL %s", (version) => {
  let portal: Portal;
  let database: PortalDatabase;
  beforeAll(async () => {
    portal = await startPortal(version);
    database = await portal.open();
    for (const statement of ROWS.split(";\n")) await database.admin.query(statement);
    await database.admin.query("SELECT internal.make_audit_partitions()");
    await database.admin.query("VACUUM ANALYZE");
  });
  afterAll(() => portal?.stop());

  test.each(QUERIES)("%s", async (index, query) => {
    const plan = await database.admin.query<{ "QUERY PLAN": { Plan: PlanNode }[] }>(
      `EXPLAIN (FORMAT JSON) ${query}`,
    );
    const used = plan[0]?.["QUERY PLAN"].flatMap(({ Plan }) => indexesOf(Plan)) ?? [];
    // A partition's index has a name of its own.
    const parents = await database.admin.query<{ parent: string }>(
      `SELECT coalesce(p.relname, c.relname)::text AS parent FROM pg_class c
       LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
       WHERE c.relkind IN ('i', 'I') AND c.relname = ANY ($1)`,
      [used],
    );
    expect(
      parents.map(({ parent }) => parent),
      JSON.stringify(plan[0]?.["QUERY PLAN"]),
    ).toContain(index);
  });

  test("every index is here, or guards a key", async () => {
    const rows = await database.admin.query<{ name: string }>(
      `SELECT c.relname::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
       WHERE c.relnamespace = 'public'::regnamespace AND t.relowner = 'mcp_admin'::regrole
         AND NOT i.indisunique`,
    );
    const shown = QUERIES.map(([index]) => index);
    expect(rows.map(({ name }) => name).filter((name) => !shown.includes(name))).toEqual([]);
  });
});

interface PlanNode {
  "Index Name"?: string;
  Plans?: PlanNode[];
}

function indexesOf(node: PlanNode): string[] {
  const below = (node.Plans ?? []).flatMap(indexesOf);
  return node["Index Name"] === undefined ? below : [node["Index Name"], ...below];
}
