import { PROJECT, TENANT } from "./database";

export const KINDS = ["SELECT", "JOIN", "aggregate", "INSERT", "UPDATE"] as const;
export type Kind = (typeof KINDS)[number];

/**
 * One statement, said in two ways: `guarded` leaves the tenant to row security, `plain` names it. `page`: what a page of an
 * application asks for, thousands of rows looked at; `row`: one row or twenty, where the price of a statement counts most.
 */
export interface Operation {
  kind: Kind;
  size: "page" | "row";
  guarded: string;
  plain: string;
  /** How often in one sample. */
  times: number;
}

/** `of("t")` in a text is the tenant's predicate on the table of that alias. */
function both(
  kind: Kind,
  size: Operation["size"],
  text: (of: (alias: string) => string) => string,
): Operation {
  return {
    kind,
    size,
    guarded: text(() => ""),
    plain: text((alias) => `${alias}.organization_id = '${TENANT}' AND `),
    times: size === "page" ? 1 : 20,
  };
}

const COLUMNS = "organization_id, project_id, title, status";

/** @param task id of one task of the measured tenant */
export function operations(task: string): Operation[] {
  return [
    both(
      "SELECT",
      "page",
      (of) => `SELECT t.id, t.title, t.created_at FROM public.tasks t WHERE ${of("t")}t.status = 'TODO'`,
    ),
    both(
      "JOIN",
      "page",
      (of) => `SELECT t.id, t.title, p.name FROM public.tasks t
        JOIN public.projects p ON p.id = t.project_id AND p.organization_id = t.organization_id
        WHERE ${of("t")}${of("p")}t.status IN ('TODO', 'REVIEW')`,
    ),
    both(
      "aggregate",
      "page",
      (of) => `SELECT t.project_id, t.status, count(*), max(t.created_at) FROM public.tasks t
        WHERE ${of("t")}t.title <> '' GROUP BY t.project_id, t.status`,
    ),
    both(
      "INSERT",
      "page",
      () => `INSERT INTO public.tasks (${COLUMNS})
        SELECT '${TENANT}'::uuid, '${PROJECT}'::uuid, 'new ' || n, 'TODO' FROM generate_series(1, 1000) n`,
    ),
    both(
      "UPDATE",
      "page",
      (of) => `UPDATE public.tasks t SET priority = 'HIGH' WHERE ${of("t")}t.project_id = '${PROJECT}'`,
    ),
    both(
      "SELECT",
      "row",
      (of) => `SELECT t.id, t.title, t.status FROM public.tasks t WHERE ${of("t")}t.id = '${task}'`,
    ),
    both(
      "JOIN",
      "row",
      (of) => `SELECT t.id, t.title, p.name FROM public.tasks t
        JOIN public.projects p ON p.id = t.project_id AND p.organization_id = t.organization_id
        WHERE ${of("t")}${of("p")}t.project_id = '${PROJECT}' AND t.deleted_at IS NULL
        ORDER BY t.created_at DESC LIMIT 20`,
    ),
    both(
      "aggregate",
      "row",
      (of) => `SELECT count(*) FROM public.tasks t
        WHERE ${of("t")}t.project_id = '${PROJECT}' AND t.status = 'REVIEW' AND t.deleted_at IS NULL`,
    ),
    both(
      "INSERT",
      "row",
      () => `INSERT INTO public.tasks (${COLUMNS}) VALUES ('${TENANT}', '${PROJECT}', 'one', 'TODO')`,
    ),
    both(
      "UPDATE",
      "row",
      (of) => `UPDATE public.tasks t SET priority = 'HIGH' WHERE ${of("t")}t.id = '${task}'`,
    ),
  ];
}
