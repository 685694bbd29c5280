import { hkdfSync } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { type PasswordGeneration, password } from "./passwords";

/** Keys of one database that contexts are signed with, by id. */
export interface ContextKeys {
  /** Those the database believes: the newest, and the one before until the next generation; after a leak the newest alone. */
  valid: pulumi.Output<Record<string, string>>;
  /** What an application signs with, as it is published: `k3:<key>`. */
  newest: pulumi.Output<string>;
}

/**
 * Keys of all databases with row security. Each follows from one generated secret, which is in the state alone, from the
 * database's name and from the generation: who has one key can work out no other, and a rotation needs no resource. One
 * generated password a key would be two more resources a database, and the former key would be gone from the state.
 */
export class ContextKeyring {
  private readonly secret: pulumi.Output<string>;

  constructor(name: string, opts: pulumi.CustomResourceOptions = {}) {
    this.secret = password(name, opts);
  }

  keysOf(database: string, generation: pulumi.Input<PasswordGeneration>): ContextKeys {
    const known = pulumi.all([this.secret, generation]);
    return {
      valid: pulumi.secret(
        known.apply(([secret, { generation, leaked }]) => validKeys(secret, database, generation, leaked)),
      ),
      newest: pulumi.secret(
        known.apply(
          ([secret, { generation }]) => `${keyId(generation)}:${contextKey(secret, database, generation)}`,
        ),
      ),
    };
  }
}

export function validKeys(
  secret: string,
  database: string,
  generation: number,
  leaked: boolean,
): Record<string, string> {
  const generations = generation > 1 && !leaked ? [generation, generation - 1] : [generation];
  return Object.fromEntries(generations.map((each) => [keyId(each), contextKey(secret, database, each)]));
}

function keyId(generation: number): string {
  return `k${generation}`;
}

/** 43 characters of base64url: 256 bits. */
function contextKey(secret: string, database: string, generation: number): string {
  const bytes = hkdfSync("sha256", secret, "", `context key ${generation} of ${database}`, 32);
  return Buffer.from(bytes).toString("base64url");
}
