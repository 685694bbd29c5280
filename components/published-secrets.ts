import * as pulumi from "@pulumi/pulumi";
import { GithubError } from "../connect/github";
import { checkTarget } from "../connect/github-target";
import type { ServiceSecrets } from "../estate/published";
import { serverSecrets } from "../estate/servers";
import type { GithubTarget, ServerName } from "../estate/types";
import { GithubEnvironmentSecret } from "../provider/resources";

export interface PublishedService {
  /** Prefix of the resources' names. */
  name: string;
  secrets: ServiceSecrets;
  password: pulumi.Output<string>;
  /** User, password, host, database and TLS in one value. */
  url: pulumi.Output<string>;
  /** Where `secrets` names one, as below. */
  contextKey?: pulumi.Output<string> | undefined;
  clientCertificate?: pulumi.Output<string> | undefined;
  /** What must be done before: the login of a new password is tried before anybody gets it. */
  dependsOn?: pulumi.Resource[];
}

export interface PublishedServer {
  /** Of one whose declaration has a prefix for its secrets; of another nothing is published. */
  name: ServerName;
  host: string;
  /** PEM that clients pin. */
  certificate: pulumi.Output<string>;
}

export interface PublishedSecretsArgs {
  target: GithubTarget;
  servers: readonly PublishedServer[];
  services: readonly PublishedService[];
}

/** What published them before. A resource of that type is taken over: its secret is neither deleted nor out of place for a moment. */
const FORMER_TYPE = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret";

/**
 * What applications need to log in, as secrets of one GitHub environment: two for each service (one more with row security, and one more with a certificate of its own),
 * host and certificate for each server. A new value is written in place; a secret that somebody changed shows after a
 * refresh and is written again. Retired databases lose theirs.
 *
 * The token comes from GITHUB_TOKEN when the program runs and is never in the state. Errors before anything changes: an
 * update without a token; a repository, environment or right that is missing.
 */
export class PublishedSecrets extends pulumi.ComponentResource {
  constructor(name: string, args: PublishedSecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("estate:component:PublishedSecrets", name, { target: args.target }, opts);
    const { target, servers, services } = args;
    const publish = this.publisher(target);
    for (const { name: server, host, certificate } of servers) {
      const names = serverSecrets(server);
      if (!names) continue;
      publish(`${server}-host`, names.host, host);
      publish(`${server}-certificate`, names.certificate, certificate);
    }
    for (const {
      name: service,
      secrets,
      password,
      url,
      contextKey,
      clientCertificate,
      dependsOn,
    } of services) {
      publish(`${service}-password`, secrets.password, password, dependsOn);
      publish(`${service}-url`, secrets.url, url, dependsOn);
      if (secrets.contextKey && contextKey)
        publish(`${service}-context-key`, secrets.contextKey, contextKey, dependsOn);
      if (secrets.clientCertificate && clientCertificate)
        publish(`${service}-client-certificate`, secrets.clientCertificate, clientCertificate, dependsOn);
    }
    this.registerOutputs({});
  }

  private publisher({ repository, environment, baseUrl }: GithubTarget) {
    return (child: string, secretName: string, value: pulumi.Input<string>, dependsOn?: pulumi.Resource[]) =>
      new GithubEnvironmentSecret(
        `${child}-secret`,
        { repository, environment, secretName, value, baseUrl },
        { parent: this, dependsOn, aliases: [{ type: FORMER_TYPE }] },
      );
  }
}

/** A preview without a way to GitHub is not to wait for one. */
const BRIEFLY = { timeoutMs: 5_000, maxRetries: 0 };

/**
 * Looks whether the secrets can be published, once, before the program declares anything. A preview without a token or
 * without a way to GitHub goes on.
 */
export function requirePublishable(target: GithubTarget | undefined): void {
  if (!target) return;
  const token = process.env.GITHUB_TOKEN || undefined;
  const preview = pulumi.runtime.isDryRun();
  if (!token) {
    if (preview) return;
    throw new pulumi.RunError(
      `GITHUB_TOKEN is not set: the secrets of ${target.repository} cannot be published. Nothing was changed`,
    );
  }
  // Not awaited: the preview that precedes every update fails by it before anything changes.
  checkTarget(target, preview ? { token, ...BRIEFLY } : { token }).catch((error: unknown) => {
    if (!(error instanceof GithubError)) throw error;
    if (preview && error.passing) return pulumi.log.warn(`secrets: ${error.message}`);
    throw new pulumi.RunError(error.message);
  });
}
