import * as pulumi from "@pulumi/pulumi";

/**
 * The names of all declared databases. Refuses a run in which one vanished without having been retired first.
 * Kind: kinds/catalogue-roster.ts
 */
export class CatalogueRoster extends pulumi.CustomResource {
  constructor(
    name: string,
    args: { databases: pulumi.Input<string[]>; retired: pulumi.Input<string[]> },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super("estate:catalogue:Roster", name, args, opts);
  }
}
