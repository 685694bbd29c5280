import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";
import type { ProgramInfo, RunRequest } from "@pulumi/pulumi/proto/language_pb";

/** What `runtime.options` of a Pulumi.yaml may say; anything else is refused, not ignored. */
interface RuntimeOptions {
  /** Default true: the SDK's own TypeScript support (ts-node). */
  typescript: boolean;
  /** Arguments for Node itself: `--require ./toolchain/start.cjs`. */
  nodeargs: string[];
}

const IGNORED_OPTIONS = ["packagemanager"];

export function runtimeOptions(info: ProgramInfo | undefined): RuntimeOptions {
  const raw = info?.getOptions()?.toJavaScript() ?? {};
  for (const name of Object.keys(raw)) {
    if (["typescript", "nodeargs", ...IGNORED_OPTIONS].includes(name)) continue;
    throw new Error(`runtime.options.${name} is not known here; use typescript and nodeargs`);
  }
  return { typescript: raw.typescript !== false, nodeargs: splitWords(String(raw.nodeargs ?? "")) };
}

/** Splits at blanks; single and double quotes hold words together. */
export function splitWords(line: string): string[] {
  const words = line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return words.map((word) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, (_all, double, single) => double ?? single),
  );
}

/** Path of one of the SDK's entry points, taken from the packages of the program that is run. */
export function sdkEntry(directory: string, name: "run" | "run-policy-pack" | "run-plugin"): string {
  try {
    return createRequire(path.join(directory, "_")).resolve(`@pulumi/pulumi/cmd/${name}`);
  } catch {
    throw new Error(`${directory} has no @pulumi/pulumi installed. Run there: npm ci`);
  }
}

/** Arguments of Node for one run of a program, in the form `@pulumi/pulumi/cmd/run` takes them. */
export function runArguments(request: RunRequest, engine: string): string[] {
  const info = request.getInfo();
  const directory = info?.getProgramDirectory() || request.getPwd();
  const args = [...runtimeOptions(info).nodeargs, sdkEntry(directory, "run")];
  const flag = (name: string, value: string | number) => value && args.push(`--${name}=${value}`);
  flag("monitor", request.getMonitorAddress());
  flag("engine", engine);
  flag("organization", request.getOrganization());
  flag("project", request.getProject());
  flag("root-directory", info?.getRootDirectory() ?? "");
  flag("stack", request.getStack());
  flag("pwd", request.getPwd());
  if (request.getDryrun()) args.push("--dry-run");
  flag("parallel", request.getParallel());
  args.push(info?.getEntryPoint() || request.getProgram() || ".", ...request.getArgsList());
  return args;
}

/** Environment of a program: its configuration, and which keys of it are secret. */
export function runEnvironment(request: RunRequest): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().getEntryList())),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    PULUMI_NODEJS_TYPESCRIPT: String(runtimeOptions(request.getInfo()).typescript),
  };
}

/** Direct dependencies of the program with the versions installed. */
export function dependencies(directory: string): { name: string; version: string }[] {
  const manifest = readJson(path.join(directory, "package.json"));
  const names = Object.keys((manifest.dependencies as object | undefined) ?? {});
  return names.map((name) => ({
    name,
    version: String(readJson(path.join(directory, "node_modules", name, "package.json")).version ?? ""),
  }));
}

function readJson(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  } catch {
    return {};
  }
}
