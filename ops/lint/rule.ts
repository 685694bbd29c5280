import { loginSlots } from "../../estate/naming";
import { isInternal, policyName, roleOf } from "../../estate/row-security/roles";
import { type CommandRule, commandRules } from "../../estate/row-security/rules";
import type { RowSecurityDeclaration } from "../../estate/row-security/types";
import type { PostgresEntry } from "../../estate/types";
import type { DatabaseFacts, PolicyFact } from "./facts";

export type Severity = "critical" | "high" | "medium";

/** What a server is held against. */
export interface ServerSubject {
  facts: DatabaseFacts;
  /** All that is declared on it; undefined: one database alone is looked at. */
  declared?: { databases: readonly string[]; roles: readonly string[] };
}

/** What one database is held against. */
export interface Subject extends Pick<ServerSubject, "facts"> {
  entry: Pick<PostgresEntry, "name" | "owner" | "service" | "schema">;
  /** undefined: its application decides who sees what. */
  declaration: RowSecurityDeclaration | undefined;
}

/** One place that is not as it must be. */
export interface Fault {
  /** Below the database: `public.users.member_select`, `public.note()`, a role's name. */
  at: string;
  /** What is wrong there, in a sentence without an end. */
  fault: string;
}

interface About {
  /** `<thing>-<fault>`, the same in `--json` and docs/lint.md. */
  id: string;
  severity: Severity;
  /** What must hold. */
  requirement: string;
  /** How to mend a finding. */
  mend: string;
}

/** `row-security`: databases whose schema is the program's. `everywhere`: those of applications too. */
export interface DatabaseRule extends About {
  scope: "row-security" | "everywhere";
  faults(subject: Subject): Iterable<Fault>;
}

/** Looked at once for the server, not for each database: also on one where nothing is declared. */
export interface ServerRule extends About {
  scope: "server";
  faults(subject: ServerSubject): Iterable<Fault>;
}

export type LintRule = DatabaseRule | ServerRule;

export const policyAt = ({ schema, table, name }: PolicyFact) => `${schema}.${table}.${name}`;

/** The rule that the declaration has in the policy's place; undefined: nobody declared it. */
export function declaredRule(
  { declaration }: Subject,
  { schema, table, name, roles }: PolicyFact,
): CommandRule | undefined {
  if (!declaration || schema !== declaration.schema) return undefined;
  for (const [identity, rules] of Object.entries(declaration.tables[table]?.access ?? {})) {
    if (roles.length !== 1 || roles[0] !== roleOf(declaration, identity)) continue;
    const found = commandRules(rules).find(({ command }) => policyName(identity, command) === name);
    if (found) return found;
  }
  return undefined;
}

/** Whether all roles of the policy are identities that no session becomes, each declared with its reason. */
export function isInternalPolicy({ declaration }: Subject, { roles }: PolicyFact): boolean {
  if (!declaration) return false;
  const internal = Object.keys(declaration.identities)
    .filter((identity) => isInternal(declaration, identity))
    .map((identity) => roleOf(declaration, identity));
  return roles.length > 0 && roles.every((role) => internal.includes(role));
}

/** Whoever works for the application: the service, those who log in for it, and the identities that it takes. */
export function applicationRoles({ entry, declaration }: Subject): string[] {
  const identities = declaration
    ? Object.keys(declaration.identities)
        .filter((identity) => !isInternal(declaration, identity))
        .map((identity) => roleOf(declaration, identity))
    : [];
  return [...new Set([entry.service, ...loginSlots(entry.service), ...identities])];
}
