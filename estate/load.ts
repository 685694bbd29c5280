import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { redisUsers as allRedisUsers, databases } from "./catalogue";
import { checkEstate, checkStackConfig } from "./check";
import { FaultyEstate } from "./faults";
import { serversOf } from "./servers";
import type { Estate, StackConfig } from "./types";

/** The keys of a stack's configuration, each an object in Pulumi.<stack>.yaml under `<project>:<key>`. */
export const CONFIG_KEYS = ["servers", "access", "rotation", "backup", "github", "tags"] as const;

/** Reads one configuration key: `pulumi.Config#getObject` in the program. */
export type ReadConfig = (key: string) => unknown;

/**
 * Catalogue and configuration as one checked estate. A stack without Redis has no Redis users.
 * Throws `FaultyEstate`: all faults at once, each with its path, value and fix.
 */
export function loadEstate(stack: string, read: ReadConfig): Estate {
  const config = collect(read);
  const { servers } = config;
  const without = isObject(servers) && serversOf("redis").every((name) => servers[name] === undefined);
  const redisUsers = without ? [] : allRedisUsers;
  return checkEstate({ stack, config, databases, redisUsers });
}

/** A stack's configuration straight from its file, for commands that run without Pulumi. Throws `FaultyEstate`. */
export function loadStackConfig(stack: string, projectDirectory: string): StackConfig {
  const file = join(projectDirectory, `Pulumi.${stack}.yaml`);
  if (!existsSync(file)) {
    throw new FaultyEstate([
      { path: "stack", value: stack, fix: `there is no Pulumi.${stack}.yaml in the project` },
    ]);
  }
  const project = parse(readFileSync(join(projectDirectory, "Pulumi.yaml"), "utf8")).name as string;
  const values = (parse(readFileSync(file, "utf8"))?.config ?? {}) as Record<string, unknown>;
  return checkStackConfig(collect((key) => values[`${project}:${key}`]));
}

function collect(read: ReadConfig): Record<string, unknown> {
  return Object.fromEntries(
    CONFIG_KEYS.map((key) => [key, read(key)] as const).filter(([, value]) => value !== undefined),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
