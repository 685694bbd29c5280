/** A password as long as this one, and another: what a server must refuse. */
export function another(password: string): string {
  return `${password.slice(0, -1)}${password.endsWith("x") ? "y" : "x"}`;
}
