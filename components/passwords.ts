import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

/**
 * 40 characters that need no quoting in a URL, a shell or a configuration file; all four classes occur, for servers that
 * insist. Never shown: a secret output.
 */
export function password(name: string, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
  const { result } = new random.RandomPassword(
    name,
    {
      length: 40,
      special: true,
      overrideSpecial: "_.",
      minLower: 2,
      minUpper: 2,
      minNumeric: 2,
      minSpecial: 1,
    },
    opts,
  );
  return pulumi.secret(result);
}
