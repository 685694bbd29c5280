import { BlockList } from "node:net";
import { type AddressRange, parseRange } from "../connect/address";

export function isOneAddress({ family, prefix }: AddressRange): boolean {
  return prefix === (family === 4 ? 32 : 128);
}

/** Is every address of `range` in one of `others`? */
export function isWithin(range: AddressRange, others: readonly string[]): boolean {
  return others.some((text) => {
    const other = parseRange(text);
    if (!other || other.family !== range.family || other.prefix > range.prefix) return false;
    const list = new BlockList();
    list.addSubnet(base(other), other.prefix, `ipv${other.family}`);
    return list.check(base(range), `ipv${range.family}`);
  });
}

function base({ text }: AddressRange): string {
  return text.split("/")[0] as string;
}

export interface Sources {
  /** Ranges (CIDR) that may be let in; empty: any range that is narrow enough. */
  allowed: string[];
  /** Bits that must be fixed at least: 29 is a range of 8 addresses. */
  ipv4Bits: number;
  ipv6Bits: number;
}

/** What is wrong with letting `source` in; undefined: nothing. */
export function sourceFault(source: string, { allowed, ipv4Bits, ipv6Bits }: Sources): string | undefined {
  const range = parseRange(source);
  if (!range) return `source ${JSON.stringify(source)} is no address or range. Write it as 203.0.113.11/32`;
  // To some programs 0.0.0.0 and :: mean everybody.
  if (range.first === 0n && isOneAddress(range))
    return `source ${source} is no machine. Name the machines that need it`;
  const bits = range.family === 4 ? ipv4Bits : ipv6Bits;
  if (range.prefix < bits) return `source ${source} is wider than /${bits}. Name the machines that need it`;
  if (allowed.length > 0 && !isWithin(range, allowed)) {
    return `source ${source} is outside the configured ranges (${allowed.join(", ")})`;
  }
  return undefined;
}

/** Addresses that one port may open to all in all: four ranges of the widest. */
const RANGES = 4n;

/**
 * What is wrong with the sources of a door, or the destinations of a way out, taken together: ranges side by side are one wide range, and many narrow ones
 * let in as many machines.
 */
export function* unionFaults(
  doors: readonly { port: string; from: unknown }[],
  sources: Sources,
  what: "sources" | "destinations" = "sources",
): Iterable<string> {
  const ports = new Map<string, AddressRange[]>();
  for (const { port, from } of doors) {
    const range = typeof from === "string" ? parseRange(from) : undefined;
    // One that is too wide by itself is said by itself.
    const narrow = range && range.prefix >= (range.family === 4 ? sources.ipv4Bits : sources.ipv6Bits);
    if (range && narrow) ports.set(port, [...(ports.get(port) ?? []), range]);
  }
  for (const [port, ranges] of ports) {
    for (const family of [4, 6] as const) {
      const most = RANGES << BigInt(family === 4 ? 32 - sources.ipv4Bits : 128 - sources.ipv6Bits);
      const count = addresses(ranges.filter((range) => range.family === family));
      if (count > most)
        yield `port ${port}: all ${what} together are ${count} addresses of IPv${family}. Name ${most} or fewer`;
    }
  }
}

/** How many addresses some ranges of one family are, each counted once. */
function addresses(ranges: readonly AddressRange[]): bigint {
  let count = 0n;
  let end = -1n;
  for (const { first, prefix, family } of [...ranges].sort((a, b) => (a.first < b.first ? -1 : 1))) {
    const last = first + (1n << BigInt((family === 4 ? 32 : 128) - prefix)) - 1n;
    if (last > end) count += last - (first > end ? first - 1n : end);
    if (last > end) end = last;
  }
  return count;
}
