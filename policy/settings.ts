/** Shapes of settings that several rules have. */

/** A list of texts with its default. */
export function textList(description: string, items: string[]) {
  return { type: "array" as const, items: { type: "string" as const }, default: items, description };
}

/** A whole number with its default and limits. */
export function wholeNumber(description: string, value: number, minimum: number, maximum: number) {
  return { type: "integer" as const, default: value, minimum, maximum, description };
}

/** Which sources a door may open to: see `Sources` in addresses.ts. */
export function sourceSettings(ipv4Bits: number, ipv6Bits: number) {
  return {
    allowed: textList("Ranges (CIDR) that may be let in; empty: any that is narrow enough", []),
    ipv4Bits: wholeNumber("Bits of an IPv4 source that are fixed, at least", ipv4Bits, 1, 32),
    ipv6Bits: wholeNumber("Bits of an IPv6 source that are fixed, at least", ipv6Bits, 1, 128),
  };
}
