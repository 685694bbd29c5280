import * as pulumi from "@pulumi/pulumi";
import type { Reach } from "../estate/reachability";
import type { FirewallRule } from "../provider/kinds/firewall/rule";
import { HostFirewall } from "../provider/resources";
import type { Host } from "./host";
import { firewallRules } from "./plans/firewall";

export interface FirewallArgs {
  host: Host;
  /** The host's part of the reachability table. */
  reach: readonly Reach[];
}

/**
 * The firewall of a host that we provision: closed, but for what the reachability table opens. It stands before the engine
 * listens on the network. The web host has none of ours: it belongs to its panel, which brings its own.
 * Errors: a rule set that locks us out takes itself back within a minute and fails.
 */
export class Firewall extends pulumi.ComponentResource {
  readonly rules: readonly FirewallRule[];

  constructor(name: string, args: FirewallArgs, opts?: pulumi.ComponentResourceOptions) {
    const rules = firewallRules(args.reach);
    super("estate:component:Firewall", `${name}-firewall`, { rules }, opts);
    const { host } = args;
    this.rules = rules;
    new HostFirewall(
      `${name}-firewall`,
      { machine: host.machine.identity, label: host.login.host, rules: this.rules, sshPort: host.login.port },
      { parent: this, provider: host.provider },
    );
    this.registerOutputs({});
  }
}
