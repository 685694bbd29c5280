import { TENANT } from "./violations";

/** What looks like a violation and is none. */
export const harmless: { title: string; statements: string[] }[] = [
  {
    title: "a function of the owner's that an identity calls as declared, its path pinned",
    statements: [
      "ALTER FUNCTION public.open_loans(uuid) SECURITY DEFINER SET search_path = pg_catalog, pg_temp",
    ],
  },
  {
    title: "a function with its owner's rights that looks in the owner's own schema",
    statements: [
      "CREATE SCHEMA inner_room AUTHORIZATION library_owner",
      "GRANT USAGE ON SCHEMA inner_room TO svc_library",
      "ALTER FUNCTION public.note() SET search_path = pg_catalog, inner_room, pg_temp",
    ],
  },
  {
    title: "types, statistics and large objects of the owner's, and what an extension brings",
    statements: [
      "SET LOCAL ROLE library_owner",
      "CREATE TYPE public.span AS RANGE (subtype = int)",
      "CREATE DOMAIN public.whole AS int; CREATE TYPE public.pair AS (a public.whole, b public.span)",
      "CREATE STATISTICS public.counted ON reader_id, title FROM public.loans",
      "RESET ROLE",
      "SELECT lo_create(4711)",
      "ALTER LARGE OBJECT 4711 OWNER TO library_owner",
    ],
  },
  {
    title: "a guard that says what it does without a context",
    statements: [
      `CREATE OR REPLACE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $$ DECLARE me CONSTANT uuid := context.subject(); BEGIN
          IF context.role() IS DISTINCT FROM 'svc_library' AND NEW.reader_id IS NOT DISTINCT FROM me THEN RAISE 'not you'; END IF;
          NEW.reader_id := me; -- context.subject() = nothing
          RETURN NEW; END $$`,
    ],
  },
  {
    title: "a copy of rows that nobody but its owner reads",
    statements: [
      "CREATE MATERIALIZED VIEW public.copied AS SELECT * FROM public.loans",
      "ALTER MATERIALIZED VIEW public.copied OWNER TO library_owner",
    ],
  },
  {
    title: "a view over a table that is the same for all",
    statements: [
      "CREATE VIEW public.tongues AS SELECT code FROM public.languages",
      "ALTER VIEW public.tongues OWNER TO library_owner",
    ],
  },
  {
    title: "a restrictive policy that looks at no column",
    statements: [
      "CREATE POLICY floor ON public.loans AS RESTRICTIVE FOR SELECT TO library_reader USING ((SELECT context.verified('library_reader')))",
    ],
  },
  {
    title: "an index that only leaves NULLs out, on a reference",
    statements: [
      "ALTER TABLE public.notices ADD COLUMN loan_id uuid REFERENCES public.loans",
      "CREATE INDEX ON public.notices (loan_id) WHERE loan_id IS NOT NULL",
    ],
  },
  {
    title: "a member of an identity that can become nothing else",
    statements: ["CREATE ROLE clerk", "GRANT library_auditor TO clerk"],
  },
  {
    title: "a constant in a policy, and an immutable function",
    statements: [
      `ALTER POLICY reader_select ON public.loans USING (${TENANT} AND lower(title) <> 'x' AND state = 'wanted')`,
    ],
  },
];
