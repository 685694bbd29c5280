import type { StackConfig } from "../../estate/types";
import { hosts } from "../../lab/hosts";

/**
 * Why there will be no drill here; undefined: this is the lab. A drill destroys hosts: each database server must be one of the lab's
 * own addresses, and the stack's state must lie with the lab.
 */
export function refusal(
  stack: string,
  servers: StackConfig["servers"],
  env: NodeJS.ProcessEnv,
): string | undefined {
  const refuse = (why: string) => `the drill destroys hosts and works on the lab alone; ${why}`;
  if (stack !== "local") return refuse(`stack ${stack} is not the lab's (local)`);
  const foreign = Object.entries(servers).flatMap(([name, server]) => {
    const own = hosts.find((host) => host.name === name);
    return server && server.ssh.host !== own?.ipv4 ? [`servers.${name}.ssh.host is ${server.ssh.host}`] : [];
  });
  if (foreign.length > 0) return refuse(`${foreign.join(", ")}, which is no host of the lab`);
  const state = env.PULUMI_BACKEND_URL ?? "";
  if (!state.startsWith("file:///run/estate-lab/")) {
    return refuse('its environment is missing. Run: eval "$(make env)"');
  }
  return undefined;
}
