import { outgoing } from "../firewall-rules";
import { FIREWALL } from "../kinds";
import { resourceRule } from "../rule";

/** Advisory: S3 and mirrors change their addresses. But whoever reads a preview sees what stands open. */
export const firewallOutgoingAnywhere = resourceRule({
  name: "firewall-outgoing-anywhere",
  description: "A host connects to no address that the stack does not name.",
  severity: "medium",
  level: "advisory",
  remediationSteps:
    "Name the addresses in access.outgoing, or reach the service by a private endpoint that has one.",
  types: [FIREWALL],
  *faults({ props }) {
    for (const { protocol, port, comment } of outgoing(props).filter(({ to }) => to === "any")) {
      yield `${String(protocol)} ${String(port)} is open to every address (${String(comment)}): rows could leave by it`;
    }
  },
});
