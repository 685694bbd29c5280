import * as fs from "node:fs/promises";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyToRemote } from "../../../toolchain/plugins/command/copy-to-remote";
import { localCommand } from "../../../toolchain/plugins/command/local-command";
import { remoteCommand } from "../../../toolchain/plugins/command/remote-command";
import { freePort } from "../../support/free-port";
import { type Sshd, startSshd } from "../../support/sshd";

const call = {
  config: undefined,
  urn: "urn:pulumi:test::project::command:remote:Command::job",
  signal: new AbortController().signal,
};

let sshd: Sshd;
let connection: Parameters<typeof remoteCommand.create>[1]["connection"];

beforeAll(async () => {
  sshd = await startSshd(["AcceptEnv PULUMI_COMMAND_*"]);
  const { host, port, user, privateKey, hostKey } = sshd;
  connection = { host, port, user, privateKey, hostKey, dialErrorLimit: 0, perDialTimeout: 5 };
});

afterAll(() => sshd?.stop());

describe.each(["local", "remote"] as const)("%s command", (place) => {
  const command = place === "local" ? localCommand : remoteCommand;
  const inputs = (more: object) => (place === "local" ? more : { connection, ...more }) as never;

  test("create runs with stdin; one newline is taken off the outputs", async () => {
    const made = await command.create(call, inputs({ create: "cat; echo; echo err >&2", stdin: "a\n" }));
    expect(made.id).toMatch(/^job[0-9a-f]{8}$/);
    expect(made.state).toMatchObject({ stdout: "a\n", stderr: "err" });
  });

  test("update prefers its own command, falls back to create, and sees what was printed before", async () => {
    const state = inputs({ create: "echo one", stdout: "one", stderr: "bad" });
    const print = 'echo "$PULUMI_COMMAND_STDOUT:$PULUMI_COMMAND_STDERR"';
    const run = async (news: object) =>
      (await command.update(call, "id", { inputs: state, state }, inputs(news))).stdout;
    expect(await run({ create: "echo two", update: print })).toBe("one:bad");
    expect(await run({ create: "echo two" })).toBe("two");
    expect(await run({ update: print, addPreviousOutputInEnv: false })).toBe(":");
    expect(await run({ stdin: "changed" })).toBe("one");
  });

  test("delete runs the delete command, and nothing without one", async () => {
    const file = path.join(sshd.directory, `${place}-deleted`);
    const state = (more: object) => inputs({ stdout: "", stderr: "", ...more });
    await command.delete(call, "id", { inputs: state({}), state: state({}) });
    await command.delete(call, "id", { inputs: state({}), state: state({ delete: `touch ${file}` }) });
    await fs.access(file);
  });

  test("a failure repeats the command and what it printed, not its stdin", async () => {
    const failing = inputs({
      create: "cat > /dev/null; echo said; echo reason >&2; exit 7 # shown",
      stdin: "topsecret",
    });
    const error: Error = await command.create(call, failing).then(
      () => new Error("no failure"),
      (reason) => reason,
    );
    expect(error.message).toMatch(/status 7: running "cat .* # shown":\nsaid\nreason\n$/);
    expect(error.message).not.toMatch(/topsecret/);
  });

  test("a refresh finds what the last run printed", async () => {
    const state = inputs({ create: "x", stdout: "kept" });
    expect(await command.read(call, "id", { inputs: inputs({ create: "x" }), state })).toMatchObject({
      state,
    });
    expect(await command.read(call, "id", undefined)).toBeUndefined();
  });
});

test("a local command runs in its directory, with its environment and interpreter", async () => {
  const { state } = await localCommand.create(call, {
    create: "console.log(process.cwd(), process.env.GREETING)",
    interpreter: ["node", "-e"],
    dir: sshd.directory,
    environment: { GREETING: "hello" },
  });
  expect(state.stdout).toBe(`${await fs.realpath(sshd.directory)} hello`);
});

test("a host that does not answer is tried as often as the limit says", async () => {
  const port = await freePort();
  const create = (dialErrorLimit: number) =>
    remoteCommand.create(call, { connection: { ...connection, port, dialErrorLimit }, create: "true" });
  await expect(create(2)).rejects.toThrow("after 2 attempts");
  await expect(create(0)).rejects.toThrow("after 1 attempt:");
});

test("a wrong host key is tried again too, and never believed", async () => {
  const other = await startSshd();
  await other.stop();
  const file = path.join(sshd.directory, "reached");
  const wrong = { ...connection, hostKey: other.hostKey, dialErrorLimit: 3 };
  await expect(remoteCommand.create(call, { connection: wrong, create: `touch ${file}` })).rejects.toThrow(
    /after 3 attempts: .*another host key/,
  );
  await expect(fs.access(file)).rejects.toThrow("ENOENT");
});

test("where a command is to see what was printed before, there is a warning for each output", async () => {
  const warnings: string[] = [];
  const warned = { ...call, warn: (text: string) => warnings.push(text) };
  const state = { connection, create: "true", stdout: "one", stderr: "two" };
  const update = (more: object) =>
    remoteCommand.update(warned, "id", { inputs: state, state }, { connection, create: "true", ...more });
  await update({ addPreviousOutputInEnv: false });
  expect(warnings).toEqual([]);
  await update({});
  expect(warnings).toEqual([
    expect.stringContaining("'PULUMI_COMMAND_STDOUT'"),
    expect.stringContaining("'PULUMI_COMMAND_STDERR'"),
  ]);
});

describe("copy to remote", () => {
  const read = (name: string) => fs.readFile(path.join(sshd.directory, name), "utf8");
  const at = (name: string) => path.join(sshd.directory, name);

  test("a text goes to a file, and again only when it changes", async () => {
    const inputs = { connection, remotePath: at("text"), source: { text: "one", hash: "1" } };
    const { id, state } = await copyToRemote.create(call, inputs);
    expect(await read("text")).toBe("one");
    await fs.writeFile(at("text"), "changed by hand");
    await copyToRemote.update(
      call,
      id,
      { inputs, state },
      { ...inputs, connection: { ...connection, port: 1 } },
    );
    expect(await read("text")).toBe("changed by hand");
    await copyToRemote.update(call, id, { inputs, state }, { ...inputs, source: { text: "two", hash: "2" } });
    expect(await read("text")).toBe("two");
  });

  test("a text does not go to a directory", async () => {
    const inputs = { connection, remotePath: sshd.directory, source: { text: "x" } };
    await expect(copyToRemote.create(call, inputs)).rejects.toThrow("is a directory");
  });

  test("a file goes into a directory or onto a file; a directory goes below or into its target", async () => {
    await fs.mkdir(at("from/sub"), { recursive: true });
    await fs.writeFile(at("from/sub/file"), "deep");
    await fs.mkdir(at("target"));
    const copy = (source: string, remotePath: string) =>
      copyToRemote.create(call, { connection, remotePath: at(remotePath), source: { path: at(source) } });
    await copy("from/sub/file", "target");
    expect(await read("target/file")).toBe("deep");
    await copy("from/sub/file", "single");
    expect(await read("single")).toBe("deep");
    await copy("from", "below");
    expect(await read("below/from/sub/file")).toBe("deep");
    await copy("from/", "into");
    expect(await read("into/sub/file")).toBe("deep");
    await expect(copy("from", "single")).rejects.toThrow("is no directory");
    await expect(copy("from/sub/file", "missing/parent/file")).rejects.toThrow("cannot write");
  });
});
