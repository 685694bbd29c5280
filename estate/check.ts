import { z } from "zod";
import { backupFaults } from "./backup";
import { servers as declaredServers } from "./catalogue";
import { clientCertificateFaults } from "./client-certificates";
import { now } from "./clock";
import { type Fault, FaultyEstate } from "./faults";
import { serviceUser } from "./naming";
import { outgoingFaults } from "./outgoing";
import { secretNameFaults } from "./published";
import { redisFaults } from "./redis";
import { rotationFaults } from "./rotation";
import { rowSecurityFaults } from "./row-security/check";
import { databaseSchema, redisUserSchema, stackConfigSchema } from "./schema";
import { declaredServer, machineFaults, redisHost, serverFaults, stackServers } from "./servers";
import type { DatabaseEntry, Estate, RedisUserEntry, StackConfig } from "./types";

/** What was declared, as it was read: nothing about it is certain yet. */
export interface Declared {
  stack: string;
  config: unknown;
  databases: readonly unknown[];
  redisUsers: readonly unknown[];
}

/**
 * The estate, if all of it is well declared. Throws `FaultyEstate` with every fault of configuration and catalogue.
 * @param moment of the check, in milliseconds since 1970: what was declared must not lie in the future
 */
export function checkEstate(declared: Declared, moment = now()): Estate {
  const faults: Fault[] = [];
  const config = parse(stackConfigSchema, declared.config, "", faults);
  const databases = declared.databases.map((entry, index) =>
    parse<DatabaseEntry>(databaseSchema, entry, `databases.${nameOf(entry, index)}`, faults),
  );
  const redisUsers = declared.redisUsers.map((entry, index) =>
    parse<RedisUserEntry>(redisUserSchema, entry, `redisUsers.${nameOf(entry, index)}`, faults),
  );
  // The rules below need only the fields they read, so they also run beside faults elsewhere in an entry.
  const objects = <T>(entries: readonly unknown[]) =>
    entries.filter((entry) => entry !== null && typeof entry === "object") as T[];
  faults.push(
    ...crossFaults(objects<DatabaseEntry>(declared.databases), objects<RedisUserEntry>(declared.redisUsers)),
  );
  faults.push(...serverFaults(declaredServers));
  faults.push(
    ...redisFaults(objects<RedisUserEntry>(declared.redisUsers), config && redisHost(config.servers)),
  );
  if (config) {
    faults.push(
      ...stackFaults(config),
      ...backupFaults(config.backup, objects<DatabaseEntry>(declared.databases)),
      ...outgoingFaults(config),
      ...rotationFaults(
        { config, databases: objects(declared.databases), redisUsers: objects(declared.redisUsers) },
        moment,
      ),
    );
  }
  faults.push(...rowSecurityFaultsOf(objects<DatabaseEntry>(declared.databases)));
  if (faults.length > 0) throw new FaultyEstate(faults);
  return {
    stack: declared.stack,
    config: config as StackConfig,
    databases: databases as DatabaseEntry[],
    redisUsers: redisUsers as RedisUserEntry[],
  };
}

/** Faults of the stack's configuration alone; throws `FaultyEstate`. */
export function checkStackConfig(config: unknown): StackConfig {
  const faults: Fault[] = [];
  const checked = parse(stackConfigSchema, config, "", faults);
  faults.push(...serverFaults(declaredServers));
  if (checked) faults.push(...stackFaults(checked));
  if (faults.length > 0) throw new FaultyEstate(faults);
  return checked as StackConfig;
}

/** Of the configuration's parts against each other, where each is well declared by itself. */
function stackFaults(config: StackConfig): Fault[] {
  return [...tunnelFaults(config), ...machineFaults(config)];
}

/** The way in is worth as much as what its user can do. A catalogue without a web host is a fault of its own. */
function tunnelFaults({ access: { tunnelUser }, servers }: StackConfig): Fault[] {
  return stackServers(servers)
    .filter(({ kind, server }) => kind === "panel" && server.ssh.user === tunnelUser)
    .map(({ name }) => ({
      path: "access.tunnelUser",
      value: tunnelUser,
      fix: `name another user than servers.${name}.ssh.user: one that may forward and nothing else`,
    }));
}

function parse<T>(schema: z.ZodType<T>, value: unknown, root: string, faults: Fault[]): T | undefined {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  faults.push(...result.error.issues.flatMap((issue) => toFaults(issue, schema, root)));
  return undefined;
}

function toFaults(issue: z.core.$ZodIssue, schema: z.ZodType, root: string): Fault[] {
  const at = (path: readonly PropertyKey[]) =>
    [root, ...path.map(String)].filter(Boolean).join(".") || "config";
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: at([...issue.path, key]),
        value: (issue.input as Record<string, unknown> | undefined)?.[key],
        fix: `no such key; known here: ${knownKeys(schema, issue.path).join(", ") || "none"}`,
      }));
    case "invalid_union":
      if (issue.errors.length > 0 && issue.errors[0]?.length) {
        return toFaults(
          { ...issue.errors[0][0], path: issue.path, input: issue.input } as z.core.$ZodIssue,
          schema,
          root,
        );
      }
      return [{ path: at(issue.path), value: issue.input, fix: issue.message }];
    default:
      return [{ path: at(issue.path), value: issue.input, fix: fixOf(issue) }];
  }
}

function fixOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type" && issue.message.startsWith("Invalid input")) {
    return issue.input === undefined
      ? `add it (${issue.expected})`
      : `give a value of type ${issue.expected}`;
  }
  return issue.message.replace(/^Invalid input: /, "");
}

interface ObjectSchema {
  properties?: Record<string, ObjectSchema>;
  oneOf?: ObjectSchema[];
  anyOf?: ObjectSchema[];
}

function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let here: ObjectSchema | undefined = z.toJSONSchema(schema, {
    unrepresentable: "any",
    io: "input",
  }) as ObjectSchema;
  for (const step of path) here = here?.properties?.[String(step)];
  const branches = here?.oneOf ?? here?.anyOf ?? [here];
  return [...new Set(branches.flatMap((branch) => Object.keys(branch?.properties ?? {})))];
}

function crossFaults(databases: readonly DatabaseEntry[], redisUsers: readonly RedisUserEntry[]): Fault[] {
  return [
    ...repeated(databases, "databases", "name"),
    ...repeated(databases, "databases", "service"),
    ...repeated(redisUsers, "redisUsers", "name"),
    ...repeated(redisUsers, "redisUsers", "keyPrefix"),
    ...repeated([...databases, ...redisUsers], "databases and redisUsers", "secret"),
    ...secretNameFaults(databases, redisUsers),
    ...clientCertificateFaults(databases),
    ...tooManyFaults(databases),
    ...databases
      .filter(
        ({ name, service }) =>
          typeof name === "string" && typeof service === "string" && service !== serviceUser(name),
      )
      .map(({ name, service }) => ({
        path: `databases.${name}.service`,
        value: service,
        fix: `a database's service user follows from its name: ${serviceUser(name)}`,
      })),
    ...databases.filter(ownsWhatItShouldNot).map((entry) => ({
      path: `databases.${entry.name}.owner`,
      value: (entry as { owner?: string }).owner,
      fix: "a service whose schema is migrated by this program must not own its tables: name another owner",
    })),
  ];
}

/** A server may take only so many: a tariff of its host's. */
function tooManyFaults(databases: readonly DatabaseEntry[]): Fault[] {
  const servers = [...new Set(databases.map(({ server }) => server))];
  return servers.flatMap((server) => {
    const { mostDatabases: most, engine } = declaredServer(server as string) ?? {};
    if (most === undefined) return [];
    const own = databases.filter((entry) => entry.server === server);
    const first = own.slice(0, most).map(({ name }) => name);
    return own.slice(most).map(({ name }) => ({
      path: `databases.${name}.server`,
      value: server,
      fix: `${server} takes ${most} databases and this is one more: put it on another server of ${engine}, or retire one of ${first.join(", ")}`,
    }));
  });
}

/** Faults of the declared row security of these databases. */
function rowSecurityFaultsOf(databases: readonly DatabaseEntry[]): Fault[] {
  return databases.flatMap((entry) => {
    if (entry.engine !== "postgres" || !entry.schema || typeof entry.rowSecurity !== "object") return [];
    return rowSecurityFaults(entry.rowSecurity, entry);
  });
}

function ownsWhatItShouldNot(entry: DatabaseEntry): boolean {
  return entry.engine === "postgres" && entry.schema?.owner === "program" && entry.owner === entry.service;
}

function repeated<T extends object>(entries: readonly T[], where: string, field: keyof T & string): Fault[] {
  const seen = new Map<unknown, T>();
  return entries.flatMap((entry, index) => {
    const value = entry[field];
    const first = seen.get(value);
    if (value === undefined || first === undefined) {
      seen.set(value, entry);
      return [];
    }
    return [
      {
        path: `${where}.${nameOf(entry, index)}.${field}`,
        value,
        fix: `${nameOf(first, 0)} has it already: every ${field} belongs to one entry`,
      },
    ];
  });
}

function nameOf(entry: unknown, index: number): string {
  const name = (entry as { name?: unknown } | null)?.name;
  return typeof name === "string" ? name : String(index);
}
