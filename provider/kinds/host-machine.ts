import { openSsh, SshError } from "../../connect/ssh";
import type { EstateConfig } from "../config";
import { type CheckFailure, type Kind, UNKNOWN } from "../wire/kind";

interface MachineInputs {
  /** Name of the host within the estate. */
  label: string;
  /** The pinned key, `ssh-ed25519 AAAA...`; null: the stack pins none. Another one says that the machine may be another. */
  hostKey: string | null;
}

interface MachineState extends MachineInputs {
  /** `<machine id> <SHA256 fingerprint of the SSH host key>` */
  identity: string;
}

const PROPERTIES = ["label", "hostKey"];

/**
 * `estate:host:Machine`: the machine behind the provider's SSH address as it stands. A newly pinned host key, and a refresh,
 * look again, so `identity` changes when the machine was replaced, and what carries it runs again. Changes nothing on
 * the host. Errors: the host cannot be reached, shows another host key than the pinned one, or has no machine id.
 */
export const hostMachine: Kind<EstateConfig, MachineInputs, MachineState> = {
  token: "estate:host:Machine",
  replaceOn: ["label"],
  computedOutputs: ["identity"],

  check(news) {
    const failures: CheckFailure[] = Object.keys(news)
      .filter((property) => !PROPERTIES.includes(property) && news[property] !== null)
      .map((property) => ({
        property,
        reason: `is no property of a machine; it has ${PROPERTIES.join(", ")}`,
      }));
    const { label = null, hostKey = null } = news;
    if (label !== UNKNOWN && (typeof label !== "string" || label === "")) {
      failures.push({ property: "label", reason: "must be the name of the host" });
    }
    if (hostKey !== UNKNOWN && hostKey !== null && typeof hostKey !== "string") {
      failures.push({ property: "hostKey", reason: 'must be the pinned key, "ssh-ed25519 AAAA..."' });
    }
    return { inputs: { label, hostKey }, failures };
  },

  async create({ config, signal }, inputs) {
    return {
      id: inputs.label,
      state: { ...inputs, identity: await identify(config, inputs.label, signal) },
    };
  },

  async read({ config, signal }, id, old) {
    const inputs = { label: id, hostKey: old?.inputs.hostKey ?? config.ssh?.hostKey ?? null };
    try {
      return { id, inputs, state: { ...inputs, identity: await identify(config, id, signal) } };
    } catch (error) {
      if (!(error instanceof SshError) || error.code !== "host-key") throw error;
      throw new Error(
        `machine "${id}": ${error.message}. A refresh knows only the key of the last run: with the new one pinned, ` +
          "`pulumi up` takes it over and provisions the machine",
      );
    }
  },

  async update({ config, signal }, _id, _old, news) {
    return { ...news, identity: await identify(config, news.label, signal) };
  },

  async delete() {},
};

async function identify(config: EstateConfig, label: string, signal: AbortSignal): Promise<string> {
  if (!config.ssh) {
    throw new Error(
      `machine "${label}": this provider instance has no SSH server. Give the EstateProvider \`ssh\``,
    );
  }
  const ssh = await openSsh(config.ssh, { signal });
  try {
    const { stdout } = await ssh.run("cat /etc/machine-id");
    const machineId = stdout.trim();
    if (!/^[0-9a-f]{32}$/.test(machineId)) {
      throw new Error(
        `machine "${label}": /etc/machine-id holds no machine id. Run there: systemd-machine-id-setup`,
      );
    }
    return `${machineId} ${ssh.fingerprint}`;
  } finally {
    ssh.close();
  }
}
