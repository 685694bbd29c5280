import { POSTGRES_ACCESS } from "../kinds";
import { object } from "../plain";
import { resourceRule } from "../rule";

export const accessNoPublic = resourceRule({
  name: "access-no-public",
  description: "PUBLIC, which is everybody who can connect, is granted nothing.",
  severity: "critical",
  remediationSteps: "Name the role that needs the privilege instead of PUBLIC.",
  types: [POSTGRES_ACCESS],
  *faults({ props }) {
    for (const property of ["grants", "defaultGrants"]) {
      for (const key of Object.keys(object(props[property]))) {
        if (/^"?public"? on /i.test(key))
          yield `${property}["${key}"] grants to PUBLIC. Name the roles that need it`;
      }
    }
  },
});
