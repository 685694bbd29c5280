/** What a migration may not hold. Each rule says what to do instead. */
export interface Rule {
  /** Of the statement's head: see `headOf`. */
  matches: RegExp;
  fix: string;
}

export const DECLARED_RIGHTS = "roles and rights are declared, not migrated: see docs/least-privilege.md";
