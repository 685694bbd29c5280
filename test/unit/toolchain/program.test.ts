import { realpathSync } from "node:fs";
import * as path from "node:path";
import { ProgramInfo, RunRequest } from "@pulumi/pulumi/proto/language_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { describe, expect, it } from "vitest";
import {
  dependencies,
  runArguments,
  runEnvironment,
  runtimeOptions,
  sdkEntry,
  splitWords,
} from "../../../toolchain/language-nodejs/program";

const root = path.resolve(__dirname, "../../..");
const info = (options: Record<string, JavaScriptValue> = {}) =>
  new ProgramInfo()
    .setRootDirectory(root)
    .setProgramDirectory(root)
    .setEntryPoint("index.ts")
    .setOptions(Struct.fromJavaScript(options));

describe("runtime options", () => {
  it("split nodeargs as a shell does", () => {
    expect(splitWords(` --import tsx  --title="a b" 'c d'`)).toEqual([
      "--import",
      "tsx",
      "--title=a b",
      "c d",
    ]);
  });

  it("have the official host's defaults, and refuse what is not known", () => {
    expect(runtimeOptions(info())).toEqual({ typescript: true, nodeargs: [] });
    expect(runtimeOptions(info({ typescript: false })).typescript).toBe(false);
    expect(() => runtimeOptions(info({ nodeArgs: "x" }))).toThrow("runtime.options.nodeArgs is not known");
  });
});

describe("a run", () => {
  const request = () => {
    const made = new RunRequest()
      .setMonitorAddress("127.0.0.1:1")
      .setProject("estate")
      .setStack("prod")
      .setOrganization("organization")
      .setPwd(root)
      .setParallel(8)
      .setDryrun(true)
      .setConfigsecretkeysList(["estate:token"])
      .setInfo(info({ typescript: false, nodeargs: "--require tsx/cjs" }));
    made.getConfigMap().set("estate:token", "t");
    return made;
  };

  it("has the SDK runner's arguments", () => {
    expect(runArguments(request(), "127.0.0.1:2")).toEqual([
      "--require",
      "tsx/cjs",
      realpathSync(path.join(root, "node_modules/@pulumi/pulumi/cmd/run/index.js")),
      "--monitor=127.0.0.1:1",
      "--engine=127.0.0.1:2",
      "--organization=organization",
      "--project=estate",
      `--root-directory=${root}`,
      "--stack=prod",
      `--pwd=${root}`,
      "--dry-run",
      "--parallel=8",
      "index.ts",
    ]);
    expect(runArguments(request().setDryrun(false), "")).not.toContain("--dry-run");
  });

  it("gets its configuration through the environment, never as an argument", () => {
    const env = runEnvironment(request());
    expect(env.PULUMI_CONFIG).toBe('{"estate:token":"t"}');
    expect(env.PULUMI_CONFIG_SECRET_KEYS).toBe('["estate:token"]');
    expect(env.PULUMI_NODEJS_TYPESCRIPT).toBe("false");
  });

  it("says what to do where the SDK is not installed", () => {
    expect(() => sdkEntry("/", "run")).toThrow("/ has no @pulumi/pulumi installed. Run there: npm ci");
  });

  it("lists what the program depends on, with the installed versions", () => {
    expect(dependencies(root)).toContainEqual({ name: "@pulumi/pulumi", version: "3.230.0" });
  });
});
