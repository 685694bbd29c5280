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
      "CREATE POLICY floor ON public.loans AS RESTRICTIVE FOR SELECT TO library_reader USING ((SELECT context.verified()))",
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
