import * as pulumi from "@pulumi/pulumi";
import { sealedDatabases, wrappingGenerations } from "../estate/sealed";
import { password } from "./passwords";

/**
 * Secrets that wrap the keys of sealed databases, newest first: in the stack's state and at the service, in no database and
 * in no backup. Without them what is sealed is lost, so they are protected.
 */
export function wrappingSecrets(databases: readonly string[]): pulumi.Output<Record<string, string[]>> {
  const sealed = sealedDatabases.filter(({ database }) => databases.includes(database));
  return pulumi.secret(
    Object.fromEntries(
      sealed.map((each) => [
        each.database,
        wrappingGenerations(each).map((generation) =>
          password(`${each.database}-wrapping-secret-${generation}`, { protect: true, retainOnDelete: true }),
        ),
      ]),
    ),
  );
}
