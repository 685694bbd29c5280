import * as pulumi from "@pulumi/pulumi";
import type { Reach } from "../estate/reachability";
import type { OutgoingEntry } from "../estate/types";
import type { Endpoint, FirewallRule } from "../provider/kinds/firewall/rule";
import { HostFirewall } from "../provider/resources";
import type { Host } from "./host";
import { incomingRules, outgoingRules } from "./plans/firewall";

export interface FirewallArgs {
  host: Host;
  /** The host's part of the reachability table. */
  reach: readonly Reach[];
  outgoing: Outgoing;
}

/** Where hosts may connect to. */
export interface Outgoing {
  entries: readonly OutgoingEntry[];
  /** What has to be reached: a change that would cut a host off from there takes itself back. */
  needs: readonly Endpoint[];
}

/**
 * The firewall of a host that we provision: closed, but for what the reachability table lets in and `access.outgoing` out. It stands before the engine
 * listens on the network. The web host has none of ours: it belongs to its panel, which brings its own.
 * Errors: a rule set that locks us out, or the host off from what it needs, takes itself back within a minute and fails.
 */
export class Firewall extends pulumi.ComponentResource {
  readonly rules: readonly FirewallRule[];

  constructor(name: string, args: FirewallArgs, opts?: pulumi.ComponentResourceOptions) {
    const rules = [...incomingRules(args.reach), ...outgoingRules(args.outgoing.entries)];
    super("estate:component:Firewall", `${name}-firewall`, { rules }, opts);
    const { host } = args;
    this.rules = rules;
    new HostFirewall(
      `${name}-firewall`,
      {
        machine: host.machine.identity,
        label: host.login.host,
        rules: this.rules,
        needs: args.outgoing.needs,
        sshPort: host.login.port,
      },
      { parent: this, provider: host.provider },
    );
    this.registerOutputs({});
  }
}
