import * as pulumi from "@pulumi/pulumi";

/** The engine's own time: as many resources that do nothing. */
class Empty extends pulumi.CustomResource {
  constructor(name: string) {
    super("empty:index:Empty", name, { label: name });
  }
}

for (let index = 0; index < Number(process.env.FLOOR_RESOURCES); index++) new Empty(`empty-${index}`);
