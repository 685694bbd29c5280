import { conjuncts, fingerprint } from "../expressions";
import type { PolicyFact } from "../facts";
import { type DatabaseRule, declaredRule, policyAt } from "../rule";

export const policyToPublic: DatabaseRule = {
  id: "policy-to-public",
  severity: "critical",
  requirement: "A policy is for a role, never for PUBLIC.",
  mend: "name the role: CREATE POLICY ... TO; pulumi up drops what is not declared",
  scope: "everywhere",
  *faults({ facts }) {
    for (const policy of facts.policies.filter(({ roles }) => roles.includes("public")))
      yield { at: policyAt(policy), fault: "is for PUBLIC: whoever connects" };
  },
};

const WRITES = new Set(["insert", "update", "all"]);

export const policyWithoutCheck: DatabaseRule = {
  id: "policy-without-check",
  severity: "high",
  requirement: "A policy that lets rows be written says WITH CHECK.",
  mend: "write WITH CHECK, also where it repeats USING; pulumi up does it for a declared policy",
  scope: "everywhere",
  *faults({ facts }) {
    for (const policy of facts.policies.filter(({ command, check }) => WRITES.has(command) && !check))
      yield { at: policyAt(policy), fault: `is for ${policy.command.toUpperCase()} and has no WITH CHECK` };
  },
};

export const policyCheckLooser: DatabaseRule = {
  id: "policy-check-looser",
  severity: "critical",
  requirement:
    "What a row may become is no more than what may be changed, unless the declaration says so (`becomes`).",
  mend: "repeat in WITH CHECK what USING asks for, or declare `becomes`",
  scope: "everywhere",
  *faults(subject) {
    for (const policy of subject.facts.policies) {
      const { using, check } = policy;
      if (!using || !check || !policy.permissive) continue;
      const rule = declaredRule(subject, policy);
      if (rule && rule.becomes !== rule.rows) continue;
      const kept = new Set(conjuncts(check.tree).map(fingerprint));
      if (conjuncts(using.tree).every((each) => kept.has(fingerprint(each)))) continue;
      yield {
        at: policyAt(policy),
        fault: `lets a row become what it would not let be changed: USING ${using.text}, WITH CHECK ${check.text}`,
      };
    }
  },
};

export const policiesOverlap: DatabaseRule = {
  id: "policies-overlap",
  severity: "high",
  requirement: "One permissive policy for each table, role and command: PostgreSQL joins several by OR.",
  mend: "drop all but one; what is declared has one each",
  scope: "everywhere",
  *faults({ facts }) {
    const permissive = facts.policies.filter((policy) => policy.permissive);
    for (const [index, policy] of permissive.entries()) {
      const others = permissive.slice(0, index).filter((other) => overlap(policy, other));
      if (others.length === 0) continue;
      const names = others.map(({ name }) => name).join(", ");
      yield { at: policyAt(policy), fault: `is joined by OR with ${names}: same role and command` };
    }
  },
};

function overlap(one: PolicyFact, other: PolicyFact): boolean {
  return (
    one.schema === other.schema &&
    one.table === other.table &&
    (one.command === other.command || one.command === "all" || other.command === "all") &&
    (one.roles.includes("public") ||
      other.roles.includes("public") ||
      one.roles.some((role) => other.roles.includes(role)))
  );
}
