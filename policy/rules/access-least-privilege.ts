import { POSTGRES_ACCESS } from "../kinds";
import { show, texts } from "../plain";
import { grantFaults } from "../privileges";
import { resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  schemas: string[];
}

export const accessLeastPrivilege = resourceRule<Config>({
  name: "access-least-privilege",
  description:
    "Grants in a PostgreSQL database are named one by one, each on the list of what its object needs.",
  severity: "high",
  remediationSteps: "Name the privileges that the role needs: components/plans/privileges.ts.",
  config: { schemas: textList("Schemas whose grants are declared", ["public"]) },
  types: [POSTGRES_ACCESS],
  *faults({ props }, { schemas }) {
    for (const property of ["grants", "defaultGrants"])
      yield* grantFaults(property, props[property], schemas);
    for (const schema of texts(props.schemas)) {
      if (!schemas.includes(schema)) yield `schemas holds ${show(schema)}. Use ${schemas.join(", ")}`;
    }
  },
});
