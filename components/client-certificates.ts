import * as pulumi from "@pulumi/pulumi";
import {
  CLIENT_RENEW_BEFORE,
  certificateLogins,
  clientAuthorityName,
  distinguishedName,
} from "../estate/client-certificates";
import type { ClientCertificateUse, Estate, ServerName } from "../estate/types";
import { ClientCertificate } from "../provider/resources";
import type { PasswordGeneration } from "./passwords";
import { RedisClientCertificates } from "./redis-client-certificates";

/** What a service shows when it logs in. */
export interface ShownCertificate {
  use: ClientCertificateUse;
  /** On MariaDB, whose accounts name one certificate: `/CN=svc_crm` of `/CN=clients of svc_crm`. */
  name: { subject: string; issuer: string };
  /** By login, private key and certificate as one PEM text. */
  certificates: pulumi.Output<Record<string, string>>;
}

/**
 * The certificates of all services that are declared to have one. They are made before the servers, which have to trust them
 * before a login can show one. Not a component: nothing is below these resources.
 */
export class ClientCertificates {
  private readonly made: { database: string; server: ServerName; certificate: ClientCertificate }[];
  private readonly shown: Record<string, ShownCertificate>;
  readonly redis: RedisClientCertificates;

  /** @param generationOf of a database's service or a Redis user */
  constructor(
    { databases, redisUsers }: Pick<Estate, "databases" | "redisUsers">,
    generationOf: (name: string) => pulumi.Output<PasswordGeneration>,
  ) {
    this.made = [];
    this.shown = {};
    for (const entry of databases) {
      const { name: database, server, service, state, clientCertificate: use } = entry;
      if (state !== "live" || use === undefined) continue;
      const generation = generationOf(database);
      const certificate = new ClientCertificate(`${database}-client-certificate`, {
        service,
        logins: certificateLogins(entry),
        generation: generation.apply(({ generation }) => generation),
        leaked: generation.apply(({ leaked }) => leaked),
        renewBefore: CLIENT_RENEW_BEFORE,
      });
      this.made.push({ database, server, certificate });
      this.shown[database] = {
        use,
        name: {
          subject: distinguishedName(service),
          issuer: distinguishedName(clientAuthorityName(service)),
        },
        certificates: certificate.certificates,
      };
    }
    this.redis = new RedisClientCertificates(redisUsers, generationOf);
  }

  /** undefined: the service has none. */
  of(database: string): ShownCertificate | undefined {
    return this.shown[database];
  }

  /** PEM texts of all authorities that a server has to trust; undefined: none of its services has a certificate. */
  authoritiesOn(server: ServerName): pulumi.Output<string> | undefined {
    const here = this.made.filter((each) => each.server === server);
    if (here.length === 0) return undefined;
    return pulumi
      .all(here.map(({ certificate }) => certificate.authorities))
      .apply((all) => all.flat().join(""));
  }
}
