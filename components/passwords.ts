import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { Rotated } from "../estate/rotation";

/** Which password a service is at, of estate:rotation:Schedule. */
export type PasswordGeneration = Pick<Rotated, "generation" | "leaked">;

/** A service that was never rotated. */
export const FIRST_GENERATION: PasswordGeneration = { generation: 1, leaked: false };

/**
 * 40 characters that need no quoting in a URL, a shell or a configuration file; all four classes occur, for servers that
 * insist. Never shown: a secret output.
 * @param generation another one makes another password; undefined: it is never rotated
 */
export function password(
  name: string,
  opts: pulumi.CustomResourceOptions,
  generation?: pulumi.Output<number>,
): pulumi.Output<string> {
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
      ...(generation && { keepers: { generation: generation.apply(String) } }),
    },
    opts,
  );
  return pulumi.secret(result);
}

/** The same password or certificate, known only once it was tried: whatever is made of it waits for that. */
export function proven(
  generated: pulumi.Output<string>,
  account: pulumi.CustomResource,
): pulumi.Output<string> {
  return pulumi.secret(pulumi.all([generated, account.id]).apply(([known]) => known));
}
