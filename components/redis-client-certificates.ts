import * as pulumi from "@pulumi/pulumi";
import { CLIENT_RENEW_BEFORE } from "../estate/client-certificates";
import type { ClientCertificateUse, RedisUserEntry } from "../estate/types";
import { ClientCertificate } from "../provider/resources";
import type { PasswordGeneration } from "./passwords";
import { ADMIN } from "./plans/admin";

/** Certificates at one service's instance of Redis. */
export interface InstanceCertificates {
  use: ClientCertificateUse;
  /** The service's private key and certificate as one PEM text. */
  service: pulumi.Output<string>;
  /** PEM texts of the authorities that the instance has to trust: the service's and the admin's. */
  authorities: pulumi.Output<string>;
}

/**
 * Certificates of Redis' services that are declared to have one. An instance asks everybody who comes over the network, so the admin has one, too: at
 * each instance of an authority of its own, which stays when the service's is replaced after a leak. Not a component: nothing is below
 * these resources.
 */
export class RedisClientCertificates {
  private readonly made: Record<string, InstanceCertificates>;
  private readonly admins: Record<string, pulumi.Output<string>>;

  constructor(
    users: readonly RedisUserEntry[],
    generationOf: (user: string) => pulumi.Output<PasswordGeneration>,
  ) {
    this.made = {};
    this.admins = {};
    for (const { name: user, port, state, clientCertificate: use } of users) {
      if (use === undefined) continue;
      const admin = new ClientCertificate(`redis-${user}-admin-certificate`, {
        service: ADMIN,
        logins: [ADMIN],
        generation: 1,
        leaked: false,
        renewBefore: CLIENT_RENEW_BEFORE,
      });
      // Of a retired one it stays: the run that takes the service's user away has to be let in.
      if (state === "live" || this.admins[port] === undefined) this.admins[port] = textOf(admin, ADMIN);
      if (state !== "live") continue;
      const at = generationOf(user);
      const service = new ClientCertificate(`redis-${user}-client-certificate`, {
        service: user,
        logins: [user],
        generation: at.apply(({ generation }) => generation),
        leaked: at.apply(({ leaked }) => leaked),
        renewBefore: CLIENT_RENEW_BEFORE,
      });
      this.made[user] = {
        use,
        service: textOf(service, user),
        authorities: pulumi.all([service.authorities, admin.authorities]).apply((all) => all.flat().join("")),
      };
    }
  }

  /** What the admin shows, by port; undefined: no instance asks. */
  ofAdmin(): pulumi.Output<Record<string, string>> | undefined {
    return Object.keys(this.admins).length > 0 ? pulumi.all(this.admins) : undefined;
  }

  /** undefined: the service has none, and its instance asks nobody. */
  of(user: string): InstanceCertificates | undefined {
    return this.made[user];
  }
}

function textOf({ certificates }: ClientCertificate, login: string): pulumi.Output<string> {
  return certificates.apply((all) => {
    const text = all[login];
    if (text === undefined) throw new Error(`no certificate is made out to ${login}`);
    return text;
  });
}
