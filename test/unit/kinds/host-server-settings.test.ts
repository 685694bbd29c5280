import { describe, expect, it } from "vitest";
import { mariadbGuarded, postgresGuarded } from "../../../components/plans/guarded";
import { TLS } from "../../../components/plans/tls";
import { MARIADB_BACKUP_LOGINS } from "../../../estate/backup-logins";
import { hostServerSettings, parseSettings } from "../../../provider/kinds/host-server-settings";

const check = (changes: object) =>
  hostServerSettings.check({ ...mariadb, effective: { ...mariadb.effective }, ...changes }, undefined, {
    urn: "",
  });
const mariadb = {
  engine: "mariadb",
  address: "192.0.2.12",
  port: 3306,
  configuration: "[mariadbd]\nport = 3306",
  hba: null,
  ident: null,
  logins: { ...MARIADB_BACKUP_LOGINS },
  effective: mariadbGuarded({ listen: "192.0.2.12", port: 3306, ...TLS.mariadb }),
} as const;

describe("the declaration of a server's settings", () => {
  it("is taken as it is, and stays so", () => {
    expect(check({})).toEqual({ inputs: mariadb, failures: [] });
  });

  it.each([
    ["engine", { engine: "oracle" }],
    ["address", { address: "db.test" }],
    ["port", { port: 70_000 }],
    ["configuration", { configuration: "" }],
    ["hba", { hba: "host all all all trust" }],
    ["hba", { engine: "postgres", ident: "a b c" }],
    ["ident", { engine: "postgres", hba: "local all all reject" }],
    ["ident", { ident: "a b c" }],
    ["logins", { logins: { "estate'; --": "LOGIN" } }],
    ["logins", { logins: { estate_backup: "LOGIN\nSUPERUSER" } }],
    ["effective", { effective: { "port; drop": "1" } }],
    ["effective", { effective: { local_infile: "OFF'; --" } }],
    ["colour", { colour: "red" }],
  ])("has a fault in %s named", (property, changes) => {
    expect(check(changes).failures.map((failure) => failure.property)).toEqual([property]);
  });
});

describe("settings of the one Redis that all services once shared", () => {
  it("are gone at a refresh, and no host is asked", async () => {
    const inputs = { ...mariadb, engine: "redis" } as unknown as Parameters<
      typeof hostServerSettings.create
    >[1];
    const call = { config: {}, urn: "", signal: new AbortController().signal };
    expect(await hostServerSettings.read(call, "redis", { inputs, state: inputs })).toBeUndefined();
  });
});

describe("what a server says of itself", () => {
  const line = (name: string, content: string) => `${name} ${Buffer.from(content).toString("base64")}\n`;

  it("takes the form of the declaration", () => {
    const text =
      line("configuration", "[mariadbd]\nport = 3306\n") +
      Object.entries(mariadb.effective)
        .map(([name, value]) => line("effective", `${name}=${value}`))
        .join("") +
      Object.entries(mariadb.logins)
        .map(([name, value]) => line("login", `${name}=${value}`))
        .join("");
    expect(parseSettings(text, mariadb)).toEqual(mariadb);
  });

  it("keeps a value that holds an equals sign whole", () => {
    const found = parseSettings(line("configuration", "x") + line("effective", "a=b=c"), mariadb);
    expect(found?.effective).toEqual({ a: "b=c" });
  });

  it("is nothing where no configuration is ours, and no setting where the server stands still", () => {
    expect(parseSettings("", mariadb)).toBeUndefined();
    expect(parseSettings(line("configuration", "x"), mariadb)?.effective).toEqual({});
  });
});

describe("guarded settings", () => {
  it("follow the TLS settings", () => {
    expect(postgresGuarded({ listen: "192.0.2.13", port: 5432, ...TLS.postgres })).toMatchObject({
      ssl: "on",
      ssl_min_protocol_version: "TLSv1.3",
    });
    expect(mariadb.effective).toMatchObject({
      require_secure_transport: "ON",
      tls_version: "TLSv1.2,TLSv1.3",
    });
  });
});
