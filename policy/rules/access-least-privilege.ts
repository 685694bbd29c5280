import { POSTGRES_ACCESS } from "../kinds";
import { object, texts } from "../plain";
import { resourceRule } from "../rule";

export const accessLeastPrivilege = resourceRule({
  name: "access-least-privilege",
  description: "Grants in a PostgreSQL database are named one by one and cannot be passed on.",
  severity: "high",
  remediationSteps: "Replace ALL by the privileges the role needs: components/plans/privileges.ts.",
  types: [POSTGRES_ACCESS],
  *faults({ props }) {
    for (const property of ["grants", "defaultGrants"]) {
      for (const [key, privileges] of Object.entries(object(props[property]))) {
        for (const privilege of texts(privileges)) {
          const name = privilege.toUpperCase().trim();
          if (name === "ALL" || name === "ALL PRIVILEGES") {
            yield `${property}["${key}"] holds ${name}. Name the privileges one by one`;
          } else if (/GRANT OPTION|\*$/.test(name)) {
            yield `${property}["${key}"] holds ${name}: the role could pass it on. Grant it without the option`;
          }
        }
      }
    }
  },
});
