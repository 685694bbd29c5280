import { type DatabaseFacts, nameOf, type RelationFact } from "../facts";
import type { DatabaseRule } from "../rule";

/** The tables with row security that a view reads, through other views too. */
function guardedBelow(facts: DatabaseFacts, view: RelationFact): string[] {
  const byName = new Map(facts.relations.map((relation) => [nameOf(relation), relation]));
  const guarded = new Set<string>();
  const seen = new Set<string>();
  const look = (names: readonly string[]) => {
    for (const name of names) {
      const relation = byName.get(name);
      if (!relation || seen.has(name)) continue;
      seen.add(name);
      if (relation.rowSecurity) guarded.add(name);
      look(relation.reads);
    }
  };
  look(view.reads);
  return [...guarded].sort();
}

const readers = ({ grants }: RelationFact) => [
  ...new Set(grants.filter(({ privilege }) => privilege === "SELECT").map(({ grantee }) => grantee)),
];

export const viewNotInvoker: DatabaseRule = {
  id: "view-not-invoker",
  severity: "critical",
  requirement: "A view over a table with row security looks with the rights of who asks.",
  mend: "ALTER VIEW ... SET (security_invoker = true); pulumi up does it for a declared view",
  scope: "everywhere",
  *faults({ facts }) {
    for (const view of facts.relations.filter(({ kind, invoker }) => kind === "view" && !invoker)) {
      const below = guardedBelow(facts, view);
      if (below.length > 0)
        yield { at: nameOf(view), fault: `shows ${below.join(", ")} as its owner ${view.owner} sees it` };
    }
  },
};

export const materializedViewReadable: DatabaseRule = {
  id: "materialized-view-readable",
  severity: "critical",
  requirement:
    "Nobody but its owner reads a materialized view over a table with row security: it has none itself.",
  mend: "REVOKE SELECT on it, and let a function that asks for the context answer from it",
  scope: "everywhere",
  *faults({ facts }) {
    for (const view of facts.relations.filter(({ kind }) => kind === "materialized view")) {
      const below = guardedBelow(facts, view);
      for (const reader of below.length > 0 ? readers(view) : [])
        yield { at: nameOf(view), fault: `${reader} reads rows of ${below.join(", ")} there` };
    }
  },
};

export const foreignTableReadable: DatabaseRule = {
  id: "foreign-table-readable",
  severity: "critical",
  requirement: "Nobody but its owner reads a foreign table: no policy holds on it, whatever is behind.",
  mend: "REVOKE SELECT on it, or read it through a function that asks for the context",
  scope: "row-security",
  *faults({ facts }) {
    for (const table of facts.relations.filter(({ kind }) => kind === "foreign table")) {
      for (const reader of readers(table))
        yield { at: nameOf(table), fault: `${reader} reads it, past row security` };
    }
  },
};
