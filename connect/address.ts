import { isIP, SocketAddress } from "node:net";

/** A source of connections: one address, or a range in CIDR notation. */
export interface AddressRange {
  family: 4 | 6;
  /** Bits of the prefix: 32 or 128 is one address. */
  prefix: number;
  /** The first address of it, as a number. */
  first: bigint;
  /** As ufw and the kernel write it: host bits cleared, IPv6 shortened, no prefix on a single address. */
  text: string;
}

/** `10.77.0.33/29` -> `10.77.0.32/29`, `fd77:0::1/128` -> `fd77::1`. undefined: neither an address nor a range. */
export function parseRange(text: string): AddressRange | undefined {
  const [base = "", prefixText, ...rest] = text.split("/");
  const family = isIP(base);
  if (family === 0 || base.includes("%") || rest.length > 0) return undefined;
  const bits = family === 4 ? 32 : 128;
  if (prefixText !== undefined && !/^\d{1,3}$/.test(prefixText)) return undefined;
  const prefix = Number(prefixText ?? bits);
  if (prefix > bits) return undefined;
  const free = BigInt(bits - prefix);
  const first = ((family === 4 ? number4(base) : number6(base)) >> free) << free;
  const network = family === 4 ? fromNumber4(first) : fromNumber6(first);
  return {
    first,
    family: family === 4 ? 4 : 6,
    prefix,
    text: prefix === bits ? network : `${network}/${prefix}`,
  };
}

/** Always with a prefix, as pg_hba.conf wants it: `10.77.0.11` -> `10.77.0.11/32`. */
export function withPrefix(text: string): string {
  const range = parseRange(text);
  if (!range) throw new Error(`"${text}" is no address and no range`);
  return `${range.text.split("/")[0]}/${range.prefix}`;
}

function number4(address: string): bigint {
  return address.split(".").reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
}

function fromNumber4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
}

function fromNumber6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}

function number6(address: string): bigint {
  // The last four bytes may be written as an IPv4 address.
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const last = dotted?.[2] === undefined ? undefined : number4(dotted[2]);
  const plain =
    last === undefined
      ? address
      : `${dotted?.[1]}${(last >> 16n).toString(16)}:${(last & 0xffffn).toString(16)}`;
  const [head = "", tail] = plain.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill("0");
  return [...before, ...zeros, ...after].reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
}

/** `10.0.0.5:3306`, `[fd77::1]:3306` */
export function endpointOf(address: string, port: number): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
