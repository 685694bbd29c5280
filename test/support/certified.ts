import { mariadbAdminSql } from "../../components/plans/admin";
import { pgHba } from "../../components/plans/pg-hba";
import { connectMariadb } from "../../connect/mariadb";
import { MariadbServer } from "../../connect/mariadb-server";
import { connectPostgres } from "../../connect/postgres";
import { PostgresServer } from "../../connect/postgres-server";
import { certificateLogins, clientAuthorityName, distinguishedName } from "../../estate/client-certificates";
import { ADMIN, loginSlots } from "../../estate/naming";
import type { Reach } from "../../estate/reachability";
import type { ClientCertificateUse } from "../../estate/types";
import type { EstateConfig } from "../../provider/config";
import { clientCertificate } from "../../provider/kinds/client-certificate";
import { mariadbAccount } from "../../provider/kinds/mariadb-account";
import { postgresLogin } from "../../provider/kinds/postgres-login";
import type { AnyKind, Call, Properties } from "../../provider/wire/kind";
import { startMariadb } from "./engines-mariadb";
import { startPostgres } from "./engines-postgres";
import { newPassword } from "./rotating";

export { newPassword };

/** The services of a server of these tests. */
export type Service = "svc_one" | "svc_two";

/** What a service logs in with. */
export interface Shown {
  user: string;
  password: string;
  /** PEM of private key and certificate; undefined: none. */
  clientCertificate: string | undefined;
}

/** What the kind has made for a service. */
export interface Issued {
  inputs: Properties;
  state: Properties & {
    authorities: readonly string[];
    authorityKey: string;
    certificates: { readonly [login: string]: string };
    notAfter: string;
  };
}

/** A throw-away server that takes certificates from its clients, and two services on it. */
export interface Certified {
  kind: AnyKind;
  call: Call<EstateConfig>;
  /** Inputs of the kind of logins, checked. */
  declare(service: Service, password: string, use: ClientCertificateUse | undefined): Properties;
  /** Who logs in after the kind gave this state, with all that the service has. */
  shownBy(state: Properties, service: Service): Shown;
  /** Logs in, asks one question and goes. Throws what the server says. */
  login(shown: Shown): Promise<void>;
  /** The certificates of a service as they stand. */
  issued: Record<Service, Issued>;
  /** The run of a rotation: other certificates; and the server trusts what it is to trust after it. */
  rotate(service: Service, leaked: boolean): Promise<void>;
  /** What the server trusts, for a moment that is none of the program's. */
  trust(authorities: readonly string[]): Promise<void>;
  /** Which services pg_hba.conf asks for a certificate; nothing on MariaDB, whose accounts say it. */
  ask(uses: Partial<Record<Service, ClientCertificateUse>>): Promise<void>;
  stop(): Promise<void>;
}

export const CERTIFIED = {
  "MariaDB 10.11": () => onMariadb("10.11"),
  "MariaDB 11.8": () => onMariadb("11.8"),
  "PostgreSQL 16": () => onPostgres("16"),
  "PostgreSQL 17": () => onPostgres("17"),
} as const;

const HOST = "127.0.0.1";

const callWith = (config: EstateConfig): Call<EstateConfig> => ({
  config,
  urn: "urn",
  signal: new AbortController().signal,
});

function checkedBy(kind: AnyKind, news: Properties): Properties {
  const { inputs, failures } = kind.check(news, undefined, { urn: "" });
  if (failures.length > 0) throw new Error(JSON.stringify(failures));
  return inputs;
}

const issuer = clientCertificate() as AnyKind;

async function issue(
  engine: "mariadb" | "postgres",
  service: Service,
  before: Issued | undefined,
  leaked: boolean,
): Promise<Issued> {
  const generation = before ? Number(before.inputs.generation) + 1 : 1;
  const logins = certificateLogins({ engine, service });
  const inputs = checkedBy(issuer, { service, logins, generation, leaked });
  const call = callWith({});
  const state = before
    ? await issuer.update(call, service, before, inputs)
    : (await issuer.create(call, inputs)).state;
  return { inputs, state };
}

/** Certificates of both services, and what keeps them and the server together. */
async function certificates(engine: "mariadb" | "postgres") {
  const issued: Record<Service, Issued> = {
    svc_one: await issue(engine, "svc_one", undefined, false),
    svc_two: await issue(engine, "svc_two", undefined, false),
  };
  const authorities = () => Object.values(issued).flatMap(({ state }) => state.authorities);
  return {
    issued,
    authorities,
    async next(service: Service, leaked: boolean) {
      issued[service] = await issue(engine, service, issued[service], leaked);
    },
  };
}

async function onMariadb(version: "10.11" | "11.8"): Promise<Certified> {
  const { issued, authorities, next } = await certificates("mariadb");
  const engine = await startMariadb(version, { clientAuthorities: authorities().join("") });
  const root = new MariadbServer(engine, engine, engine.admin);
  const password = newPassword();
  for (const statement of mariadbAdminSql(password, HOST).split(";\n")) await root.query(statement);
  await root.query("CREATE DATABASE mo_x");
  const mariadb = new MariadbServer(engine, engine, { user: ADMIN, password });
  const trust = (pems: readonly string[]) => engine.trustClients(pems.join(""));
  return {
    kind: mariadbAccount,
    call: callWith({ mariadb }),
    issued,
    trust,
    declare: (service, password, use) =>
      checkedBy(mariadbAccount, {
        user: service,
        host: HOST,
        passwords: [password],
        formerPassword: "keep",
        probe: "mo_x",
        require:
          use === "required"
            ? {
                subject: distinguishedName(service),
                issuer: distinguishedName(clientAuthorityName(service)),
              }
            : "SSL",
        clientCertificate: use === undefined ? null : (issued[service].state.certificates[service] ?? ""),
        maxUserConnections: 5,
        grants: [{ database: "mo_x", privileges: ["SELECT"] }],
      }),
    shownBy: ({ passwords }, service) => ({
      user: service,
      password: String((passwords as readonly string[])[0]),
      clientCertificate: issued[service].state.certificates[service],
    }),
    async login(shown) {
      const connection = await connectMariadb(engine, engine, { ...shown, database: "mo_x" });
      await connection.query("SELECT 1");
      await connection.close();
    },
    async rotate(service, leaked) {
      await next(service, leaked);
      await trust(authorities());
    },
    async ask() {},
    async stop() {
      await Promise.all([mariadb.close(), root.close()]);
      await engine.stop();
    },
  };
}

async function onPostgres(version: "16" | "17"): Promise<Certified> {
  const { issued, authorities, next } = await certificates("postgres");
  const engine = await startPostgres(version, { clientAuthorities: authorities().join("") });
  const postgres = new PostgresServer(engine, engine, engine.admin);
  const sql = (text: string) => postgres.withConnection("postgres", (connection) => connection.query(text));
  for (const service of ["svc_one", "svc_two"]) {
    await sql(`CREATE ROLE ${service}`);
    await sql(`CREATE DATABASE ${service.replace("svc", "mo")} OWNER ${service}`);
  }
  const trust = (pems: readonly string[]) => engine.trustClients(pems.join(""));
  const ask = (uses: Partial<Record<Service, ClientCertificateUse>>) => {
    const door = {
      host: "postgres",
      port: engine.port,
      protocol: "tcp",
      from: HOST,
      who: "web host",
    } as const;
    const common = { ...door, service: "postgres", tls: "required" } as const;
    const rows: Reach[] = [
      { ...common, database: undefined, logins: [engine.admin.user] },
      ...(["svc_one", "svc_two"] as const).map((service) => ({
        ...common,
        database: service.replace("svc", "mo"),
        logins: loginSlots(service),
        ...(uses[service] === "required" && { clientCertificate: "required" as const }),
      })),
    ];
    return engine.letIn(`${pgHba(rows)}\n`);
  };
  return {
    kind: postgresLogin,
    call: callWith({ postgres }),
    issued,
    trust,
    ask,
    declare: (service, password, use) =>
      checkedBy(postgresLogin, {
        worksAs: service,
        password,
        formerPassword: "keep",
        probe: service.replace("svc", "mo"),
        connectionLimit: 5,
        clientCertificates: use === undefined ? null : issued[service].state.certificates,
        requireClientCertificate: use === "required",
      }),
    shownBy: ({ role, password }, service) => ({
      user: String(role),
      password: String(password),
      clientCertificate: issued[service].state.certificates[String(role)],
    }),
    async login(shown) {
      const database = shown.user.startsWith("svc_one") ? "mo_one" : "mo_two";
      const connection = await connectPostgres(engine, engine, { ...shown, database });
      await connection.query("SELECT 1");
      await connection.close();
    },
    async rotate(service, leaked) {
      await next(service, leaked);
      await trust(authorities());
    },
    async stop() {
      await postgres.close();
      await engine.stop();
    },
  };
}
