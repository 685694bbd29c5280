import * as pulumi from "@pulumi/pulumi";

export interface GithubEnvironmentSecretArgs {
  /** `owner/name` */
  repository: pulumi.Input<string>;
  environment: pulumi.Input<string>;
  /** Capitals, digits and underscores. */
  secretName: pulumi.Input<string>;
  value: pulumi.Input<string>;
  /** `https://github.example.org/` of an enterprise server; undefined: github.com. */
  baseUrl?: pulumi.Input<string> | undefined;
}

/**
 * A secret of a GitHub environment, written with GITHUB_TOKEN of the run. Not @pulumi/github's, which never sees that a
 * secret was overwritten. Kind: kinds/github-environment-secret.ts
 */
export class GithubEnvironmentSecret extends pulumi.CustomResource {
  constructor(name: string, args: GithubEnvironmentSecretArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "estate:github:EnvironmentSecret",
      name,
      {
        ...args,
        value: pulumi.secret(args.value),
        repositoryId: undefined,
        writtenAt: undefined,
        changedAt: undefined,
      },
      opts,
    );
  }
}
