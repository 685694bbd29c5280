import { CANARY_HEX } from "./canary";

/** Rows for the tables that the program makes, beside those of the fixtures: a few thousand, in several tenants. */
export const programRows: Record<string, string> = {
  mo_votes: `INSERT INTO voters (member_hash) SELECT SHA2(CONCAT('drill ', seq), 256) FROM seq_1_to_2000;
INSERT INTO polls (id, title, opens_at, closes_at) VALUES (9000, 'Drill 𝄞🐘', '2026-01-01', '2026-02-01');
INSERT INTO poll_options (poll_id, position, label) SELECT 9000, seq, CONCAT('option ', seq) FROM seq_1_to_5;
INSERT INTO participations (poll_id, voter_id, voted_on) SELECT 9000, id, '2026-01-15' FROM voters;
INSERT INTO ballots (id, poll_id, position)
  SELECT UNHEX(SUBSTR('${CANARY_HEX}', 1 + 32 * (seq - 1), 32)), 9000, 1 + seq MOD 5 FROM seq_1_to_16;
`,
  mo_newsletter: `INSERT INTO subscribers (email_encrypted, email_hash) VALUES (UNHEX('${CANARY_HEX}'), SHA2('drill canary', 256));
INSERT INTO subscribers (email_encrypted, email_hash, status, confirmed_at)
  SELECT UNHEX(SHA2(CONCAT('c', seq), 512)), SHA2(CONCAT('drill ', seq), 256), 'ACTIVE', '2026-01-01' FROM seq_1_to_2500;
INSERT INTO lists (slug, name) VALUES ('drill', 'Übung 𝄞🐘');
INSERT INTO subscriptions (list_id, subscriber_id) SELECT l.id, s.id FROM lists l JOIN subscribers s WHERE l.slug = 'drill';
`,
  mo_hooks: `INSERT INTO webhook_logs (source, event_type, delivery_id, signature_valid, email_hash, payload)
  SELECT 'drill', 'row', seq, seq MOD 2, SHA2(seq, 256), JSON_OBJECT('n', seq, 'text', 'Grüße 𝄞🐘 "\\\\') FROM seq_1_to_3000;
INSERT INTO webhook_queue (log_id, target, state, attempts) SELECT id, 'crm', 'DONE', 1 FROM webhook_logs WHERE source = 'drill';
`,
  mo_consent: `INSERT INTO consent_records (email_hash, purpose, granted, policy_version, consent_timestamp, ip_hash)
  SELECT SHA2(CONCAT('drill ', seq MOD 400), 256), 'newsletter', seq MOD 2, '2026-01', '2026-01-01' + INTERVAL seq SECOND, SHA2(seq, 256)
  FROM seq_1_to_3000;
`,
  mo_analytics: `INSERT INTO page_views (day, site, path, views, visitors)
  SELECT '2024-01-01' + INTERVAL seq DAY, 'drill', CONCAT('/', REPEAT('~', seq MOD 9), seq), seq + 5, seq FROM seq_1_to_3000;
INSERT INTO event_counts (day, site, event, occurrences) SELECT '2024-01-01' + INTERVAL seq DAY, 'drill', 'row', seq FROM seq_1_to_1000;
`,
  mcp_portal: `INSERT INTO public.users (team_id, azure_oid, email, display_name, metadata)
  SELECT t.id, 'drill-' || t.name || n, 'drill' || n || '@' || t.name || '.example', 'Übung 𝄞🐘 ' || n, jsonb_build_object('n', n)
  FROM public.teams t, generate_series(1, 700) n WHERE t.name IN ('alpha', 'beta', 'platform');
INSERT INTO public.team_members (team_id, user_id) SELECT team_id, id FROM public.users WHERE azure_oid LIKE 'drill-%';
${thirtyTwos("user_sessions (team_id, user_id, token_hash, user_agent, expires_at)", "'00000000-0000-4000-8000-0000000000a0', '00000000-0000-4000-8000-0000000000a1'")}`,
  mcp_admin: `INSERT INTO public.users (clerk_id, email, display_name)
  SELECT 'user_drill' || n, 'drill' || n || '@drill.example', 'Übung 𝄞🐘 ' || n FROM generate_series(1, 2000) n;
INSERT INTO public.organization_memberships (organization_id, user_id, clerk_id, email, display_name)
  SELECT o.id, u.id, 'orgmem_drill' || right(o.id::text, 2) || substr(u.clerk_id, 11), u.email, u.display_name
  FROM public.organizations o JOIN public.users u ON u.clerk_id LIKE 'user\\_drill%' WHERE o.slug IN ('alpha', 'beta');
${thirtyTwos("sessions (organization_id, user_id, token_hash, user_agent, expires_at)", "'00000000-0000-4000-8000-0000000000a0', '00000000-0000-4000-8000-0000000000a1'")}`,
  ncy8: `INSERT INTO public.tasks (organization_id, project_id, title, description, metadata)
  SELECT p.organization_id, p.id, 'Übung 𝄞🐘 ' || n, repeat('x', n % 300), jsonb_build_object('n', n)
  FROM public.projects p, generate_series(1, 1000) n WHERE p.deleted_at IS NULL;
INSERT INTO public.access_logs (organization_id, method, endpoint, status_code, latency_ms)
  SELECT '00000000-0000-4000-8000-0000000000b0', 'GET', '/drill/' || n, 200, n FROM generate_series(1, 2000) n;
${thirtyTwos("sessions (user_id, refresh_token_hash, user_agent, expires_at)", "'00000000-0000-4000-8000-0000000000a1'")}`,
};

/** The canary in eight hashes of 32 bytes. */
function thirtyTwos(columns: string, ids: string): string {
  return `INSERT INTO public.${columns}
  SELECT ${ids}, substr('\\x${CANARY_HEX}'::bytea, 1 + 32 * n, 32), 'drill canary', now() + interval '8 hours' FROM generate_series(0, 7) n;
`;
}
