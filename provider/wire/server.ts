import * as grpc from "@grpc/grpc-js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { type IResourceProviderServer, ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { endWithEngine } from "./engine-life";
import { warnEngine } from "./engine-log";
import type { ProviderDefinition } from "./kind";
import { ProviderMethods } from "./methods";

/** Largest message either way, in bytes: the engine's own limit. */
const MAX_MESSAGE = 400 * 1024 * 1024;
/** How long connections may take to close when the process ends, in ms; the engine kills after 5 s. */
const CLOSE_LIMIT = 2_000;

/**
 * Serves a provider to the engine that started this process: prints the port on stdout, as the engine expects, and
 * ends when the engine says so or is gone.
 */
export async function serveProvider<Config>(definition: ProviderDefinition<Config>): Promise<void> {
  const methods = new ProviderMethods(definition, warnEngine(process.argv[2]));
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE,
    "grpc.max_send_message_length": MAX_MESSAGE,
  });
  server.addService(ResourceProviderService, handlers(definition, methods));
  endWithEngine(async () => {
    await Promise.race([methods.close(), new Promise((resolve) => setTimeout(resolve, CLOSE_LIMIT))]);
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  process.stdout.write(`${port}\n`);
}

function handlers<Config>(
  definition: ProviderDefinition<Config>,
  methods: ProviderMethods<Config>,
): IResourceProviderServer {
  /** Answers with what `work` gives, or with a gRPC error that carries the text for the user and no stack. */
  const answer =
    <Request, Response>(
      work: (request: Request) => Response | Promise<Response>,
    ): grpc.handleUnaryCall<Request, Response> =>
    (call, callback) => {
      Promise.resolve()
        .then(() => work(call.request))
        .then(
          (response) => callback(null, response),
          (error) => callback({ code: grpc.status.UNKNOWN, details: methods.explain(error) }),
        );
    };
  const absent =
    <Request, Response>(what: (request: Request) => string): grpc.handleUnaryCall<Request, Response> =>
    (call, callback) =>
      callback({
        code: grpc.status.UNIMPLEMENTED,
        details: `the provider "${definition.name}" ${what(call.request)}`,
      });

  return {
    handshake: answer(() =>
      new messages.ProviderHandshakeResponse()
        .setAcceptSecrets(true)
        .setAcceptOutputs(true)
        .setAcceptResources(false),
    ),
    getPluginInfo: answer(() => new PluginInfo().setVersion(definition.version)),
    getSchema: answer(() => new messages.GetSchemaResponse().setSchema(methods.schema())),
    checkConfig: answer((request) => methods.checkConfig(request)),
    diffConfig: answer((request) => methods.diffConfig(request)),
    configure: answer((request) => methods.configure(request)),
    check: answer((request) => methods.check(request)),
    diff: answer((request) => methods.diff(request)),
    create: answer((request) => methods.create(request)),
    read: answer((request) => methods.read(request)),
    update: answer((request) => methods.update(request)),
    delete: answer(async (request) => {
      await methods.delete(request);
      return new Empty();
    }),
    cancel: answer(() => {
      // Answered at once: the engine waits for the answer before it goes on to wait for the calls in flight.
      methods.cancel().catch((error) => process.stderr.write(`${methods.explain(error)}\n`));
      return new Empty();
    }),
    attach: answer(() => new Empty()),
    invoke: absent((request: messages.InvokeRequest) => `has no function "${request.getTok()}"`),
    call: absent((request: messages.CallRequest) => `has no method "${request.getTok()}"`),
    construct: absent((request: messages.ConstructRequest) => `has no component "${request.getType()}"`),
    parameterize: absent(() => "takes no parameters"),
    getMapping: answer(() => new messages.GetMappingResponse()),
    getMappings: answer(() => new messages.GetMappingsResponse()),
  };
}
