import * as pulumi from "@pulumi/pulumi";
import type { Rotated, RotationPlan } from "../../estate/rotation";
import { ServerResource } from "./server";

/** Which password generation each service is at, and since when. Kind: kinds/rotation-schedule.ts */
export class RotationSchedule extends pulumi.CustomResource {
  /** By database or Redis user; known in a preview. */
  declare readonly rotated: pulumi.Output<Record<string, Rotated>>;
  constructor(
    name: string,
    args: { services: pulumi.Input<Record<string, RotationPlan>> },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super("estate:rotation:Schedule", name, { ...args, rotated: undefined }, opts);
  }
}

export interface RetirementArgs {
  /** Days that a former password stays valid after the new one was published, by service user. */
  graceDays: pulumi.Input<Record<string, number>>;
  /** Who logs in: the account, the Redis user, or the PostgreSQL slot; by service user. */
  logins: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** The newest password of each service user. */
  passwords: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Host part of the accounts; MariaDB only. */
  host?: pulumi.Input<string>;
  /** Port of each service's instance; Redis only. */
  ports?: pulumi.Input<Record<string, number>>;
}

/**
 * Takes former passwords away from one server's service users. Depends on everything that publishes the new ones, and
 * counts the grace window from when it first sees them. Kind: kinds/rotation-retirement.ts
 */
export class Retirement extends ServerResource {
  /** By service user. */
  declare readonly records: pulumi.Output<Record<string, { published: string; retired: boolean }>>;
  constructor(name: string, args: RetirementArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "estate:rotation:Retirement",
      name,
      { ...args, passwords: pulumi.secret(args.passwords), records: undefined },
      opts,
    );
  }
}
