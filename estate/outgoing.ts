import { isIP } from "node:net";
import { z } from "zod";
import { parseRange } from "../connect/address";
import { ANYWHERE, DESTINATION_BITS } from "./destinations";
import type { Fault } from "./faults";
import type { BackupConfig, OutgoingEntry, StackConfig } from "./types";

const destination = z.string().superRefine((text, context) => {
  const range = parseRange(text);
  if (!range) {
    context.addIssue({
      code: "custom",
      message: "give an address or a range such as 203.0.113.0/24; a firewall knows no names",
    });
  } else if (range.prefix < DESTINATION_BITS[range.family]) {
    const bits = DESTINATION_BITS[range.family];
    context.addIssue({
      code: "custom",
      message: `name a range no wider than /${bits}; list several, or say any where addresses are not known`,
    });
  }
});

const entry = z
  .strictObject({
    // ufw keeps it beside the rule.
    purpose: z
      .string()
      .regex(
        /^[A-Za-z0-9 ,.:()_/-]{1,60}$/,
        "say what for, in up to 60 letters, digits, spaces and , . : ( ) _ / -",
      ),
    to: z.union(
      [z.literal("any"), z.array(destination).min(1, "name at least one address or range")],
      "give a list of addresses and ranges, or any",
    ),
    ports: z
      .array(
        z
          .int("give a port number")
          .min(1, "give a port from 1 to 65535")
          .max(65535, "give a port from 1 to 65535"),
      )
      .min(1, "name at least one port"),
    protocols: z
      .array(z.enum(["tcp", "udp"], "say tcp or udp"))
      .min(1, "say tcp, udp or both")
      .default(["tcp"]),
    reason: z.string().min(10, "say why no address is known").optional(),
  })
  .superRefine(({ to, ports, protocols, reason }, context) => {
    if (to !== "any") return;
    const fault = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    if (ports.some((port) => port !== ANYWHERE.port)) {
      fault(
        "ports",
        `only ${ANYWHERE.port} may go to any address: name the addresses that other ports go to`,
      );
    }
    if (protocols.some((protocol) => protocol !== ANYWHERE.protocol)) {
      fault("protocols", "only tcp may go to any address: name the addresses that udp goes to");
    }
    if (reason === undefined) fault("reason", "add it: why no address is known");
  });

export const outgoingSchema: z.ZodType<OutgoingEntry[]> = z.array(
  entry,
  "list what the database hosts may connect to: the backups' bucket, the package mirror, DNS and time (docs/firewall.md)",
);

/** Where the hosts' backups go. */
export function bucketEndpoint({ bucket, region, endpoint }: BackupConfig): { host: string; port: number } {
  if (!endpoint) return { host: `${bucket}.s3.${region}.amazonaws.com`, port: 443 };
  const { hostname, port } = new URL(endpoint);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? 443 : Number(port) };
}

/** Backups that no entry lets out would stop at the next `up`. */
export function outgoingFaults({ access, backup }: Pick<StackConfig, "access" | "backup">): Fault[] {
  const { host, port } = bucketEndpoint(backup);
  const lets = ({ to, ports, protocols }: OutgoingEntry) =>
    ports.includes(port) &&
    protocols.includes("tcp") &&
    (to === "any" || isIP(host) === 0 || holds(to, host));
  if (access.outgoing.some(lets)) return [];
  const fix = `no entry lets backups out to ${host} on tcp port ${port}: add one`;
  return [{ path: "access.outgoing", value: access.outgoing.map(({ purpose }) => purpose), fix }];
}

function holds(ranges: readonly string[], address: string): boolean {
  const one = parseRange(address);
  return ranges.some((text) => {
    const range = parseRange(text);
    if (!one || !range || range.family !== one.family) return false;
    const free = BigInt((range.family === 4 ? 32 : 128) - range.prefix);
    return one.first >> free === range.first >> free;
  });
}
