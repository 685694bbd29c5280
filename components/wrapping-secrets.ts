import * as pulumi from "@pulumi/pulumi";
import { wrappingGenerations } from "../estate/sealed";
import type { DatabaseEntry } from "../estate/types";
import { password } from "./passwords";

/**
 * Secrets that wrap the keys of sealed databases, newest first: in the stack's state and at the service, in no database and
 * in no backup. Without them what is sealed is lost, so they are protected.
 */
export function wrappingSecrets(
  databases: readonly DatabaseEntry[],
): pulumi.Output<Record<string, string[]>> {
  return pulumi.secret(
    Object.fromEntries(
      databases.flatMap((entry) => {
        if (entry.engine !== "postgres" || entry.state !== "live" || !entry.wrappingSecrets) return [];
        const secrets = wrappingGenerations(entry.wrappingSecrets).map((generation) =>
          password(`${entry.name}-wrapping-secret-${generation}`, { protect: true, retainOnDelete: true }),
        );
        return [[entry.name, secrets]];
      }),
    ),
  );
}
