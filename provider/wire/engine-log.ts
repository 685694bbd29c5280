import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

/** Tells the user something that is no error, beside the resource it is about. Never holds a secret. */
export type Warn = (urn: string, text: string) => void;

/**
 * Warnings through the engine that started this process.
 * @param address `host:port`, the last argument of the command line; undefined: started by hand, then nobody is told
 */
export function warnEngine(address: string | undefined): Warn {
  if (address === undefined || !/^[\w.-]+:\d+$/.test(address)) return () => undefined;
  let client: EngineClient | undefined;
  return (urn, text) => {
    client ??= new EngineClient(address, grpc.credentials.createInsecure());
    const request = new LogRequest().setSeverity(LogSeverity.WARNING).setMessage(text).setUrn(urn);
    // A warning that cannot be told is no reason to fail.
    client.log(request, () => undefined);
  };
}
