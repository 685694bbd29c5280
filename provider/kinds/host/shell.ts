import { openSsh, type SshConnection } from "../../../connect/ssh";
import type { EstateConfig } from "../../config";

/** A host that is logged in to. */
export interface HostShell {
  ssh: SshConnection;
  user: string;
}

/** Works on the provider's host over one connection. Throws SshError where it cannot be reached. */
export async function withHost<T>(
  config: EstateConfig,
  signal: AbortSignal,
  work: (host: HostShell) => Promise<T>,
): Promise<T> {
  if (!config.ssh) {
    throw new Error("this provider instance has no SSH server. Give the EstateProvider `ssh`");
  }
  const ssh = await openSsh(config.ssh, { signal });
  try {
    return await work({ ssh, user: config.ssh.user });
  } finally {
    ssh.close();
  }
}
