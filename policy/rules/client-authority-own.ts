import { CLIENT_CERTIFICATE, REDIS_INSTANCE, SERVER_CERTIFICATE } from "../kinds";
import { stackRule } from "../rule";

/** On Redis each instance has authorities of its own. */
const TRUSTING = [SERVER_CERTIFICATE, REDIS_INSTANCE];

/** Whoever signs for clients decides who gets in: an authority from elsewhere would sign for a service of ours. */
export const clientAuthorityOwn = stackRule({
  name: "client-authority-own",
  description: "A server trusts authorities of its clients that this stack made, and no others.",
  severity: "critical",
  remediationSteps:
    "Take clientAuthorities from components/client-certificates.ts, of a Redis instance from redis-client-certificates.ts beside it.",
  *faults(resources) {
    for (const at of resources) {
      if (!TRUSTING.includes(at.type) || at.inputs.clientAuthorities === undefined) continue;
      const sources = at.madeFrom.clientAuthorities ?? [];
      if (!sources.some(({ type }) => type === CLIENT_CERTIFICATE))
        yield { at, fault: "clientAuthorities was written down: it is made from nothing" };
      for (const { type, name } of sources) {
        if (type !== CLIENT_CERTIFICATE)
          yield { at, fault: `clientAuthorities is made from ${name}, which is no client certificate` };
      }
    }
  },
});
