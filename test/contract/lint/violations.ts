/** One change by hand that a rule is there to find, made in a transaction that is rolled back. */
export interface Violation {
  rule: string;
  title: string;
  statements: string[];
  /** Where the rule finds it. */
  at: string[];
  /** What other rules find there too, `rule at`. */
  also?: string[];
  /** The server is held against what is declared on it, too. */
  server?: true;
  /** What a rollback does not take back. */
  cleanup?: string[];
}

const on = (table: string, name: string) => `library.public.${table}.${name}`;
export const TENANT = "branch_id = (SELECT context.tenant('library_reader'))";
/** Of the other identity. */
const BRANCH = "branch_id = (SELECT context.tenant('library_librarian'))";

export const violations: Violation[] = [
  {
    rule: "object-owner-foreign",
    title: "a table, a sequence, a function and a schema of somebody else",
    statements: [
      "CREATE ROLE somebody",
      "CREATE SCHEMA others AUTHORIZATION somebody",
      "ALTER TABLE public.loans OWNER TO somebody",
      "CREATE SEQUENCE public.numbers; ALTER SEQUENCE public.numbers OWNER TO somebody",
      "CREATE FUNCTION public.one() RETURNS int LANGUAGE sql RETURN 1; ALTER FUNCTION public.one() OWNER TO somebody",
    ],
    at: ["library.others", "library.public.loans", "library.public.numbers", "library.public.one()"],
  },
  ...[
    ["type public.mood", "CREATE TYPE public.mood AS ENUM ('good')", "TYPE public.mood"],
    ["type public.whole", "CREATE DOMAIN public.whole AS int", "DOMAIN public.whole"],
    ["type public.span", "CREATE TYPE public.span AS RANGE (subtype = int)", "TYPE public.span"],
    ["type public.pair", "CREATE TYPE public.pair AS (a int, b int)", "TYPE public.pair"],
    [
      "aggregate public.total",
      "CREATE AGGREGATE public.total(int) (sfunc = int4pl, stype = int)",
      "AGGREGATE public.total(int)",
    ],
    [
      "operator public.===",
      "CREATE OPERATOR public.=== (leftarg = int, rightarg = int, function = int4eq)",
      "OPERATOR public.=== (int, int)",
    ],
    [
      "operator family public.many",
      "CREATE OPERATOR FAMILY public.many USING btree",
      "OPERATOR FAMILY public.many USING btree",
    ],
    [
      "collation public.sorted",
      "CREATE COLLATION public.sorted (provider = icu, locale = 'de')",
      "COLLATION public.sorted",
    ],
    [
      "conversion public.converted",
      "CREATE CONVERSION public.converted FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
      "CONVERSION public.converted",
    ],
    [
      "text search dictionary public.words",
      "CREATE TEXT SEARCH DICTIONARY public.words (TEMPLATE = simple)",
      "TEXT SEARCH DICTIONARY public.words",
    ],
    [
      "text search configuration public.found",
      "CREATE TEXT SEARCH CONFIGURATION public.found (COPY = simple)",
      "TEXT SEARCH CONFIGURATION public.found",
    ],
    [
      "statistics public.counted",
      "CREATE STATISTICS public.counted ON reader_id, title FROM public.loans",
      "STATISTICS public.counted",
    ],
    ["large object 4711", "SELECT lo_create(4711)", "LARGE OBJECT 4711"],
    ["database", "SELECT 1", "DATABASE library"],
  ].map(
    ([at, made, object]): Violation => ({
      rule: "object-owner-foreign",
      title: `${at} of somebody else`,
      statements: ['CREATE ROLE "o\'dd %"', `${made}; ALTER ${object} OWNER TO "o'dd %"`],
      at: [`library.${at}`],
    }),
  ),
  {
    rule: "object-owner-foreign",
    title: "an extension that its application cannot update any more",
    statements: [
      "CREATE ROLE somebody",
      "UPDATE pg_extension SET extowner = 'somebody'::regrole WHERE extname = 'plpgsql'",
    ],
    at: ["library.extension plpgsql"],
  },
  {
    rule: "object-reaches-out",
    title: "whatever leads out of the database, or changes what its types mean",
    statements: [
      "CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
      "ALTER FUNCTION public.watch() OWNER TO library_owner",
      "CREATE EVENT TRIGGER watch ON ddl_command_start EXECUTE FUNCTION public.watch()",
      "CREATE PUBLICATION rows FOR TABLE public.loans",
      "ALTER PUBLICATION rows OWNER TO library_owner",
      "CREATE SUBSCRIPTION others CONNECTION 'host=127.0.0.1' PUBLICATION rows WITH (connect = false)",
      "CREATE FOREIGN DATA WRAPPER away",
      "CREATE SERVER there FOREIGN DATA WRAPPER away",
      "CREATE CAST (text AS int) WITH INOUT AS IMPLICIT",
    ],
    at: [
      "library.cast text as integer",
      "library.event trigger watch",
      "library.foreign server there",
      "library.foreign-data wrapper away",
      "library.publication rows",
      "library.subscription others",
    ],
  },
  {
    rule: "function-untrusted",
    title: "a function of the server's own code",
    statements: [
      "CREATE FUNCTION public.pid() RETURNS int LANGUAGE internal AS 'pg_backend_pid'",
      "ALTER FUNCTION public.pid() OWNER TO library_owner",
    ],
    at: ["library.public.pid()"],
  },
  {
    rule: "server-collation-outdated",
    title: "what others are made from, from before an upgrade of the system",
    statements: ["UPDATE pg_database SET datcollversion = '2.28' WHERE datname = 'template1'"],
    at: ["database template1"],
  },
  {
    rule: "replication-slot-left",
    title: "a slot that nobody reads",
    statements: ["SELECT pg_create_physical_replication_slot('left_over')"],
    at: ["replication slot left_over"],
    cleanup: ["SELECT pg_drop_replication_slot('left_over')"],
  },
  {
    rule: "database-undeclared",
    title: "a database that somebody made by hand",
    statements: ["UPDATE pg_database SET datname = 'o''dd %' WHERE datname = 'template1'"],
    at: ["database o'dd %"],
    server: true,
  },
  {
    rule: "role-undeclared",
    title: "a login and a role that somebody made by hand",
    statements: ['CREATE ROLE "o\'dd %" LOGIN', "CREATE ROLE ünknown"],
    at: ["o'dd %", "ünknown"],
    server: true,
  },
  ...['"$user", pg_temp', "open, pg_temp", '"pg_catalog, pg_temp"'].map(
    (path): Violation => ({
      rule: "definer-path-unpinned",
      title: `a path in which somebody else may make something: ${path}`,
      statements: [
        "CREATE SCHEMA open AUTHORIZATION library_owner",
        "GRANT CREATE ON SCHEMA open TO svc_library",
        `ALTER FUNCTION public.note() SET search_path = ${path}`,
      ],
      at: ["library.public.note()"],
    }),
  ),
  {
    rule: "extension-outdated",
    title: "an extension at another version than the server offers",
    statements: ["UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'plpgsql'"],
    at: ["library.extension plpgsql"],
  },
  {
    rule: "collation-outdated",
    title: "a database, and a collation that a column uses, from before an upgrade of the system",
    statements: [
      "UPDATE pg_database SET datcollversion = '2.28' WHERE datname = 'library'",
      "CREATE COLLATION public.old (provider = icu, locale = 'de-AT')",
      "ALTER COLLATION public.old OWNER TO library_owner",
      "UPDATE pg_collation SET collversion = '1.0' WHERE collname = 'old'",
    ],
    at: ["library.collation old", "library.database"],
  },
  {
    rule: "row-security-off",
    title: "row security that was switched off, and a table that nobody declared",
    statements: [
      "ALTER TABLE public.loans DISABLE ROW LEVEL SECURITY",
      "CREATE TABLE public.diary (id int PRIMARY KEY)",
    ],
    at: ["library.public.diary", "library.public.loans"],
    also: ["owner-is-application library.public.diary", "object-owner-foreign library.public.diary"],
  },
  {
    rule: "row-security-off",
    title: "a table of another schema that somebody was let in to",
    statements: [
      "CREATE SCHEMA side CREATE TABLE side.diary (id int PRIMARY KEY)",
      "ALTER TABLE side.diary OWNER TO library_owner",
      "GRANT SELECT ON side.diary TO svc_library",
    ],
    at: ["library.side.diary"],
    also: ["object-owner-foreign library.side"],
  },
  {
    rule: "row-security-not-forced",
    title: "a table whose owner sees all",
    statements: ["ALTER TABLE public.branches NO FORCE ROW LEVEL SECURITY"],
    at: ["library.public.branches"],
  },
  {
    rule: "row-security-without-policy",
    title: "a table without policies, and one that only takes away",
    statements: [
      "DROP POLICY auditor_select ON public.log",
      "DROP POLICY owner_insert ON public.log",
      "DROP POLICY reader_select ON public.notices",
      "CREATE POLICY floor ON public.notices AS RESTRICTIVE FOR SELECT TO library_reader " +
        "USING (branch_id = (SELECT context.tenant('library_reader')))",
    ],
    at: ["library.public.log", "library.public.notices"],
  },
  {
    rule: "policy-to-public",
    title: "a policy for everybody",
    statements: ["ALTER POLICY auditor_select ON public.branches TO PUBLIC"],
    at: [on("branches", "auditor_select")],
    also: [
      `policies-overlap ${on("branches", "librarian_select")}`,
      `policies-overlap ${on("branches", "reader_select")}`,
      `policies-overlap ${on("branches", "service_select")}`,
      `policy-any-role ${on("branches", "auditor_select")}`,
      `policy-without-column ${on("branches", "auditor_select")}`,
    ],
  },
  ...["true", `${BRANCH} OR true`, `(${BRANCH} OR 1 = 1) AND returned`, "(SELECT true)", "NOT false"].map(
    (expression): Violation => ({
      rule: "policy-always-true",
      title: `a policy that is true: ${expression}`,
      statements: [`ALTER POLICY librarian_delete ON public.loans USING (${expression})`],
      at: [on("loans", "librarian_delete")],
      also: [
        ...(expression.includes("branch_id")
          ? []
          : [`policy-without-column ${on("loans", "librarian_delete")}`]),
        ...(expression === `${BRANCH} OR true`
          ? [`policy-index-missing ${on("loans", "librarian_delete")}`]
          : []),
        ...(expression.includes("1 = 1")
          ? [`policy-without-context ${on("loans", "librarian_delete")}`]
          : []),
      ],
    }),
  ),
  ...[
    "returned",
    `${BRANCH} OR returned`,
    "reader_id = (SELECT nullif(current_setting('app.user', true), '')::uuid)",
  ].map(
    (expression): Violation => ({
      rule: "policy-without-context",
      title: `a policy that who has signed nothing can meet: ${expression}`,
      statements: [`ALTER POLICY librarian_delete ON public.loans USING (${expression})`],
      at: [on("loans", "librarian_delete")],
      also: expression === "returned" ? [] : [`policy-index-missing ${on("loans", "librarian_delete")}`],
    }),
  ),
  ...[
    `(SELECT context.tenant('library_librarian')) IS NULL OR ${BRANCH}`,
    `(SELECT context.verified('library_librarian')) IS NOT TRUE OR ${BRANCH}`,
    `NOT (SELECT context.verified('library_librarian')) OR ${BRANCH}`,
    `${BRANCH} OR (SELECT context.role()) = ''`,
  ].map(
    (expression): Violation => ({
      rule: "policy-open-without-context",
      title: `a policy that opens where the context is missing: ${expression}`,
      statements: [`ALTER POLICY librarian_delete ON public.loans USING (${expression})`],
      at: [on("loans", "librarian_delete")],
      also: [
        ...(expression.includes("role()") ? [`policy-any-role ${on("loans", "librarian_delete")}`] : []),
        `policy-index-missing ${on("loans", "librarian_delete")}`,
      ],
    }),
  ),
  {
    rule: "policy-open-without-context",
    title: "a policy that takes the row's own value where the context is missing",
    statements: [
      "ALTER POLICY librarian_delete ON public.loans USING (branch_id = coalesce((SELECT context.tenant('library_librarian')), branch_id))",
    ],
    at: [on("loans", "librarian_delete")],
  },
  ...["branch_id = (SELECT context.tenant())", BRANCH].map(
    (expression): Violation => ({
      rule: "policy-any-role",
      title: `a policy that who has another role meets: ${expression}`,
      statements: [`ALTER POLICY reader_select ON public.loans USING (${expression})`],
      at: [on("loans", "reader_select")],
    }),
  ),
  {
    rule: "policy-without-column",
    title: "a policy that looks at no column, where the declaration does not say `all`",
    statements: [
      "ALTER POLICY reader_select ON public.loans USING ((SELECT context.tenant('library_reader')) IS NOT NULL)",
    ],
    at: [on("loans", "reader_select")],
  },
  {
    rule: "policy-without-check",
    title: "a policy for all commands that has only USING",
    statements: [
      "ALTER TABLE public.notices ADD COLUMN reader_id uuid",
      "CREATE POLICY by_hand ON public.notices FOR ALL TO library_librarian USING (branch_id = (SELECT context.tenant('library_librarian')))",
      "CREATE INDEX ON public.notices (branch_id)",
    ],
    at: [on("notices", "by_hand")],
  },
  {
    rule: "policy-check-looser",
    title: "a row that may be moved to another tenant",
    statements: [
      "ALTER POLICY librarian_update ON public.branches WITH CHECK ((SELECT context.verified('library_librarian')))",
    ],
    at: [on("branches", "librarian_update")],
    also: [`policy-without-column ${on("branches", "librarian_update")}`],
  },
  {
    rule: "policies-overlap",
    title: "two policies of one role, one of them for all commands",
    statements: [
      `CREATE POLICY by_hand ON public.loans FOR ALL TO library_reader USING (${TENANT} AND returned) WITH CHECK (${TENANT} AND returned)`,
    ],
    at: [on("loans", "reader_insert"), on("loans", "reader_select")],
  },
  {
    rule: "policy-function-per-row",
    title: "one call that is wrapped and one that is not",
    statements: [
      "ALTER POLICY reader_select ON public.loans " +
        "USING (branch_id = (SELECT context.tenant('library_reader')) AND reader_id = context.subject('library_reader'))",
    ],
    at: [on("loans", "reader_select")],
  },
  {
    rule: "policy-function-per-row",
    title: "a call in a sub-select that reads rows",
    statements: [
      `ALTER POLICY reader_select ON public.loans USING (${TENANT} AND EXISTS (SELECT FROM public.branches b WHERE b.id = context.tenant('library_reader')))`,
    ],
    at: [on("loans", "reader_select")],
  },
  {
    rule: "policy-volatile",
    title: "a function that may answer differently for each row",
    statements: [
      "CREATE FUNCTION public.lucky() RETURNS boolean LANGUAGE sql AS 'SELECT random() > 0.5'",
      "ALTER FUNCTION public.lucky() OWNER TO library_owner",
      `ALTER POLICY reader_select ON public.loans USING (${TENANT} AND (SELECT public.lucky()))`,
    ],
    at: [on("loans", "reader_select")],
  },
  {
    rule: "policy-index-missing",
    title: "an index that was dropped, and one that is not over all rows",
    statements: [
      "DROP INDEX public.loans_branch_id_policy",
      "CREATE INDEX ON public.loans (branch_id) WHERE returned",
    ],
    at: ["librarian_delete", "librarian_select", "librarian_update", "reader_select"].map((name) =>
      on("loans", name),
    ),
    also: ["foreign-key-unindexed library.public.loans.loans_branch_id_fkey"],
  },
  {
    rule: "policy-index-missing",
    title: "an OR that was not declared",
    statements: [
      `ALTER POLICY reader_select ON public.loans USING (${TENANT} OR reader_id = (SELECT context.subject('library_reader')))`,
    ],
    at: [on("loans", "reader_select")],
  },
  ...["current_setting('app.tenant')::uuid", "current_setting('app.tenant', true)::uuid"].map(
    (setting): Violation => ({
      rule: "policy-setting-unsafe",
      title: `a setting that fails where it is missing or empty: ${setting}`,
      statements: [
        `ALTER POLICY reader_select ON public.loans USING (${TENANT} AND branch_id = (SELECT ${setting}))`,
      ],
      at: [on("loans", "reader_select")],
    }),
  ),
  {
    rule: "policy-current-user",
    title: "a comparison with the role that all share",
    statements: [`ALTER POLICY reader_select ON public.loans USING (${TENANT} AND title = CURRENT_USER)`],
    at: [on("loans", "reader_select")],
  },
  {
    rule: "policy-literal-tenant",
    title: "a tenant by name",
    statements: [
      `ALTER POLICY reader_select ON public.loans USING (${TENANT} AND branch_id <> '00000000-0000-0000-0000-000000000001')`,
    ],
    at: [on("loans", "reader_select")],
  },
  {
    rule: "view-not-invoker",
    title: "a view as its owner sees it, through another one",
    statements: [
      "CREATE VIEW public.lent_loans WITH (security_invoker = true) AS SELECT * FROM public.wanted_loans",
      "CREATE VIEW public.all_loans AS SELECT * FROM public.lent_loans",
      "ALTER VIEW public.lent_loans OWNER TO library_owner",
      "ALTER VIEW public.all_loans OWNER TO library_owner",
    ],
    at: ["library.public.all_loans"],
  },
  {
    rule: "materialized-view-readable",
    title: "a copy of the rows that has no row security",
    statements: [
      "CREATE MATERIALIZED VIEW public.copied AS SELECT * FROM public.loans",
      "ALTER MATERIALIZED VIEW public.copied OWNER TO library_owner",
      "GRANT SELECT ON public.copied TO library_reader",
    ],
    at: ["library.public.copied"],
  },
  {
    rule: "foreign-table-readable",
    title: "rows of another server",
    statements: [
      "CREATE FOREIGN DATA WRAPPER nowhere",
      "CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere",
      "CREATE FOREIGN TABLE public.abroad (id int) SERVER elsewhere",
      "ALTER FOREIGN TABLE public.abroad OWNER TO library_owner",
      "GRANT SELECT ON public.abroad TO svc_library",
    ],
    at: ["library.public.abroad"],
    also: [
      "object-reaches-out library.foreign server elsewhere",
      "object-reaches-out library.foreign-data wrapper nowhere",
    ],
  },
  {
    rule: "definer-path-unpinned",
    title: "an owner's function without a path, and one whose path begins with temporary tables",
    statements: [
      "ALTER FUNCTION public.note() RESET search_path",
      "ALTER FUNCTION public.open_loans(uuid) SECURITY DEFINER SET search_path = pg_temp, pg_catalog",
    ],
    at: ["library.public.note()", "library.public.open_loans(uuid)"],
  },
  {
    rule: "definer-path-unpinned",
    title: "a path that leaves pg_temp out: it is searched first then",
    statements: ["ALTER FUNCTION public.note() SET search_path = pg_catalog"],
    at: ["library.public.note()"],
  },
  {
    rule: "definer-executable",
    title: "an owner's function that everybody may call",
    statements: ["GRANT EXECUTE ON FUNCTION public.note() TO PUBLIC"],
    at: ["library.public.note()"],
  },
  {
    rule: "definer-executable",
    title: "an owner's function for an identity that the declaration does not name",
    statements: [
      "ALTER FUNCTION public.open_loans(uuid) SECURITY DEFINER SET search_path = pg_catalog, pg_temp",
      "GRANT EXECUTE ON FUNCTION public.open_loans(uuid) TO library_reader",
    ],
    at: ["library.public.open_loans(uuid)"],
  },
  {
    rule: "guard-compares-null",
    title: "a guard that compares with a context that may be NULL",
    statements: [
      `CREATE OR REPLACE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $$ BEGIN IF NEW.reader_id = context.subject() THEN RAISE 'not you'; END IF; RETURN NEW; END $$`,
    ],
    at: ["library.public.note()"],
  },
  {
    rule: "guard-compares-null",
    title: "a guard that compares with a role",
    statements: [
      `CREATE OR REPLACE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $$ BEGIN IF context.role() <> 'svc_library' THEN RAISE 'not you'; END IF; RETURN NEW; END $$`,
    ],
    at: ["library.public.note()"],
  },
  {
    rule: "guard-compares-null",
    title: "a guard that compares with a variable that holds the context",
    statements: [
      `CREATE OR REPLACE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $$ DECLARE me CONSTANT uuid := context.subject(); BEGIN IF NEW.reader_id = me THEN RAISE 'not you'; END IF; RETURN NEW; END $$`,
    ],
    at: ["library.public.note()"],
  },
  {
    rule: "setting-not-held",
    title: "a function that reads a setting that nothing holds",
    statements: [
      `CREATE OR REPLACE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $$ BEGIN INSERT INTO public.log (words) VALUES (current_setting('app.anything', true)); RETURN NULL; END $$`,
    ],
    at: ["library.public.note()"],
  },
  {
    rule: "function-leakproof",
    title: "a function that is given hidden rows",
    statements: ["ALTER FUNCTION public.open_loans(uuid) LEAKPROOF"],
    at: ["library.public.open_loans(uuid)"],
  },
  {
    rule: "role-passes-row-security",
    title: "a superuser and a role that passes by",
    statements: ["CREATE ROLE eve BYPASSRLS", "CREATE ROLE root SUPERUSER"],
    at: ["eve", "root"],
  },
  {
    rule: "role-reaches-power",
    title: "a service that can become the owner, through another role",
    statements: [
      "CREATE ROLE stairs",
      "GRANT library_owner TO stairs WITH INHERIT FALSE, SET TRUE",
      "GRANT stairs TO svc_library WITH INHERIT FALSE, SET TRUE",
    ],
    at: ["library.svc_library"],
  },
  {
    rule: "role-reaches-power",
    title: "an identity that reads all of the server, and one that passes row security by",
    statements: [
      "CREATE ROLE eve BYPASSRLS",
      "GRANT eve TO library_auditor",
      "GRANT pg_read_all_data TO library_reader",
    ],
    at: ["library.library_auditor", "library.library_reader", "library.svc_library", "library.svc_library"],
    also: ["role-passes-row-security eve"],
  },
  {
    rule: "owner-is-application",
    title: "a table of the service's, and one of somebody who logs in",
    statements: [
      "CREATE ROLE mallory LOGIN",
      "ALTER TABLE public.loans OWNER TO svc_library",
      "ALTER TABLE public.notices OWNER TO mallory",
    ],
    at: ["library.public.loans", "library.public.notices"],
    also: ["object-owner-foreign library.public.notices"],
  },
  {
    rule: "context-keys-readable",
    title: "the signing keys",
    statements: ["GRANT SELECT (id) ON context.keys TO svc_library"],
    at: ["library.context.keys"],
    also: ["row-security-off library.context.keys"],
  },
  {
    rule: "grant-around-rows",
    title: "what no policy binds",
    statements: ["GRANT TRUNCATE, REFERENCES (title), TRIGGER ON public.loans TO svc_library"],
    at: ["library.public.loans", "library.public.loans", "library.public.loans"],
  },
  {
    rule: "partition-granted",
    title: "a partition, past its parent",
    statements: ["GRANT SELECT ON public.log_default TO library_auditor"],
    at: ["library.public.log_default"],
  },
  {
    rule: "foreign-key-unindexed",
    title: "a reference that is looked for by reading all rows",
    statements: [
      "ALTER TABLE public.notices ADD COLUMN loan_id uuid REFERENCES public.loans",
      "CREATE INDEX ON public.notices (loan_id) WHERE words IS NOT NULL",
    ],
    at: [on("notices", "notices_loan_id_fkey")],
  },
  {
    rule: "primary-key-missing",
    title: "a table whose rows nothing tells apart",
    statements: ["ALTER TABLE public.languages DROP CONSTRAINT languages_pkey"],
    at: ["library.public.languages"],
  },
];
