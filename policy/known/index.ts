import { AWS_TYPES } from "./aws";
import { ESTATE_TYPES } from "./estate";
import { OTHER_TYPES, REFUSED } from "./others";
import type { KnownType } from "./type";

export type { KnownType } from "./type";

/** Every type that a program may declare without being asked why. */
export const KNOWN_TYPES: Readonly<Record<string, KnownType>> = {
  ...AWS_TYPES,
  ...ESTATE_TYPES,
  ...OTHER_TYPES,
};

/** Why a type is never declared; undefined: it may be. */
export function refusalOf(type: string): string | undefined {
  return REFUSED.find(({ matches }) => matches.test(type))?.because;
}
