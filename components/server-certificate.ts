import type * as pulumi from "@pulumi/pulumi";
import type { ProvisionedServer } from "../estate/types";
import { HostCertificate, type HostCertificateArgs } from "../provider/resources";
import type { Host } from "./host";
import type { TlsSettings } from "./plans/tls";

export interface ServerCertificateArgs
  extends Pick<HostCertificateArgs, "directory" | "owner" | "engine" | "admin"> {
  machine: Host;
  server: ProvisionedServer;
  tls: TlsSettings;
  /** What installs the engine, and with it its user. */
  packages: pulumi.Resource;
}

/** The certificate of a server that we provision; its parent is the server. */
export function serverCertificate(
  parent: pulumi.Resource,
  name: string,
  { machine, server, tls, packages, ...rest }: ServerCertificateArgs,
): HostCertificate {
  return new HostCertificate(
    `${name}-certificate`,
    { ...rest, name: server.host, address: server.listen, port: server.port, renewBefore: tls.renewBefore },
    { parent, provider: machine.provider, dependsOn: [packages] },
  );
}
