import * as github from "@pulumi/github";
import * as pulumi from "@pulumi/pulumi";
import { GithubError } from "../connect/github";
import { checkTarget } from "../connect/github-target";
import { SERVER_SECRETS } from "../estate/naming";
import type { ServiceSecrets } from "../estate/published";
import type { GithubTarget } from "../estate/types";

export interface PublishedService {
  /** Prefix of the resources' names. */
  name: string;
  secrets: ServiceSecrets;
  password: pulumi.Output<string>;
  /** User, password, host, database and TLS in one value. */
  url: pulumi.Output<string>;
  /** Where `secrets` names one. */
  contextKey?: pulumi.Output<string> | undefined;
  /** What must be done before: the login of a new password is tried before anybody gets it. */
  dependsOn?: pulumi.Resource[];
}

export interface PublishedServer {
  name: keyof typeof SERVER_SECRETS;
  host: string;
  /** PEM that clients pin. */
  certificate: pulumi.Output<string>;
}

export interface PublishedSecretsArgs {
  target: GithubTarget;
  servers: readonly PublishedServer[];
  services: readonly PublishedService[];
}

/** Milliseconds between two writes: GitHub limits bursts, and the plugin's own default would take a minute for an estate. */
const WRITE_DELAY_MS = 100;

/**
 * What applications need to log in, as secrets of one GitHub environment: two for each service (three with row security),
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
    const publish = this.publisher(name, target);
    for (const { name: server, host, certificate } of servers) {
      publish(`${server}-host`, SERVER_SECRETS[server].host, host);
      publish(`${server}-certificate`, SERVER_SECRETS[server].certificate, certificate);
    }
    for (const { name: service, secrets, password, url, contextKey, dependsOn } of services) {
      publish(`${service}-password`, secrets.password, password, dependsOn);
      publish(`${service}-url`, secrets.url, url, dependsOn);
      if (secrets.contextKey && contextKey)
        publish(`${service}-context-key`, secrets.contextKey, contextKey, dependsOn);
    }
    this.registerOutputs({});
  }

  private publisher(name: string, { repository, environment, baseUrl }: GithubTarget) {
    const [owner = "", repositoryName = ""] = repository.split("/");
    const provider = withoutToken(
      () => new github.Provider(name, { owner, baseUrl, writeDelayMs: WRITE_DELAY_MS }, { parent: this }),
    );
    return (child: string, secretName: string, value: pulumi.Input<string>, dependsOn?: pulumi.Resource[]) =>
      new github.ActionsEnvironmentSecret(
        `${child}-secret`,
        { repository: repositoryName, environment, secretName, value: pulumi.secret(value) },
        { parent: this, provider, dependsOn },
      );
  }
}

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
  checkTarget(target, { token }).catch((error: unknown) => {
    if (!(error instanceof GithubError)) throw error;
    if (preview && error.passing) return pulumi.log.warn(`secrets: ${error.message}`);
    throw new pulumi.RunError(error.message);
  });
}

/** The package copies GITHUB_TOKEN into the provider's inputs, and so into the state; the plugin finds it by itself. */
function withoutToken<T>(make: () => T): T {
  const { GITHUB_TOKEN: token } = process.env;
  delete process.env.GITHUB_TOKEN;
  try {
    return make();
  } finally {
    if (token !== undefined) process.env.GITHUB_TOKEN = token;
  }
}
