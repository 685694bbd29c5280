import * as pulumi from "@pulumi/pulumi";
import type { RowSecurityDeclaration } from "../estate/row-security/types";
import type { PostgresEntry } from "../estate/types";
import { PostgresRowSecurity } from "../provider/resources";
import type { ContextKeys } from "./context-keys";
import { planRowSecurity } from "./plans/row-security";

export interface RowLevelSecurityArgs {
  entry: Pick<PostgresEntry, "owner" | "service">;
  declaration: RowSecurityDeclaration;
  keys: ContextKeys;
}

/**
 * Row-level security of one database: identities, grants, policies, their indexes and the functions that check the signed
 * context. Its tables are there before it (`dependsOn` the migrations), and nobody is let in before it.
 *
 * Not a component resource, for the same reason as ServiceUser: it would be one more resource a database.
 */
export class RowLevelSecurity {
  readonly resource: PostgresRowSecurity;
  /** What the application signs with, `k1:<key>`; known once the database believes it. */
  readonly contextKey: pulumi.Output<string>;

  /** `provider` of the options is the server's `estate` provider. */
  constructor(
    name: string,
    { entry, declaration, keys }: RowLevelSecurityArgs,
    opts: pulumi.CustomResourceOptions,
  ) {
    this.resource = new PostgresRowSecurity(
      `${name}-row-security`,
      { ...planRowSecurity(declaration, entry), keys: keys.valid },
      opts,
    );
    this.contextKey = pulumi.secret(pulumi.all([keys.newest, this.resource.id]).apply(([newest]) => newest));
  }
}
