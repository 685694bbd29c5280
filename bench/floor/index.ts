import * as pulumi from "@pulumi/pulumi";

/** The engine's own time: as many resources that do nothing. */
class Empty extends pulumi.CustomResource {
  constructor(name: string, value: string) {
    super("empty:index:Empty", name, { label: name, value });
  }
}

/** So many have another value than in the first run. */
const changed = Number(process.env.FLOOR_CHANGED ?? 0);

for (let index = 0; index < Number(process.env.FLOOR_RESOURCES); index++) {
  new Empty(`empty-${index}`, index < changed ? "changed" : "as it was");
}
