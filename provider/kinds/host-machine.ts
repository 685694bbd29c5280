import { openSsh } from "../../connect/ssh";
import type { EstateConfig } from "../config";
import { type Kind, UNKNOWN } from "../wire/kind";

interface MachineInputs {
  /** Name of the host within the estate. */
  label: string;
}

interface MachineState extends MachineInputs {
  /** `<machine id> <SHA256 fingerprint of the SSH host key>` */
  identity: string;
}

/**
 * `estate:host:Machine`: the machine behind the provider's SSH address as it stands. A refresh looks again, so
 * `identity` changes when the machine was replaced, and what carries it as a trigger runs again. Changes nothing on
 * the host. Errors: the host cannot be reached, shows another host key than the pinned one, or has no machine id.
 */
export const hostMachine: Kind<EstateConfig, MachineInputs, MachineState> = {
  token: "estate:host:Machine",
  replaceOn: ["label"],
  computedOutputs: ["identity"],

  check(news) {
    const failures = Object.keys(news)
      .filter((property) => property !== "label" && news[property] !== null)
      .map((property) => ({ property, reason: "is no property of a machine; it has only label" }));
    const { label } = news;
    if (label !== UNKNOWN && (typeof label !== "string" || label === "")) {
      failures.push({ property: "label", reason: "must be the name of the host" });
    }
    return { inputs: { label: label ?? null }, failures };
  },

  async create({ config, signal }, { label }) {
    return { id: label, state: { label, identity: await identify(config, label, signal) } };
  },

  async read({ config, signal }, id) {
    return { id, inputs: { label: id }, state: { label: id, identity: await identify(config, id, signal) } };
  },

  async update({ config, signal }, _id, _old, { label }) {
    return { label, identity: await identify(config, label, signal) };
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
