import * as pulumi from "@pulumi/pulumi";
import { databaseSource, type Reach } from "../estate/reachability";
import type { PleskServer as PleskConfig } from "../estate/types";
import { EstateProvider } from "../provider/resources";
import { Host } from "./host";
import type { MariadbTarget } from "./mariadb-server";
import { quote } from "./plans/host-script";
import { type SshLogin, secretFromEnvironment } from "./plans/ssh";
import type { AdminLogin } from "./provision-server";
import { withoutStackTrace } from "./without-stack-trace";

export interface PleskServerArgs {
  server: PleskConfig;
  ssh: SshLogin;
  /** The host's part of the reachability table: host part of the accounts. */
  reach: readonly Reach[];
  /** Of `server.adminUser`; default: `PLESK_DB_ADMIN_PASSWORD` or the content of `PLESK_DB_ADMIN_PASSWORD_FILE`. */
  adminPassword?: string | undefined;
}

/**
 * The web host's own MariaDB. It is connected to and never provisioned: the host belongs to its panel. The certificate
 * it shows is read from the host over SSH, whose key is pinned, and then pinned itself.
 */
export class PleskServer extends pulumi.ComponentResource implements MariadbTarget {
  readonly provider: EstateProvider;
  readonly certificate: pulumi.Output<string>;
  readonly accountHost: string;
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
  /** undefined: its password is not known to this run. */
  readonly admin: AdminLogin | undefined;
  /** The machine, for what else lives on it. */
  readonly machine: Host;

  constructor(name: string, args: PleskServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("estate:component:PleskServer", name, { server: args.server }, opts);
    const { server } = args;
    this.accountHost = databaseSource(args.reach);
    this.host = server.host;
    this.port = server.port;
    this.serverName = server.certificateName;
    this.machine = new Host(this, name, args.ssh);

    const sudo = args.ssh.user === "root" ? "" : "sudo -n ";
    this.certificate = this.machine.run("certificate", `${sudo}cat ${quote(server.certificatePath)}`).stdout;
    const fromEnvironment = () => secretFromEnvironment("PLESK_DB_ADMIN_PASSWORD");
    const password = (args.adminPassword ?? withoutStackTrace(fromEnvironment))?.trim();
    if (password === undefined && !pulumi.runtime.isDryRun()) {
      throw new pulumi.ResourceError(
        `the password of ${server.adminUser} on the web host is not known: set PLESK_DB_ADMIN_PASSWORD, or ` +
          "PLESK_DB_ADMIN_PASSWORD_FILE with the path of a file that holds it",
        this,
        true,
      );
    }
    this.admin =
      password === undefined
        ? undefined
        : {
            host: server.host,
            port: server.port,
            user: server.adminUser,
            password: pulumi.secret(password),
            caCertificate: this.certificate,
            serverName: this.serverName,
          };
    this.provider = new EstateProvider(
      name,
      {
        mariadb: {
          host: server.host,
          port: server.port,
          user: server.adminUser,
          password: password && pulumi.secret(password),
          caCertificate: this.certificate,
          serverName: this.serverName,
        },
        machine: this.machine.machine.identity,
      },
      // A preview without the password must not look like a change of it.
      { parent: this, ignoreChanges: password === undefined ? ["mariadb"] : [] },
    );
    this.registerOutputs({ certificate: this.certificate });
  }
}
