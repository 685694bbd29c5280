import { runScript } from "../../connect/host-script";
import { openSsh } from "../../connect/ssh";
import type { EstateConfig } from "../config";
import { type CheckFailure, type Kind, type Properties, UNKNOWN, type Value } from "../wire/kind";
import { type HostShell, withHost } from "./host/shell";
import { READ_SSHD, TAKE_BACK_SSHD, WRITE_SSHD } from "./host/sshd-scripts";

export interface SshdInputs {
  /** Name of the host within the estate. */
  label: string;
  /** By the names that `sshd -T` prints, as they hold for the user who logs in. */
  settings: Record<string, string>;
  /** `Match` blocks of the host's files, which make exceptions. Only none can be declared. */
  exceptions: string[];
}

const FIELDS = ["label", "settings", "exceptions"];

/**
 * `estate:host:Sshd`: what the SSH server of a host does, whichever file says it: one of ours that is read first, and the
 * answer of `sshd -T`. A refresh names each setting that came to hold otherwise, and each `Match` block. A change that sshd refuses, and one after which
 * no new connection gets in, is taken back. Deleting the resource leaves the host as it is: a removal must never open it.
 * Errors: another file is read before ours; sshd does not take a setting.
 */
export const hostSshd: Kind<EstateConfig, SshdInputs> = {
  token: "estate:host:Sshd",
  replaceOn: ["label"],
  check,

  async create({ config, signal }, inputs) {
    return { id: inputs.label, state: await settle(config, inputs, signal) };
  },

  async read({ config, signal }, id, old) {
    if (!old) throw new Error(`sshd of ${id}: it cannot be imported. Run pulumi up: what fits is taken over`);
    const found = await withHost(config, signal, (host) => inspect(host, old.inputs));
    return found && { id, inputs: found, state: found };
  },

  update: ({ config, signal }, _id, _old, news) => settle(config, news, signal),

  async delete() {},
};

function check(news: Properties): { inputs: Properties; failures: CheckFailure[] } {
  const failures: CheckFailure[] = Object.keys(news)
    .filter((property) => !FIELDS.includes(property))
    .map((property) => ({ property, reason: `is no property of an SSH server: ${FIELDS.join(", ")}` }));
  const { label, settings, exceptions = [] } = news;
  if (label !== UNKNOWN && (typeof label !== "string" || label === ""))
    failures.push({ property: "label", reason: "must be the name of the host" });
  if (settings !== UNKNOWN && !isSettings(settings))
    failures.push({
      property: "settings",
      reason: "must be settings by the names of `sshd -T`, each one line",
    });
  if (exceptions !== UNKNOWN && !(Array.isArray(exceptions) && exceptions.length === 0))
    failures.push({
      property: "exceptions",
      reason: "can only be none: a Match block makes exceptions of what is declared",
    });
  return { inputs: { ...news, exceptions }, failures };
}

function isSettings(value: Value | undefined): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([name, each]) =>
      /^[a-z][a-z0-9]*$/.test(name) && (each === UNKNOWN || /^[\w@.,:/ -]+$/.test(String(each))),
  );
}

async function settle(config: EstateConfig, inputs: SshdInputs, signal: AbortSignal): Promise<SshdInputs> {
  await withHost(config, signal, async (host) => {
    if (differences(await inspect(host, inputs), inputs).length === 0) return;
    const lines = Object.entries(inputs.settings).map(([name, value]) => `${name} ${value}`);
    const CONTENT = ["# Written by the estate program; changes by hand are overwritten.", ...lines].join(
      "\n",
    );
    await run(host, WRITE_SSHD, { CONTENT });
    const entered = config.ssh && (await openSsh(config.ssh, { signal }).catch((error: unknown) => error));
    if (entered instanceof Error) {
      await run(host, TAKE_BACK_SSHD, {});
      throw new Error(
        `sshd of ${inputs.label}: no new connection gets in (${entered.message}); its former configuration is back`,
      );
    }
    (entered as { close(): void } | undefined)?.close();
    const left = differences(await inspect(host, inputs), inputs);
    if (left.length > 0) {
      throw new Error(
        `sshd of ${inputs.label} does not do what is declared: ${left.join(", ")}. Another file in /etc/ssh sets it: take it out there`,
      );
    }
  });
  return inputs;
}

/** What holds otherwise, in words. */
function differences(found: SshdInputs | undefined, { settings }: SshdInputs): string[] {
  if (!found) return ["nothing was set yet"];
  return [
    ...Object.entries(settings)
      .filter(([name, value]) => found.settings[name] !== value)
      .map(([name]) => `${name} is ${found.settings[name] ?? "not known there"}`),
    ...found.exceptions,
  ];
}

/** undefined: there is no file of ours. */
async function inspect(host: HostShell, inputs: SshdInputs): Promise<SshdInputs | undefined> {
  const text = await run(host, READ_SSHD, { NAMES: Object.keys(inputs.settings).join(" "), USER: host.user });
  if (text === "") return undefined;
  const settings: Record<string, string> = {};
  const exceptions: string[] = [];
  for (const line of text.split("\n").filter(Boolean)) {
    const [, kind, rest = ""] = /^(setting|match) (.*)$/.exec(line) ?? [];
    const at = rest.indexOf(" ");
    if (kind === "setting") settings[rest.slice(0, at)] ??= rest.slice(at + 1).trim();
    if (kind === "match") exceptions.push(rest.trim());
  }
  return { ...inputs, settings, exceptions };
}

async function run(host: HostShell, script: string, variables: Record<string, string>): Promise<string> {
  const { stdout, stderr, code } = await runScript(host.ssh, host.user, script, variables);
  if (code === 0) return stdout;
  throw new Error(`sshd: ${stderr.trim() || `ended with ${code}`}`);
}
