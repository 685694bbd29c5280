import { describe, expect, test } from "vitest";
import { type Properties, UNKNOWN } from "../../../provider/wire/kind";
import { failure, newId, outputsOf, previousOutput } from "../../../toolchain/plugins/command/commands";
import { checkConnection } from "../../../toolchain/plugins/command/connection";
import { copyToRemote } from "../../../toolchain/plugins/command/copy-to-remote";
import { localCommand } from "../../../toolchain/plugins/command/local-command";
import { remoteCommand } from "../../../toolchain/plugins/command/remote-command";

const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";
const faults = (kind: { check: typeof localCommand.check }, news: Properties) =>
  kind.check(news, undefined, { urn: "urn" }).failures.map(({ property }) => property);

describe("a connection", () => {
  test("gets the real package's defaults, its bastion too", () => {
    expect(checkConnection({ host: "a", hostKey: HOST_KEY, proxy: { host: "b", port: 2222 } })).toEqual({
      value: {
        host: "a",
        port: 22,
        user: "root",
        hostKey: HOST_KEY,
        dialErrorLimit: 10,
        perDialTimeout: 15,
        proxy: { host: "b", port: 2222, user: "root", dialErrorLimit: 10, perDialTimeout: 15 },
      },
      failures: [],
    });
  });

  test("names each fault by its path", () => {
    const paths = (value: Properties | null) =>
      checkConnection(value).failures.map(({ property }) => property);
    expect(paths(null)).toEqual(["connection"]);
    expect(paths({ hostKey: "ssh-ed25519 broken", x: 1 })).toEqual([
      "connection.hostKey",
      "connection.x",
      "connection.host",
    ]);
    expect(paths({ host: "a", proxy: { port: "22" } })).toEqual([
      "connection.proxy.port",
      "connection.proxy.host",
    ]);
    expect(paths({ host: "a", proxy: { host: "b", proxy: { host: "c" } } })).toEqual([
      "connection.proxy.proxy",
    ]);
  });

  test("may be unknown, in whole or in part", () => {
    expect(checkConnection(UNKNOWN).failures).toEqual([]);
    expect(checkConnection({ host: UNKNOWN, hostKey: UNKNOWN, proxy: UNKNOWN }).failures).toEqual([]);
  });
});

describe("the kinds", () => {
  test("refuse what they lack", () => {
    expect(
      faults(localCommand, { create: "x", assetPaths: ["*"], archivePaths: ["*"], logging: "stdout" }),
    ).toEqual(["assetPaths", "archivePaths", "logging"]);
    expect(faults(remoteCommand, { create: "x", environment: {} })).toEqual(["environment", "connection"]);
    expect(faults(copyToRemote, { source: "text", remotePath: 1 })).toEqual([
      "remotePath",
      "connection",
      "source",
    ]);
    expect(faults(localCommand, { create: "x", logging: "none" })).toEqual([]);
  });

  test("triggers of any type replace; secrets are secret", () => {
    expect(faults(localCommand, { triggers: ["a", 1, { b: UNKNOWN }] })).toEqual([]);
    for (const kind of [localCommand, remoteCommand, copyToRemote])
      expect(kind.replaceOn).toEqual(["triggers"]);
    for (const kind of [localCommand, remoteCommand]) expect(kind.secretOutputs).toBeUndefined();
    for (const kind of [copyToRemote, remoteCommand])
      expect(kind.secretParts).toEqual(
        expect.arrayContaining(["connection.privateKey", "connection.proxy.password"]),
      );
    for (const kind of [copyToRemote, remoteCommand]) expect(kind.secretInputs).toEqual(["connection"]);
  });
});

test("one newline is taken off each output, no more", () => {
  expect(outputsOf({ stdout: "a\n\n", stderr: "b" })).toEqual({ stdout: "a\n", stderr: "b" });
});

test("what was printed before is handed on unless it is empty or unwanted", () => {
  expect(previousOutput({}, { stdout: "a", stderr: "" })).toEqual({ PULUMI_COMMAND_STDOUT: "a" });
  expect(previousOutput({ addPreviousOutputInEnv: false }, { stdout: "a", stderr: "b" })).toEqual({});
});

test("a failure repeats the whole command and all that it printed", () => {
  expect(failure("exit status 2", 'echo "a"', { stdout: "out\n", stderr: "err\n" }).message).toBe(
    'exit status 2: running "echo \\"a\\"":\nout\nerr\n',
  );
});

test("an id is the resource's name and eight hexadecimal digits", () => {
  expect(newId("urn:pulumi:s::p::command:local:Command::my-job")).toMatch(/^my-job[0-9a-f]{8}$/);
});
