import type { SqlProbe } from "./probe";

export interface PostgresProbe extends SqlProbe {
  /** The server takes this one outside of a transaction only; it cannot succeed, see `letPastBy`. */
  withoutTransaction?: true;
}

/** insufficient_privilege */
export const REFUSED = ["42501"];

export const must = (title: string, ...statements: string[]): PostgresProbe => ({
  title,
  expected: "allowed",
  refusedBy: REFUSED,
  statements,
});

export const mustNot = (title: string, statement: string, ...letPastBy: string[]): PostgresProbe => ({
  title,
  expected: "refused",
  refusedBy: REFUSED,
  letPastBy,
  statements: [statement],
});

export const mustNotFind = (title: string, ...statements: string[]): PostgresProbe => ({
  ...mustNot(title, ""),
  statements,
  findings: true,
});

export const outside = (probe: PostgresProbe): PostgresProbe => ({ ...probe, withoutTransaction: true });
