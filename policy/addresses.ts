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
  const bits = range.family === 4 ? ipv4Bits : ipv6Bits;
  if (range.prefix < bits) return `source ${source} is wider than /${bits}. Name the machines that need it`;
  if (allowed.length > 0 && !isWithin(range, allowed)) {
    return `source ${source} is outside the configured ranges (${allowed.join(", ")})`;
  }
  return undefined;
}
