import { isIP } from "node:net";
import { z } from "zod";
import { backupSchema } from "./backup";
import { SCHEDULE } from "./jobs";
import { outgoingSchema } from "./outgoing";
import { REDIS_PORTS } from "./redis";
import type { RowSecurityDeclaration } from "./row-security/types";
import { databaseServers, serversOf, traitsOf } from "./servers";
import type { Engine, StackConfig } from "./types";

/**
 * What a stack's configuration and the catalogue may say. Each message says how to mend the value it is about;
 * `faults.ts` adds the path and the value.
 */

const hostName = z
  .string()
  .regex(
    /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i,
    "give a host name or an address, without a port or a wildcard",
  )
  .refine(
    (host) => !/^[\d.]+$/.test(host) || isIP(host) === 4,
    "give an address of four numbers up to 255, or a name",
  );
const port = z
  .int("give a port number")
  .min(1, "give a port from 1 to 65535")
  .max(65535, "give a port from 1 to 65535");
const address = z.string().refine((text) => isIP(text) !== 0, "give one IPv4 or IPv6 address");

/** MariaDB and PostgreSQL names we create: no quoting is ever needed for them. */
export const identifier = z
  .string()
  .regex(
    /^[a-z][a-z0-9_]{1,47}$/,
    "use 2 to 48 lower-case letters, digits and underscores, beginning with a letter",
  );
/**
 * A database's name. What a restore has replaced is kept as `NAME__replaced_20260131t020000z`, and neither engine's name may be longer
 * than 63 characters.
 */
export const databaseName = identifier
  .max(36, "use 36 characters at most: a restore needs 27 more beside it")
  .refine((name) => !name.includes("__"), "use no two underscores in a row: such names are a restore's own");
export const secretName = z
  .string()
  .regex(
    /^(?!GITHUB_)[A-Z][A-Z0-9_]*$/,
    "use upper-case letters, digits and underscores; not GITHUB_ in front",
  );

/** A source no wider than 8 addresses: /29 on IPv4, /125 on IPv6. A bare address counts as one. */
const narrowRange = z.string().superRefine((text, context) => {
  const [base = "", prefix, ...rest] = text.split("/");
  const version = isIP(base);
  const bits = version === 6 ? 128 : 32;
  if (
    version === 0 ||
    rest.length > 0 ||
    (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) ||
    Number(prefix ?? bits) > bits
  ) {
    context.addIssue({ code: "custom", message: "give an address or a range such as 203.0.113.8/29" });
  } else if (Number(prefix ?? bits) < bits - 3) {
    context.addIssue({
      code: "custom",
      message: `name a range no wider than /${bits - 3}; list several if need be`,
    });
  }
});

/** Versions are compared number by number: `10.11` is newer than `10.6`. */
export function versionAtLeast(version: string, floor: string): boolean {
  const parts = (text: string) => (text.match(/\d+(\.\d+)*/)?.[0] ?? "0").split(".").map(Number);
  const [have, want] = [parts(version), parts(floor)];
  for (let index = 0; index < Math.max(have.length, want.length); index++) {
    const difference = (have[index] ?? 0) - (want[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

const minimumVersion = (floor: string) =>
  z
    .string("write the version in quotes")
    .regex(/^\d+(\.\d+)*$/, `write a version such as "${floor}"`)
    .refine((version) => versionAtLeast(version, floor), `ask for at least "${floor}"`)
    .default(floor);

const ssh = z.strictObject({
  host: hostName,
  port: port.default(22),
  user: identifier.or(z.literal("root")).default("root"),
});

/** Of memory that a machine may have. */
const LARGEST_MIB = 16 * 2 ** 20;

const provisioned = (defaultPort: number, floor: string) =>
  z.strictObject({
    host: hostName,
    port: port.default(defaultPort),
    ssh,
    minimumVersion: minimumVersion(floor),
    proof: z.boolean("say true or false").default(true),
    listen: address.refine(
      (text) => text !== "0.0.0.0" && text !== "::",
      "name the one address to listen on, not all of them",
    ),
    memoryMiB: z
      .int("give MiB as a whole number")
      .min(256, "a server needs 256 MiB or more")
      .max(LARGEST_MIB, "give MiB, not bytes: 16777216 (16 TiB) at most"),
  });

const plesk = z.strictObject({
  host: hostName,
  port: port.default(3306),
  ssh,
  minimumVersion: minimumVersion("10.6"),
  // The host belongs to its panel, and has customers of its own.
  proof: z.boolean("say true or false").default(false),
  certificatePath: z
    .string()
    .regex(
      /^(?:\/[\w@+=:.,-]+)+$/,
      "give the absolute path of the PEM certificate on the web host, without blanks or quotes",
    ),
  certificateName: hostName,
  adminUser: identifier.default("estate_admin"),
  accountHost: hostName.default("localhost"),
});

/** Of a server of the catalogue, by what it is. A stack may do without Redis. */
function serverSchema(name: string) {
  const { engine, management } = traitsOf(name);
  if (management === "panel") return plesk;
  switch (engine) {
    case "mariadb":
      return provisioned(3306, "10.11");
    case "postgres":
      return provisioned(5432, "16");
    case "redis":
      return provisioned(REDIS_PORTS.first, "7").omit({ port: true }).optional();
  }
}

/** Where a database of this engine may live. */
const serverOf = (engine: Engine, product: string) =>
  z.enum(serversOf(engine), `${product} databases live on ${serversOf(engine).join(" or ")}`);

const day = z.iso.date('write a day as "2026-01-31", in quotes');

/** Longest time a password may live, in days. */
export const LONGEST_ROTATION_DAYS = 90;

const rotationDays = z
  .int("give whole days")
  .min(2, "rotate every second day at most: 2 or more")
  .max(LONGEST_ROTATION_DAYS, `rotate at least every ${LONGEST_ROTATION_DAYS} days`);

export const stackConfigSchema: z.ZodType<StackConfig> = z.strictObject({
  servers: z.strictObject(
    Object.fromEntries(
      [...databaseServers(), ...serversOf("redis")].map((name) => [name, serverSchema(name)]),
    ),
  ),
  access: z.strictObject({
    pleskAddress: address,
    operators: z.array(narrowRange).min(1, "name at least one range, or nobody can reach the hosts over SSH"),
    outgoing: outgoingSchema,
    knownHosts: z.string().min(1, "give the path of an OpenSSH known_hosts file").optional(),
    tunnelUser: identifier
      .refine(
        (user) => user !== "root",
        "name a user of the web host that may forward and nothing else, not root",
      )
      .default("estate_tunnel"),
  }),
  rotation: z
    .strictObject({
      days: rotationDays,
      anchor: day,
      graceDays: z
        .int("give whole days")
        .min(1, "applications need a day or more to take up a new password")
        .default(7),
      forced: z
        .array(
          z.strictObject({
            database: identifier,
            at: z.iso.datetime('write a moment as "2026-01-31T12:00:00Z", in quotes'),
            reason: z.string().min(1, "say why"),
          }),
        )
        .default([]),
    })
    .describe("periods of passwords count from the anchor day"),
  backup: backupSchema,
  github: z
    .strictObject({
      repository: z
        .string()
        .regex(
          /^[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/,
          "give owner/name, as in the address of the repository",
        ),
      environment: z
        .string()
        .regex(
          /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/,
          "name an environment of the repository, such as production",
        ),
      baseUrl: z
        .url({
          protocol: /^https$/,
          error: "give the https URL of the enterprise server, or leave it out for github.com",
        })
        .optional(),
    })
    .optional(),
  tags: z
    .record(z.string(), z.string())
    .refine((tags) => "owner" in tags && "data-protection-contact" in tags, {
      message: "add the tags owner and data-protection-contact",
    }),
});

const generation = z.int("give a whole number").min(1, "generations count from 1");

const common = {
  name: databaseName,
  application: z.string().min(1, "name the application"),
  purpose: z.string().min(1, "say what it is for"),
  service: identifier,
  connectionLimit: z
    .int("give a whole number")
    .min(1, "allow 1 to 20 connections")
    .max(20, "allow 1 to 20 connections"),
  personalData: z.boolean("say true or false"),
  backup: z.enum(["daily", "archive"], "say daily or archive"),
  secret: secretName,
  schema: z.strictObject({
    owner: z.enum(["application", "program"], "say application or program"),
    reason: z.string().min(1, "say why"),
  }),
  rotationDays: rotationDays.optional(),
  clientCertificate: z
    .enum(["optional", "required"], "say optional, and required once its application shows one")
    .optional(),
  state: z.enum(["live", "retired"], "say live or retired"),
};

export const databaseSchema = z.discriminatedUnion(
  "engine",
  [
    z.strictObject({
      ...common,
      engine: z.literal("mariadb"),
      server: serverOf("mariadb", "MariaDB"),
      charset: z.string().regex(/^utf8mb4$/, "use utf8mb4: the other character sets lose characters"),
      collation: z.string().regex(/^utf8mb4_[a-z0-9_]+$/, "use a utf8mb4_ collation"),
    }),
    z.strictObject({
      ...common,
      engine: z.literal("postgres"),
      server: serverOf("postgres", "PostgreSQL"),
      owner: identifier,
      encoding: z.literal("UTF8", "use UTF8"),
      locale: z.string().regex(/^([a-z]{2}_[A-Z]{2}|C)\.utf8$/i, "use a UTF-8 locale such as en_US.utf8"),
      extensions: z.array(
        z.string().regex(/^[a-z][a-z0-9_-]*$/, "use the extension's name, uuid-ossp for example"),
      ),
      databaseConnectionLimit: z.int("give a whole number").min(-1, "-1 is no limit"),
      // Judged whole, by rowSecurityFaults.
      rowSecurity: z
        .custom<RowSecurityDeclaration>(
          (value) => typeof value === "object" && value !== null,
          "give the rules of estate/row-security",
        )
        .optional(),
      jobs: z.array(
        z.strictObject({
          name: identifier,
          schedule: z
            .string()
            .regex(SCHEDULE, "give five fields: minute, hour, day of month, month, day of week"),
          call: z
            .string()
            .regex(/^[a-z_]+\.[a-z_]+\(\)$/, "call one function, internal.clean_sessions() for example"),
        }),
      ),
      wrappingSecrets: z
        .strictObject({ oldest: generation, newest: generation })
        .refine(({ oldest, newest }) => oldest <= newest, "oldest is newest or before it")
        .optional(),
    }),
  ],
  { error: "say mariadb or postgres" },
);

export const redisUserSchema = z.strictObject({
  use: z.enum(["cache", "queue"], "say cache or queue"),
  port: z
    .int("give a port number")
    .min(REDIS_PORTS.first, REDIS_PORTS.fix)
    .max(REDIS_PORTS.last, REDIS_PORTS.fix),
  memoryShare: z
    .int("give whole percent of the host's memory")
    .min(1, "give 1 to 90 percent of the host's memory")
    .max(90, "give 1 to 90 percent of the host's memory"),
  state: z.enum(["live", "retired"], "say live or retired"),
  name: identifier,
  application: common.application,
  purpose: common.purpose,
  keyPrefix: z.string().regex(/^[a-z][a-z0-9_]*:$/, "use a prefix such as crm: that ends with a colon"),
  secret: secretName,
  rotationDays: rotationDays.optional(),
  clientCertificate: common.clientCertificate,
});
