import { type ChildProcess, spawn } from "node:child_process";
import * as grpc from "@grpc/grpc-js";
import { type ILanguageRuntimeServer, LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/language_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { version } from "@pulumi/pulumi/version";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { endWithEngine } from "../../provider/wire/engine-life";
import { dependencies, runArguments, runEnvironment, runtimeOptions, sdkEntry } from "./program";

/**
 * The language host for Node.js, `pulumi-language-nodejs`: the engine starts it to run a program or a policy pack.
 * Used only where the official one, which comes with the CLI's download, cannot be had.
 */

/** Exit code of the SDK's runner when it has told the user about the error already. */
const ALREADY_REPORTED = 32;

const children = new Set<ChildProcess>();

function start(
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; inherit: boolean },
): ChildProcess {
  const output = options.inherit ? "inherit" : "pipe";
  const child = spawn(process.execPath, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ["ignore", output, output],
  });
  children.add(child);
  child.once("close", () => children.delete(child));
  return child;
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
}

async function run(
  call: grpc.ServerUnaryCall<messages.RunRequest, messages.RunResponse>,
  engine: string,
): Promise<messages.RunResponse> {
  const { request } = call;
  const child = start(runArguments(request, engine), {
    cwd: request.getInfo()?.getProgramDirectory() || request.getPwd(),
    env: runEnvironment(request),
    inherit: true,
  });
  call.on("cancelled", () => child.kill());
  const { code, signal } = await ended(child);
  const response = new messages.RunResponse();
  if (code === ALREADY_REPORTED) return response.setBail(true);
  if (signal) return response.setError(`the program was ended by ${signal}`);
  return code === 0 ? response : response.setError(`the program ended with exit code ${code}`);
}

/** Runs a policy pack or a provider written for Node and passes its output on; the first line is its port. */
async function runPlugin(
  call: grpc.ServerWritableStream<messages.RunPluginRequest, messages.RunPluginResponse>,
): Promise<void> {
  const { request } = call;
  const info = request.getInfo();
  const pack = info?.getProgramDirectory() || request.getProgram();
  const analyzer = request.getKind() === "analyzer";
  const entry = sdkEntry(pack, analyzer ? "run-policy-pack" : "run-plugin");
  const target = analyzer ? [...request.getArgsList(), pack] : [pack, ...request.getArgsList()];
  const child = start([...runtimeOptions(info).nodeargs, entry, ...target], {
    // A pack finds its tsconfig.json and its packages from where it runs.
    cwd: analyzer ? pack : request.getPwd(),
    env: { ...process.env, ...environmentOf(request.getEnvList()) },
    inherit: false,
  });
  call.on("cancelled", () => child.kill());
  child.stdout?.on("data", (bytes: Buffer) => call.write(new messages.RunPluginResponse().setStdout(bytes)));
  child.stderr?.on("data", (bytes: Buffer) => call.write(new messages.RunPluginResponse().setStderr(bytes)));
  const { code } = await ended(child);
  call.write(new messages.RunPluginResponse().setExitcode(code ?? 1));
  call.end();
}

function environmentOf(list: string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(list.map((entry) => entry.split(/=(.*)/s, 2)));
}

async function installDependencies(
  call: grpc.ServerWritableStream<messages.InstallDependenciesRequest, messages.InstallDependenciesResponse>,
): Promise<void> {
  const directory = call.request.getInfo()?.getProgramDirectory() || call.request.getDirectory();
  const child = spawn("npm", ["install"], { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  child.stdout.on("data", (bytes: Buffer) =>
    call.write(new messages.InstallDependenciesResponse().setStdout(bytes)),
  );
  child.stderr.on("data", (bytes: Buffer) =>
    call.write(new messages.InstallDependenciesResponse().setStderr(bytes)),
  );
  const { code } = await ended(child);
  children.delete(child);
  if (code !== 0) throw new Error(`npm install in ${directory} ended with exit code ${code}`);
  call.end();
}

function failure(error: unknown): { code: grpc.status; details: string } {
  const details = error instanceof Error ? error.message : String(error);
  return { code: grpc.status.UNKNOWN, details };
}

function answer<Request, Response>(
  work: (call: grpc.ServerUnaryCall<Request, Response>) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve()
      .then(() => work(call))
      .then(
        (response) => callback(null, response),
        (error) => callback(failure(error)),
      );
  };
}

function about(): messages.AboutResponse {
  return new messages.AboutResponse().setExecutable(process.execPath).setVersion(process.version);
}

function programDependencies(
  request: messages.GetProgramDependenciesRequest,
): messages.GetProgramDependenciesResponse {
  const found = dependencies(request.getInfo()?.getProgramDirectory() || request.getPwd());
  return new messages.GetProgramDependenciesResponse().setDependenciesList(
    found.map(({ name, version }) => new messages.DependencyInfo().setName(name).setVersion(version)),
  );
}

function stopChildren(): void {
  for (const child of children) child.kill();
}

function main(engine: string): void {
  const server = new grpc.Server();
  // Code generation and packing are not part of running a program: what is not listed is answered "unimplemented".
  const handlers: Partial<ILanguageRuntimeServer> = {
    handshake: answer(() => new messages.LanguageHandshakeResponse()),
    getPluginInfo: answer(() => new PluginInfo().setVersion(version)),
    about: answer(about),
    // The SDKs name plugin and version with each resource, so there is nothing to install ahead.
    getRequiredPackages: answer(() => new messages.GetRequiredPackagesResponse()),
    getRequiredPlugins: answer(() => new messages.GetRequiredPluginsResponse()),
    getProgramDependencies: answer((call) => programDependencies(call.request)),
    runtimeOptionsPrompts: answer(() => new messages.RuntimeOptionsResponse()),
    run: answer((call) => run(call, engine)),
    runPlugin: (call) => void runPlugin(call).catch((error) => call.emit("error", failure(error))),
    installDependencies: (call) =>
      void installDependencies(call).catch((error) => call.emit("error", failure(error))),
    cancel: answer(() => {
      stopChildren();
      return new Empty();
    }),
  };
  server.addService(LanguageRuntimeService, handlers as ILanguageRuntimeServer);
  endWithEngine(async () => stopChildren());
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`${port}\n`);
  });
}

main(process.argv[2] ?? "");
