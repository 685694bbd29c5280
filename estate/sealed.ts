/**
 * Databases whose settings are sealed with keys that `estate keys rotate` makes, and the secrets that wrap those keys. A secret
 * that leaked, or that is due, is replaced in three steps (docs/encryption-keys.md): raise `newest`, `up`, `estate keys rotate`;
 * then raise `oldest` as well.
 */
export interface SealedDatabase {
  database: string;
  wrappingSecrets: { oldest: number; newest: number };
}

export const sealedDatabases: readonly SealedDatabase[] = [
  { database: "mcp_portal", wrappingSecrets: { oldest: 1, newest: 1 } },
];

/** Generations of the wrapping secret that are valid, newest first. */
export function wrappingGenerations({ wrappingSecrets: { oldest, newest } }: SealedDatabase): number[] {
  return Array.from({ length: newest - oldest + 1 }, (_, back) => newest - back);
}
