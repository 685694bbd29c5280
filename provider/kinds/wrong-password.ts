/** A password as long as this one, and another: what a server must refuse. */
export function another(password: string): string {
  return `${password.slice(0, -1)}${password.endsWith("x") ? "y" : "x"}`;
}

/**
 * What became of a new password that failed its trial, and of the one before it.
 * @param former "refuse": after a leak the former one was refused when the new one was written
 */
export function failedTrial(who: string, what: string, former: "keep" | "refuse"): string {
  const then =
    former === "keep"
      ? "It is not published; the former one stays valid"
      : "It is not published, and the former one is refused already: the service cannot log in until `pulumi up` succeeds";
  return `${who}: the new password was written, but ${what}. ${then}`;
}
