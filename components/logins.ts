import type * as pulumi from "@pulumi/pulumi";
import type { DatabaseEntry, RedisUserEntry } from "../estate/types";
import type { RedisUser } from "./redis-user";
import type { ServiceUser } from "./service-user";
import type { Target } from "./target";

/** A database and who works in it. */
export interface DatabaseLogin {
  entry: DatabaseEntry;
  server: Target;
  /** undefined: retired. */
  user: ServiceUser | undefined;
  /** What it signs contexts with; undefined: the database has no row security. */
  contextKey: pulumi.Output<string> | undefined;
  database: pulumi.Resource;
}

export interface RedisLogin {
  entry: RedisUserEntry;
  server: Target;
  user: RedisUser;
}
