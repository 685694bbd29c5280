import { openPinned } from "../../connect/postgres-server";
import { databases } from "../../estate/catalogue";
import type { AdminOutput, StackOutputs } from "../../estate/outputs";
import { couldNotTell } from "../exit";
import { nearest } from "../reach/only";
import { type Keyring, keyring } from "./crypto";
import type { KeySession } from "./rotate";

const sealed = databases.filter((entry) => entry.engine === "postgres" && entry.wrappingSecrets);

/** The admin's login where a sealed database lives; undefined: the stack has none yet. */
export function adminOf(database: string, { admins }: Pick<StackOutputs, "admins">): AdminOutput | undefined {
  const entry = sealed.find(({ name }) => name === database);
  return entry && admins[entry.server];
}

/** The sealed databases asked for; undefined: all. Throws on one that is not. */
export function sealedNames(asked: string | undefined): string[] {
  const names = sealed.map(({ name }) => name);
  if (asked === undefined) return names;
  if (names.includes(asked)) return [asked];
  throw couldNotTell(
    `--database ${asked} has no sealed settings; did you mean ${nearest(asked, names)}? See: estate keys --help`,
  );
}

export interface OpenDatabase {
  session: KeySession;
  keys: Keyring;
  close(): Promise<void>;
}

/**
 * The admin's session in a sealed database, and the keys of the stack that open it. As the admin, because the service can
 * neither make versions nor write other people's settings. Throws CommandError, PostgresError.
 */
export async function openSealed(
  database: string,
  stack: string,
  outputs: StackOutputs,
): Promise<OpenDatabase> {
  const admin = adminOf(database, outputs);
  const secrets = outputs.wrappingSecrets[database] ?? [];
  if (!admin || secrets.length === 0) {
    const lacking = admin
      ? `the wrapping secret of ${database}`
      : `the admin's login to the server of ${database}`;
    throw couldNotTell(`the outputs of stack ${stack} lack ${lacking}. Run: pulumi up --stack ${stack}`);
  }
  const { host, port, user, password, caCertificate, serverName } = admin;
  const connection = await openPinned(
    { host, port },
    { caCertificate, serverName },
    { user, password, database },
  );
  return {
    session: { connection, transaction: (work) => connection.transaction(work) },
    keys: keyring(database, secrets),
    close: () => connection.close(),
  };
}
