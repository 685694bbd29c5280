/**
 * Generations of the secrets that wrap a database's keys. A secret that leaked, or that is due, is replaced in three steps
 * (docs/encryption-keys.md): raise `newest`, `up`, `estate keys rotate`; then raise `oldest` as well.
 */
export interface WrappingSecrets {
  oldest: number;
  newest: number;
}

/** Generations that are valid, newest first. */
export function wrappingGenerations({ oldest, newest }: WrappingSecrets): number[] {
  return Array.from({ length: newest - oldest + 1 }, (_, back) => newest - back);
}
