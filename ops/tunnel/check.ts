import { openSsh, SshError } from "../../connect/ssh";
import { couldNotTell, messageOf } from "../exit";
import { tunnelKey } from "./key";
import { adviceOn, pinnedKey } from "./open";
import { destination, type TunnelPlan } from "./process";
import { rightsOf } from "./rights";

/** Logs in as the tunnel's user and looks what it can do. Throws "could not tell" where there is no login. */
export async function checkWayIn(plan: TunnelPlan, env: NodeJS.ProcessEnv, cwd: string): Promise<string[]> {
  try {
    const target = { ...plan.ssh, hostKey: pinnedKey(plan), privateKey: tunnelKey(env, cwd) };
    const connection = await openSsh(target);
    try {
      return await rightsOf(connection, { sshPort: plan.ssh.port, endpoints: plan.endpoints });
    } finally {
      connection.close();
    }
  } catch (error) {
    const advice = error instanceof SshError ? adviceOn(error.code, plan) : "";
    throw couldNotTell(`no login as ${destination(plan.ssh)}: ${messageOf(error)}${advice}`);
  }
}
