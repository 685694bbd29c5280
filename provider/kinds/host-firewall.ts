import { openSsh } from "../../connect/ssh";
import type { EstateConfig } from "../config";
import type { SshServer } from "../resources";
import { type CheckFailure, type Kind, UNKNOWN, type Value } from "../wire/kind";
import { applyFirewall, readFirewall } from "./firewall/apply";
import { checkNeeds, checkRules, isPort, show } from "./firewall/check";
import type { Endpoint, RuleSet } from "./firewall/rule";
import type { FirewallState, Policy } from "./firewall/state";

export interface FirewallInputs {
  /** Name of the host within the estate. */
  label: string;
  /** What happens to packets that no rule lets in. Only `deny` can be declared: nobody learns that there is a host. */
  incoming: Policy;
  /** What happens to packets that no rule lets out. Only `reject` can be declared: the host's own programs need not wait. */
  outgoing: Policy;
  /** The port we come in by: no rule set without a rule for it. */
  sshPort: number;
  /** Complete: every other rule of the host is taken away. Named as `tcp 3306 from 10.77.0.11`, `tcp 443 to any`. */
  rules: RuleSet;
  /** What the host has to reach: a change that would cut it off from there takes itself back. */
  needs: readonly Endpoint[];
  /** `yes`; on a host where the rules do not hold, why. Follows from the rest and is never declared otherwise. */
  inForce: string;
}

export interface FirewallKindOptions {
  /** Seconds until a host that nobody confirmed takes its former rules back. */
  rollbackSeconds: number;
}

const FIELDS = ["label", "incoming", "outgoing", "sshPort", "rules", "needs", "inForce"] as const;

/**
 * `estate:host:Firewall`: the whole of a host's ufw, in and out, IPv4 and IPv6 alike. Applying it opens what is missing first and closes
 * what is too much last; a rule set that locks us out, or the host in, takes itself back (firewall/apply.ts). A refresh names every
 * rule made by hand, and says where the kernel does not do what ufw was told. Installs nothing.
 *
 * Deleting the resource leaves the host's firewall as it is: a removal must never open a host. To really take it away, run
 * `ufw disable` there.
 */
export function firewallKind({
  rollbackSeconds,
}: FirewallKindOptions): Kind<EstateConfig, FirewallInputs, FirewallInputs> {
  const apply = async (config: EstateConfig, inputs: FirewallInputs, signal: AbortSignal) => {
    const server = serverOf(config, inputs.label);
    try {
      await applyFirewall(server, inputs, { rollbackSeconds, signal });
    } catch (error) {
      throw new Error(
        `firewall "${inputs.label}": ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    return inputs;
  };

  return {
    token: "estate:host:Firewall",
    replaceOn: ["label"],

    check(news) {
      const failures: CheckFailure[] = Object.keys(news)
        .filter((property) => !(FIELDS as readonly string[]).includes(property) && news[property] !== null)
        .map((property) => ({ property, reason: "is no property of a firewall" }));
      const { label = null, incoming = "deny", outgoing = "reject", sshPort = 22, inForce = "yes" } = news;
      if (label !== UNKNOWN && (typeof label !== "string" || label === "")) {
        failures.push({ property: "label", reason: "must be the name of the host" });
      }
      const fixed: [string, Value, string][] = [
        ["incoming", incoming, "deny"],
        ["outgoing", outgoing, "reject"],
        ["inForce", inForce, "yes"],
      ];
      for (const [property, value, only] of fixed) {
        if (value === UNKNOWN || value === only) continue;
        failures.push({ property, reason: `is ${show(value)}; it can only be ${show(only)}` });
      }
      if (sshPort !== UNKNOWN && !isPort(sshPort)) {
        failures.push({ property: "sshPort", reason: `is ${show(sshPort)}; give a port from 1 to 65535` });
      }
      const { rules, failures: ruleFailures } = checkRules(news.rules, sshPort);
      const { needs, failures: needFailures } = checkNeeds(news.needs);
      failures.push(...ruleFailures, ...needFailures);
      return { inputs: { label, incoming, outgoing, sshPort, rules, needs, inForce }, failures };
    },

    async create({ config, signal }, inputs) {
      return { id: inputs.label, state: await apply(config, inputs, signal) };
    },

    async read({ config, signal }, id, old) {
      const server = serverOf(config, id);
      const ssh = await openSsh(server, { signal });
      try {
        const state = await readFirewall(ssh, server.user);
        if (!state) return undefined;
        const { sshPort = server.port, needs = [] } = old?.inputs ?? {};
        const inputs = asDeclared({ label: id, sshPort, needs }, state);
        return { id, inputs, state: inputs };
      } finally {
        ssh.close();
      }
    },

    update: ({ config, signal }, _id, _old, news) => apply(config, news, signal),

    async delete() {},
  };
}

/** Two attempts to get in fit in, and the whole stays within a minute. */
export const hostFirewall = firewallKind({ rollbackSeconds: 45 });

/** What would have to be declared to have exactly this. */
function asDeclared(
  declared: Pick<FirewallInputs, "label" | "sshPort" | "needs">,
  state: FirewallState,
): FirewallInputs {
  const { incoming, outgoing, rules, faults } = state;
  const inForce = faults.length === 0 ? "yes" : `no: ${faults.map(({ text }) => text).join("; ")}`;
  return { ...declared, incoming, outgoing, rules, inForce };
}

function serverOf(config: EstateConfig, label: string): SshServer {
  if (config.ssh) return config.ssh;
  throw new Error(
    `firewall "${label}": this provider instance has no SSH server. Give the EstateProvider \`ssh\``,
  );
}
