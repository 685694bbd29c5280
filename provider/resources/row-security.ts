import * as pulumi from "@pulumi/pulumi";
import type { RowPolicy, RowSecurityArgs } from "../kinds/row-security/inputs";
import { ServerResource } from "./server";

export type { RowPolicy };
/** What a declaration of estate/row-security makes of its database; keys apart. */
export type RowSecurityPlan = RowSecurityArgs;

export interface PostgresRowSecurityArgs extends RowSecurityPlan {
  /** Keys that contexts are signed with, by id: one, or two in the grace window of a rotation. */
  keys: pulumi.Input<Record<string, string>>;
}

/** Who sees and changes which rows of one database. Kind: kinds/postgres-row-security.ts */
export class PostgresRowSecurity extends ServerResource {
  constructor(name: string, args: PostgresRowSecurityArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:postgres:RowSecurity", name, { ...args, keys: pulumi.secret(args.keys) }, opts);
  }
}
