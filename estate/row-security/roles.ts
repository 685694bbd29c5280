import { serviceUser } from "../naming";
import type { IdentityName, RowSecurityDeclaration } from "./types";

/** The identity that is the service itself; its work in the background needs no SET ROLE. */
export const SERVICE = "service";

/** Role of the database that an identity is. */
export function roleOf(
  { database, identities }: Pick<RowSecurityDeclaration, "database" | "identities">,
  identity: IdentityName,
): string {
  if (identity === SERVICE) return serviceUser(database);
  return identities[identity]?.role ?? `${database}_${identity}`;
}

/** `internal`: no session becomes it. */
export function isInternal(
  { identities }: Pick<RowSecurityDeclaration, "identities">,
  identity: string,
): boolean {
  return identities[identity]?.internal !== undefined;
}

/** Name of the policy that holds one identity's rule for one command; unique on its table. */
export function policyName(identity: IdentityName, command: string): string {
  return `${identity}_${command}`;
}
