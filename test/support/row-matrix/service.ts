import { onTestFinished } from "vitest";
import { connectPostgres, type PostgresConnection, PostgresError } from "../../../connect/postgres";
import { rowSecurity, rowSecurityOf } from "../../../estate/row-security";
import { signContext } from "../../../estate/row-security/context-token";
import { roleOf } from "../../../estate/row-security/roles";
import { postgresLogin } from "../../../provider/kinds/postgres-login";
import type { PostgresVersion } from "../engines-postgres";
import { startPgbouncer } from "../pgbouncer";
import { key } from "../row-security";
import { verbatim } from "../verbatim";
import { type Secured, startSecured } from "./database";

export interface Who {
  identity: string;
  tenant?: string;
  subject?: string;
  /** Default: a minute. */
  seconds?: number;
}

export interface Opened {
  database: string;
  admin: PostgresConnection;
  /** Straight, and through a pooler. */
  ways: PostgresConnection[];
}

/** The service's own logins to each database that has row security, with its tables and triggers as they are migrated. */
export interface ServiceLogins {
  /** A copy with the fixtures. */
  open(database: string): Promise<Opened>;
  /** The same straight alone, for one test: its sessions are closed after it. */
  openBriefly(database: string): Promise<Opened>;
  /** One more session of the service to the same copy. */
  again(opened: Opened): Promise<PostgresConnection>;
  token(database: string, who: Who): string;
  roleFor(database: string, who: Who): string;
  /** One transaction, as whom, with what statements; committed. Answers the rows of the last one or the error. */
  work(
    client: PostgresConnection,
    database: string,
    who: Who | undefined,
    ...statements: string[]
  ): Promise<PostgresError | Record<string, unknown>[]>;
  stop(): Promise<void>;
}

export const set = (name: string, value: string) => `set_config('${name}', '${value}', true)`;

export async function startServiceLogins(version: PostgresVersion): Promise<ServiceLogins> {
  const secured = await startSecured(version, rowSecurity);
  const { bench } = secured.databases;
  const password = key();
  const straight: PostgresConnection[] = [];
  for (const { database } of rowSecurity)
    await bench.drive(postgresLogin).create({ worksAs: `svc_${database}`, password, connectionLimit: 20 });
  const logins = rowSecurity.map(({ database }) => [`svc_${database}_a`, password] as const);
  const pooler = await startPgbouncer(bench.engine, Object.fromEntries(logins));
  const login = async (database: string, copy: string) => {
    const user = `svc_${database}_a`;
    const session = await connectPostgres(bench.engine, bench.engine, { user, password, database: copy });
    straight.push(session);
    return verbatim(session);
  };
  const { token, roleFor } = contextsOf(secured);
  return {
    token,
    roleFor,
    async open(database) {
      const admin = await secured.databases.open(database);
      const pooled = await pooler.connect(`svc_${database}_a`, admin.database);
      return { database, admin, ways: [await login(database, admin.database), verbatim(pooled)] };
    },
    async openBriefly(database) {
      const admin = await secured.databases.open(database);
      const session = await login(database, admin.database);
      onTestFinished(async () => {
        await Promise.all([admin.close(), session.close()]);
      });
      return { database, admin, ways: [session] };
    },
    again: ({ database, admin }) => login(database, admin.database),
    async work(client, database, who, ...statements) {
      await client.query("BEGIN");
      try {
        if (who) {
          await client.query(`SET LOCAL ROLE ${roleFor(database, who)}`);
          await client.query(`SELECT ${set("app.context", token(database, who))}`);
        }
        let rows: Record<string, unknown>[] = [];
        for (const statement of statements) rows = await client.query(statement);
        await client.query("COMMIT");
        return rows;
      } catch (error) {
        await client.query("ROLLBACK");
        if (error instanceof PostgresError) return error;
        throw error;
      }
    },
    async stop() {
      await Promise.all(straight.map((each) => each.close()));
      await pooler.stop();
      await secured.databases.stop();
    },
  };
}

/** Tokens and roles of each database's identities. */
export function contextsOf({ keys }: Pick<Secured, "keys">): Pick<ServiceLogins, "token" | "roleFor"> {
  const token: ServiceLogins["token"] = (database, { identity, seconds = 60, ...claims }) => {
    const declaration = rowSecurityOf(database);
    const secret = keys[database];
    if (!declaration || secret === undefined) throw new Error(`${database} has no row security`);
    const expires = new Date(Date.now() + seconds * 1000);
    return signContext({ id: "k1", secret }, { role: roleOf(declaration, identity), ...claims, expires });
  };
  const roleFor: ServiceLogins["roleFor"] = (database, { identity }) => {
    const declaration = rowSecurityOf(database);
    return declaration ? roleOf(declaration, identity) : "";
  };
  return { token, roleFor };
}
