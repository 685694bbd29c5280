import { createHash } from "node:crypto";
import { runScript } from "../../connect/host-script";
import type { EstateConfig } from "../config";
import { diffInputs } from "../wire/diff";
import { type CheckFailure, type Kind, type Properties, UNKNOWN } from "../wire/kind";
import { INSTALL_AGENT, PUT_FILE, READ_AGENT, REMOVE_AGENT, START_TIMERS } from "./host/agent-scripts";
import { type HostShell, withHost } from "./host/shell";

/** `mode` is octal, `0644`. */
interface AgentFile {
  mode: string;
  content: string;
}

interface SecretFile {
  /** Who may read it: a user of the host. */
  owner: string;
  content: string;
}

interface BackupAgent {
  /** Name of the host within the estate. */
  label: string;
  /** The databases that its runs save; for whoever asks whether each one is saved. */
  databases: string[];
  /** Debian packages. */
  packages: string[];
  /** By absolute path. */
  files: Record<string, AgentFile>;
  /** By absolute path, mode 0600: what must not be shown. */
  secretFiles: Record<string, SecretFile>;
  /** systemd timers, enabled and running. */
  timers: string[];
}

const PROPERTIES = ["label", "databases", "packages", "files", "secretFiles", "timers"];
const SECRET_MODE = "0600";
/** Stands for a secret file whose content is not the declared one: the content itself is not fetched. */
const CHANGED = "(changed on the host)";

/**
 * `estate:host:BackupAgent`: the files, packages and timers of a host's backups. A file edited, a timer stopped or
 * credentials exchanged by hand show in a refresh by name, and `up` takes them back. Deleting it ends the runs; what was
 * saved stays, here and in the bucket. Errors: the host cannot be reached; a package or a timer that does not start.
 */
export const hostBackupAgent: Kind<EstateConfig, BackupAgent> = {
  token: "estate:host:BackupAgent",
  secretInputs: ["secretFiles"],
  replaceOn: ["label"],
  deleteBeforeReplace: true,
  check,

  async create({ config, signal }, inputs) {
    await withHost(config, signal, (host) => settle(host, inputs));
    return { id: inputs.label, state: inputs };
  },

  async read({ config, signal }, id, old) {
    if (!old)
      throw new Error(
        `backup agent of ${id}: it cannot be imported. Run pulumi up: it takes over what is there`,
      );
    const found = await withHost(config, signal, (host) => inspect(host, old.inputs));
    return found && { id, inputs: found, state: found };
  },

  async update({ config, signal }, _id, old, news) {
    await withHost(config, signal, async (host) => {
      const gone = {
        TIMERS: old.inputs.timers.filter((unit) => !news.timers.includes(unit)).join(" "),
        PATHS: pathsOf(old.inputs)
          .filter((path) => !pathsOf(news).includes(path))
          .join(" "),
      };
      if (gone.TIMERS !== "" || gone.PATHS !== "") await run(host, REMOVE_AGENT, gone);
      await settle(host, news);
    });
    return news;
  },

  async delete({ config, signal }, _id, { inputs }) {
    await withHost(config, signal, (host) =>
      run(host, REMOVE_AGENT, { TIMERS: inputs.timers.join(" "), PATHS: pathsOf(inputs).join(" ") }),
    );
  },
};

function check(news: Properties): { inputs: Properties; failures: CheckFailure[] } {
  const failures: CheckFailure[] = [];
  const fault = (property: string, reason: string) => failures.push({ property, reason });
  for (const property of Object.keys(news)) {
    if (!PROPERTIES.includes(property))
      fault(property, `is no property of a backup agent: ${PROPERTIES.join(", ")}`);
  }
  const { label, files, secretFiles, timers, packages, databases } = news;
  if (label !== UNKNOWN && (typeof label !== "string" || label === ""))
    fault("label", "must be the host's name");
  for (const [property, words] of Object.entries({ timers, packages, databases })) {
    if (words === UNKNOWN) continue;
    const plain =
      Array.isArray(words) && words.every((word) => word === UNKNOWN || /^[\w.@+-]+$/.test(String(word)));
    if (!plain) fault(property, "must be a list of plain names");
  }
  for (const [property, byPath] of Object.entries({ files, secretFiles })) {
    if (byPath === UNKNOWN) continue;
    const paths = typeof byPath === "object" && byPath !== null ? Object.keys(byPath) : [];
    if (paths.length === 0) fault(property, "must have at least one file, by path");
    for (const path of paths) {
      if (!/^\/[\w.@/-]+$/.test(path) || path.includes(".."))
        fault(property, `"${path}" must be a plain absolute path`);
    }
  }
  if (typeof files === "object" && files !== null) {
    for (const [path, file] of Object.entries(files as Properties)) {
      const mode = typeof file === "object" && file !== null ? (file as Properties).mode : file;
      if (mode !== UNKNOWN && !/^0[0-7]{3}$/.test(String(mode)))
        fault("files", `mode of "${path}" must be octal, "0644"`);
    }
  }
  return { inputs: news, failures };
}

function pathsOf({ files, secretFiles }: BackupAgent): string[] {
  return [...Object.keys(files), ...Object.keys(secretFiles)];
}

/** Mends only what differs, and looks again. */
async function settle(host: HostShell, inputs: BackupAgent): Promise<void> {
  const differences = (found: BackupAgent | undefined) =>
    diffInputs((found ?? {}) as unknown as Properties, inputs as unknown as Properties).map(
      ({ path }) => path,
    );
  await run(host, INSTALL_AGENT, { PACKAGES: inputs.packages.join(" ") });
  const found = await inspect(host, inputs);
  if (differences(found).length === 0) return;
  for (const [path, { mode, content }] of Object.entries(inputs.files)) {
    const there = found?.files[path];
    if (there?.content === content && there.mode === mode) continue;
    await run(host, PUT_FILE, { FILE: path, MODE: mode, OWNER: "root", CONTENT: base64(content) });
  }
  for (const [path, { owner, content }] of Object.entries(inputs.secretFiles)) {
    if (found?.secretFiles[path]?.content === content) continue;
    await run(host, PUT_FILE, { FILE: path, MODE: SECRET_MODE, OWNER: owner, CONTENT: base64(content) });
  }
  await run(host, START_TIMERS, { TIMERS: inputs.timers.join(" ") });
  const left = differences(await inspect(host, inputs));
  if (left.length > 0)
    throw new Error(`backup agent of ${inputs.label}: the host does not keep ${left.join(", ")}`);
}

/** undefined: nothing of it is there. */
async function inspect(host: HostShell, inputs: BackupAgent): Promise<BackupAgent | undefined> {
  const { stdout } = await run(host, READ_AGENT, {
    PATHS: pathsOf(inputs).join(" "),
    SECRET: Object.keys(inputs.secretFiles).join(" "),
    TIMERS: inputs.timers.join(" "),
  });
  return parseAgent(stdout, inputs);
}

/** What READ_AGENT prints, in the form of `inputs`. */
export function parseAgent(text: string, inputs: BackupAgent): BackupAgent | undefined {
  const found: BackupAgent = { ...inputs, files: {}, secretFiles: {}, timers: [] };
  for (const line of text.split("\n").filter(Boolean)) {
    const [fact, name = "", ...values] = line.split(" ");
    if (fact === "timer" && values.join(" ") === "enabled active") found.timers.push(name);
    if (fact !== "file") continue;
    const [bits = "", owner = "", hash, content = ""] = values;
    const mode = bits.padStart(4, "0");
    const declared = inputs.secretFiles[name];
    if (declared === undefined) {
      found.files[name] = { mode, content: Buffer.from(content, "base64").toString() };
    } else {
      const same = sha256(declared.content) === hash && mode === SECRET_MODE && owner === declared.owner;
      found.secretFiles[name] = same ? declared : { ...declared, content: CHANGED };
    }
  }
  return pathsOf(found).length === 0 ? undefined : found;
}

async function run(host: HostShell, script: string, variables: Record<string, string>) {
  const result = await runScript(host.ssh, host.user, script, variables);
  if (result.code !== 0) {
    throw new Error(
      `backup agent: ${result.stderr.trim().split("\n").slice(-3).join(" ") || `code ${result.code}`}`,
    );
  }
  return result;
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
