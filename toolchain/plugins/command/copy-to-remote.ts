import { randomBytes } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import * as path from "node:path";
import type { SFTPWrapper, Stats } from "ssh2";
import { type CheckFailure, type Kind, UNKNOWN, type Value } from "../../../provider/wire/kind";
import { checkFields, type Fields } from "../fields";
import { CONNECTION_SECRETS, type Connection, checkConnection, dial } from "./connection";

/** A FileAsset, StringAsset or FileArchive as it comes over the wire. `hash` names its content. */
interface Source {
  path?: string;
  text?: string;
  hash?: string;
}

export interface CopyInputs {
  connection: Connection;
  remotePath: string;
  source: Source;
  triggers?: unknown[];
}

const FIELDS: Fields = {
  connection: { type: "any" },
  remotePath: { type: "string", required: true },
  source: { type: "any", required: true },
  triggers: { type: "any", replaces: true },
};

/** `command:remote:CopyToRemote`. Copies again when content or path change; deleting leaves the copy on the host. */
export const copyToRemote: Kind<undefined, CopyInputs, CopyInputs> = {
  token: "command:remote:CopyToRemote",
  secretInputs: ["connection"],
  secretParts: CONNECTION_SECRETS,
  replaceOn: ["triggers"],

  check(news) {
    const { inputs, failures } = checkFields("@pulumi/command", FIELDS, news);
    const connection = checkConnection(news.connection);
    return {
      inputs: { ...inputs, connection: connection.value },
      failures: [...failures, ...connection.failures, ...checkSource(news.source)],
    };
  },

  async create({ signal }, inputs) {
    await copy(inputs, signal);
    return { id: randomBytes(4).toString("hex"), state: inputs };
  },

  async read(_call, id, old) {
    return old && { id, ...old };
  },

  async update({ signal }, _id, { state }, news) {
    const same = news.source.hash === state.source.hash && news.remotePath === state.remotePath;
    if (!same || news.source.hash === undefined) await copy(news, signal);
    return news;
  },

  async delete() {},
};

function checkSource(value: Value | undefined): CheckFailure[] {
  if (value === undefined || value === null || value === UNKNOWN) return [];
  const source = value as Source;
  if (typeof source === "object" && (typeof source.path === "string" || typeof source.text === "string"))
    return [];
  return [{ property: "source", reason: "must be a FileAsset, a StringAsset or a FileArchive of a path" }];
}

async function copy(inputs: CopyInputs, signal: AbortSignal): Promise<void> {
  const ssh = await dial(inputs.connection, signal);
  try {
    const sftp = await ssh.sftp();
    const { source, remotePath } = inputs;
    if (source.text !== undefined) await writeText(sftp, source.text, remotePath);
    else if (source.path !== undefined) await copyPath(sftp, source.path, remotePath);
  } finally {
    ssh.close();
  }
}

async function writeText(sftp: SFTPWrapper, text: string, target: string): Promise<void> {
  if ((await remoteStat(sftp, target))?.isDirectory()) {
    throw new Error(`remotePath: ${target} is a directory on the host; a text needs the path of a file`);
  }
  await told(target, (done) => sftp.writeFile(target, text, done));
}

/**
 * | source | target is a directory | target is not there | target is a file |
 * |---|---|---|---|
 * | directory | target/directory | target/directory | error |
 * | directory/ | into target | into target | error |
 * | file | target/file | target | overwritten |
 */
async function copyPath(sftp: SFTPWrapper, source: string, target: string): Promise<void> {
  const existing = await remoteStat(sftp, target);
  if (!(await stat(source)).isDirectory()) {
    const inside = existing?.isDirectory() ? path.posix.join(target, path.basename(source)) : target;
    return told(inside, (done) => sftp.fastPut(source, inside, done));
  }
  await ensureDirectory(sftp, target, existing);
  const inside = source.endsWith("/") ? target : path.posix.join(target, path.basename(source));
  await copyDirectory(sftp, source, inside);
}

async function copyDirectory(sftp: SFTPWrapper, source: string, target: string): Promise<void> {
  await ensureDirectory(sftp, target, await remoteStat(sftp, target));
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const from = path.join(source, entry.name);
    const to = path.posix.join(target, entry.name);
    if (entry.isDirectory()) await copyDirectory(sftp, from, to);
    else await told(to, (done) => sftp.fastPut(from, to, done));
  }
}

async function ensureDirectory(
  sftp: SFTPWrapper,
  target: string,
  existing: Stats | undefined,
): Promise<void> {
  if (existing?.isDirectory()) return;
  if (existing) throw new Error(`remotePath: ${target} on the host is no directory`);
  await told(target, (done) => sftp.mkdir(target, done));
}

/** SFTP's status for a path that is not there. */
const NO_SUCH_FILE = 2;

function remoteStat(sftp: SFTPWrapper, target: string): Promise<Stats | undefined> {
  return new Promise((resolve, reject) => {
    sftp.stat(target, (error, stats) => {
      if (!error) resolve(stats);
      else if ((error as { code?: number }).code === NO_SUCH_FILE) resolve(undefined);
      else reject(new Error(`cannot look at ${target} on the host: ${error.message}`));
    });
  });
}

function told(target: string, act: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    act((error) =>
      error ? reject(new Error(`cannot write ${target} on the host: ${error.message}`)) : resolve(),
    );
  });
}
