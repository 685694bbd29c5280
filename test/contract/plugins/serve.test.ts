import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";
import * as grpc from "@grpc/grpc-js";
import type { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { afterEach, describe, expect, test } from "vitest";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";

const PLUGINS = {
  aws: {
    version: "7.48.0",
    kinds: ["s3/bucket:Bucket", "kms/key:Key", "iam/user:User"].map((kind) => `aws:${kind}`),
  },
  random: { version: "4.21.2", kinds: ["random:index/randomPassword:RandomPassword"] },
  github: {
    version: "6.15.0",
    kinds: ["actionsSecret:ActionsSecret", "actionsEnvironmentSecret:ActionsEnvironmentSecret"].map(
      (kind) => `github:index/${kind}`,
    ),
  },
  command: {
    version: "1.2.1",
    kinds: ["command:local:Command", "command:remote:Command", "command:remote:CopyToRemote"],
  },
};

let plugin: ChildProcess | undefined;
let client: ResourceProviderClient | undefined;

afterEach(async () => {
  client?.close();
  if (!plugin || plugin.exitCode !== null) return;
  const gone = once(plugin, "exit");
  plugin.kill();
  await gone;
});

/** Starts a plugin as the engine does: it prints the port it serves on. */
async function start(name: string): Promise<ResourceProviderClient> {
  const main = path.join(__dirname, `../../../toolchain/plugins/${name}/main.ts`);
  plugin = spawn(process.execPath, ["--import", "tsx", main], { stdio: ["pipe", "pipe", "inherit"] });
  if (!plugin.stdout) throw new Error("no stdout");
  const [port] = (await once(plugin.stdout, "data")) as [Buffer];
  client = new ResourceProviderClient(
    `127.0.0.1:${port.toString().trim()}`,
    grpc.credentials.createInsecure(),
  );
  return client;
}

function ask<Request, Response>(
  method: (request: Request, done: (error: grpc.ServiceError | null, response: Response) => void) => unknown,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    method.call(client, request, (error, response) => (error ? reject(error) : resolve(response)));
  });
}

const urnOf = (token: string) => `urn:pulumi:stack::project::${token}::name`;
const struct = (values: Record<string, JavaScriptValue>) => Struct.fromJavaScript(values);

function check(token: string, values: Record<string, JavaScriptValue>): Promise<messages.CheckResponse> {
  const request = new messages.CheckRequest().setUrn(urnOf(token)).setType(token).setNews(struct(values));
  return ask((client as ResourceProviderClient).check, request);
}

describe.each(Object.entries(PLUGINS))("%s", (name, { version, kinds }) => {
  test("serves the real package's version and kinds, and refuses what it lacks", async () => {
    const served = await start(name);
    expect((await ask<Empty, PluginInfo>(served.getPluginInfo, new Empty())).getVersion()).toBe(version);
    for (const token of kinds) {
      const failures = (await check(token, { surprise: "value" })).getFailuresList();
      expect(failures.map((failure) => failure.getReason())).toContainEqual(
        `surprise: unsupported by the stand-in of @pulumi/${name}. Leave it out, or run with the real plugin`,
      );
    }
    await expect(check(`${name}:index/other:Other`, {})).rejects.toThrow("has no resource kind");
  });
});

test("a password is secret on the wire", async () => {
  const served = await start("random");
  await ask(served.configure, new messages.ConfigureRequest().setArgs(struct({})));
  const token = PLUGINS.random.kinds[0] ?? "";
  const inputs = (await check(token, { length: 20 })).getInputs();
  const request = new messages.CreateRequest().setUrn(urnOf(token)).setType(token).setProperties(inputs);
  const created = await ask<messages.CreateRequest, messages.CreateResponse>(served.create, request);
  expect(created.getId()).toBe("none");
  expect(created.getProperties()?.toJavaScript().result).toEqual({
    [SIGNATURE]: SECRET,
    value: expect.stringMatching(/^.{20}$/),
  });
});

test("a password's state says which schema it has, and one that does not say it learns it at a refresh", async () => {
  const served = await start("random");
  await ask(served.configure, new messages.ConfigureRequest().setArgs(struct({})));
  const token = PLUGINS.random.kinds[0] ?? "";
  const inputs = (await check(token, { length: 20 })).getInputs();
  const request = new messages.CreateRequest().setUrn(urnOf(token)).setType(token).setProperties(inputs);
  const created = await ask<messages.CreateRequest, messages.CreateResponse>(served.create, request);
  const { __meta: meta, ...rest } = created.getProperties()?.toJavaScript() ?? {};
  expect(meta).toBe('{"schema_version":"3"}');

  const without = struct(rest);
  const diff = new messages.DiffRequest().setUrn(urnOf(token)).setType(token).setId("none");
  const changes = await ask<messages.DiffRequest, messages.DiffResponse>(
    served.diff,
    diff.setOlds(without).setOldInputs(inputs).setNews(inputs),
  );
  expect(changes.getDiffsList()).toEqual([]);
  const read = new messages.ReadRequest().setUrn(urnOf(token)).setType(token).setId("none");
  const found = await ask<messages.ReadRequest, messages.ReadResponse>(
    served.read,
    read.setInputs(inputs).setProperties(without),
  );
  expect(found.getProperties()?.toJavaScript()).toEqual(created.getProperties()?.toJavaScript());
  expect(found.getInputs()?.toJavaScript()).toEqual({ length: 20 });
});

describe("the key of a connection", () => {
  const token = "command:remote:Command";
  const key = { [SIGNATURE]: SECRET, value: "a private key" };
  /** What a program declares: the package seals the connection as a whole, and nothing within. */
  const declared = {
    create: "x",
    connection: { [SIGNATURE]: SECRET, value: { host: "h", privateKey: "a private key" } },
  };

  test("is secret for itself, inside the connection that is secret as a whole", async () => {
    await start("command");
    const inputs = (await check(token, declared)).getInputs()?.toJavaScript();
    expect(inputs?.connection).toMatchObject({ [SIGNATURE]: SECRET, value: { host: "h", privateKey: key } });
  });

  test("that a state holds otherwise is a change, and is none where it holds it so", async () => {
    const served = await start("command");
    const news = (await check(token, declared)).getInputs();
    const changes = async (olds: Struct | undefined) => {
      const request = new messages.DiffRequest().setUrn(urnOf(token)).setType(token).setId("id");
      const asked = request.setOlds(olds).setOldInputs(olds).setNews(news);
      const diff = await ask<messages.DiffRequest, messages.DiffResponse>(served.diff, asked);
      return [...diff.getDetaileddiffMap().toArray()].map(([path]) => path);
    };
    expect(await changes(news)).toEqual([]);
    expect(await changes(struct(declared))).toContain("connection.privateKey");
  });
});

test("an asset passes the wire as an asset", async () => {
  await start("command");
  const source = { [SIGNATURE]: ASSET, text: "content", hash: "abc" };
  const checked = await check("command:remote:CopyToRemote", {
    connection: { [SIGNATURE]: SECRET, value: { host: "h" } },
    remotePath: "/x",
    source,
  });
  expect(checked.getFailuresList()).toEqual([]);
  const inputs = checked.getInputs()?.toJavaScript();
  expect(inputs?.source).toEqual(source);
  expect(inputs?.connection).toMatchObject({ [SIGNATURE]: SECRET, value: { host: "h", port: 22 } });
});
