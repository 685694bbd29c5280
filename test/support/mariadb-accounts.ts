import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import { ADMIN, mariadbAdminSql } from "../../components/plans/admin";
import { connectMariadb, type MariadbConnection } from "../../connect/mariadb";
import { MariadbServer } from "../../connect/mariadb-server";
import type { AccountInputs } from "../../provider/kinds/mariadb/account";
import { mariadbAccount as kind, type MariadbConfig } from "../../provider/kinds/mariadb-account";
import type { Call } from "../../provider/wire/kind";
import { type MariadbEngine, type MariadbVersion, startMariadb } from "./engines-mariadb";

/** Where the accounts of the tests log in from. */
export const HOST = "127.0.0.1";

/** A real server with the databases mo_crm, moxcrm and other (a table `t` in each), and accounts on it. */
export class Accounts {
  /** Every password given to anybody through the kind. */
  readonly secrets: string[] = [];
  private count = 0;

  private constructor(
    readonly engine: MariadbEngine,
    /** What somebody does by hand, as root would. */
    readonly server: MariadbServer,
    /** What the kind does, as the admin that the program makes on its servers: it lacks SUPER, FILE and more. */
    readonly call: Call<MariadbConfig>,
  ) {}

  static async start(version: MariadbVersion): Promise<Accounts> {
    const engine = await startMariadb(version);
    const server = new MariadbServer(engine, engine, engine.admin);
    const password = randomBytes(24).toString("base64url");
    const mariadb = new MariadbServer(engine, engine, { user: ADMIN, password });
    const accounts = new Accounts(engine, server, {
      config: { mariadb },
      urn: "urn",
      signal: new AbortController().signal,
    });
    accounts.secrets.push(password);
    for (const statement of mariadbAdminSql(password, HOST).split(";\n")) await server.query(statement);
    for (const database of ["mo_crm", "moxcrm", "other"]) {
      await server.query(`CREATE DATABASE ${database}`);
      await server.query(`CREATE TABLE ${database}.t (a INT, b INT)`);
    }
    await server.query("CREATE PROCEDURE mo_crm.p() SELECT 1");
    await server.query("CREATE ROLE analyst");
    return accounts;
  }

  async stop(): Promise<void> {
    await this.call.config.mariadb?.close();
    await this.server.close();
    await this.engine.stop();
  }

  sql(statement: string) {
    return this.server.query(statement);
  }

  login(user: string, password: string, database?: string): Promise<MariadbConnection> {
    return connectMariadb(this.engine, this.engine, { user, password, database });
  }

  newPassword(): string {
    const password = `Canary-${randomBytes(24).toString("base64url")}`;
    this.secrets.push(password);
    return password;
  }

  /** What a program would declare for a new user; checked as the engine does it. */
  declare(change: Partial<AccountInputs> = {}): AccountInputs {
    const news = {
      user: `svc_${++this.count}`,
      host: HOST,
      passwords: [this.newPassword()],
      require: "SSL",
      maxUserConnections: 5,
      grants: [
        { database: "mo_crm", privileges: ["UPDATE", "SELECT", "INSERT", "DELETE"] },
        { database: "mo_crm", table: "t", privileges: ["TRIGGER"] },
      ],
      ...change,
    };
    const { inputs, failures } = kind.check(news, undefined, { urn: "" });
    expect(failures).toEqual([]);
    return inputs as unknown as AccountInputs;
  }

  async created(change: Partial<AccountInputs> = {}): Promise<{ id: string; inputs: AccountInputs }> {
    const inputs = this.declare(change);
    const { id } = await kind.create(this.call, inputs);
    return { id, inputs };
  }

  async read(id: string, inputs: AccountInputs): Promise<AccountInputs | undefined> {
    return (await kind.read(this.call, id, { inputs, state: inputs }))?.inputs;
  }

  /** After drift: the next update brings back exactly what was declared. */
  async mends(id: string, inputs: AccountInputs): Promise<void> {
    const drifted = await this.read(id, inputs);
    expect(drifted).not.toEqual(inputs);
    if (!drifted) throw new Error(`${id} is gone`);
    await kind.update(this.call, id, { inputs: drifted, state: drifted }, inputs);
    expect(await this.read(id, inputs)).toEqual(inputs);
  }
}
