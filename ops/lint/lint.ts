import type { PostgresConnection } from "../../connect/postgres";
import { readFacts } from "./read";
import type { Fault, LintRule, Severity, Subject } from "./rule";
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
  return findings(
    subject,
    rules.filter(({ scope }) => scope === "everywhere" || (scope === "row-security" && ours)),
    ({ at }) => `${about.entry.name}.${at}`,
  );
}

/** What the rules about the whole server find, whichever database is open. Throws PostgresError. */
export async function lintServer(
  connection: PostgresConnection,
  about: Omit<Subject, "facts">,
): Promise<Finding[]> {
  const subject = { ...about, facts: await readFacts(connection) };
  return findings(
    subject,
    rules.filter(({ scope }) => scope === "server"),
    ({ at }) => at,
  );
}

function findings(
  subject: Subject,
  applied: readonly LintRule[],
  place: (fault: Fault) => string,
): Finding[] {
  return applied.flatMap(({ id, severity, mend, faults }) =>
    [...faults(subject)].map((each) => ({
      rule: id,
      severity,
      at: place(each),
      fault: each.fault,
      mend,
    })),
  );
}
