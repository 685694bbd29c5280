import type { PostgresConnection } from "../../connect/postgres";
import { readFacts } from "./read";
import type { DatabaseRule, Fault, LintRule, ServerRule, ServerSubject, Severity, Subject } from "./rule";
import { rules } from "./rules";

export interface Finding {
  rule: string;
  severity: Severity;
  /** `mcp_portal.public.users.member_select`; of the server: `mallory`. */
  at: string;
  fault: string;
  mend: string;
}

/** What the rules for one database find there. Throws PostgresError. */
export async function lintDatabase(
  connection: PostgresConnection,
  about: Omit<Subject, "facts">,
): Promise<Finding[]> {
  const subject = { ...about, facts: await readFacts(connection) };
  const ours = about.entry.schema.owner === "program";
  return rules
    .filter(
      (rule): rule is DatabaseRule => rule.scope === "everywhere" || (rule.scope === "row-security" && ours),
    )
    .flatMap((rule) => findings(rule, rule.faults(subject), ({ at }) => `${about.entry.name}.${at}`));
}

/** What the rules about the whole server find, whichever database is open. Throws PostgresError. */
export async function lintServer(
  connection: PostgresConnection,
  about: Omit<ServerSubject, "facts">,
): Promise<Finding[]> {
  const subject = { ...about, facts: await readFacts(connection) };
  return rules
    .filter((rule): rule is ServerRule => rule.scope === "server")
    .flatMap((rule) => findings(rule, rule.faults(subject), ({ at }) => at));
}

function findings(
  { id, severity, mend }: LintRule,
  faults: Iterable<Fault>,
  place: (fault: Fault) => string,
): Finding[] {
  return [...faults].map((each) => ({ rule: id, severity, at: place(each), fault: each.fault, mend }));
}
