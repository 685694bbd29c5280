import { Output, secret } from "@pulumi/pulumi";
import { afterEach, describe, expect, it, vi } from "vitest";
import { mysqlUrl, postgresqlUrl, redisUrl } from "../../../components/plans/secret-urls";
import { PublishedSecrets, requirePublishable } from "../../../components/published-secrets";
import type { ConnectionOutput } from "../../../estate/outputs";
import { isSealed, openTexts, type Recorded, record, unseal } from "../../support/record";

const connection: ConnectionOutput = {
  server: "mariadb",
  engine: "mariadb",
  host: "mariadb.test",
  port: 3306,
  database: "mo_crm",
  user: "svc_crm",
  password: "p@ss:word/with?all#of&them",
  caCertificate: "pem",
  serverName: "mariadb.test",
};

describe("a URL", () => {
  it.each([
    ["mysql", mysqlUrl(connection), "mysql:", "/mo_crm?ssl-mode=VERIFY_IDENTITY"],
    ["postgresql", postgresqlUrl(connection), "postgresql:", "/mo_crm?sslmode=verify-full"],
    ["redis", redisUrl({ ...connection, keyPrefix: "crm:" }), "rediss:", "/0"],
  ])("of %s holds user and password whatever is in them, and asks for verified TLS", (_what, text, scheme, rest) => {
    const url = new URL(text);
    expect([url.protocol, url.host, url.pathname + url.search]).toEqual([scheme, "mariadb.test:3306", rest]);
    expect([decodeURIComponent(url.username), decodeURIComponent(url.password)]).toEqual([
      connection.user,
      connection.password,
    ]);
  });

  it("of the web host names the file with its certificate; of an IPv6 address has brackets", () => {
    const text = mysqlUrl({ ...connection, host: "::1" }, "/etc/mysql/tls/c.pem");
    expect(text).toContain("@[::1]:3306/");
    expect(new URL(text).searchParams.get("ssl-ca")).toBe("/etc/mysql/tls/c.pem");
    expect(new URL(text).searchParams.get("ssl-mode")).toBe("VERIFY_CA");
  });
});

describe("published secrets", () => {
  afterEach(() => vi.unstubAllEnvs());
  const target = { repository: "owner/applications", environment: "staging", baseUrl: "https://g.test/" };
  const build = () => {
    new PublishedSecrets("github", {
      target,
      servers: [
        { name: "mariadb", host: "mariadb.test", certificate: Output.create("pem of the authority") },
      ],
      services: [
        {
          name: "mo_crm",
          secrets: {
            password: "MO_CRM_DB_PASS",
            url: "MO_CRM_DATABASE_URL",
            clientCertificate: "MO_CRM_CLIENT_CERTIFICATE",
          },
          password: secret("clear text of a password"),
          url: secret("mysql://clear text of a URL"),
          clientCertificate: secret("clear text of a key"),
        },
      ],
    });
  };
  const secretsIn = (resources: Recorded[]) =>
    resources.filter(({ type }) => type === "estate:github:EnvironmentSecret");

  it("are two a service, one more with a certificate, and two a server, sealed, in the stack's own environment", async () => {
    const secrets = secretsIn(await record(build));
    const shown = secrets.map(({ name, inputs }) => [name, inputs.secretName, unseal(inputs.value)]);
    expect(shown).toEqual([
      ["mariadb-host-secret", "MYSQL_HOST", "mariadb.test"],
      ["mariadb-certificate-secret", "MYSQL_CA_CERTIFICATE", "pem of the authority"],
      ["mo_crm-password-secret", "MO_CRM_DB_PASS", "clear text of a password"],
      ["mo_crm-url-secret", "MO_CRM_DATABASE_URL", "mysql://clear text of a URL"],
      ["mo_crm-client-certificate-secret", "MO_CRM_CLIENT_CERTIFICATE", "clear text of a key"],
    ]);
    for (const { inputs } of secrets) {
      expect(isSealed(inputs.value)).toBe(true);
      expect(inputs).toMatchObject({
        repository: "owner/applications",
        environment: "staging",
        baseUrl: "https://g.test/",
      });
    }
  });

  it("keep the token out of every resource", async () => {
    vi.stubEnv("GITHUB_TOKEN", "a token only the environment knows");
    const resources = await record(build);
    expect(openTexts(resources).concat(JSON.stringify(resources)).join()).not.toContain(
      "only the environment",
    );
  });

  it("need a token for an update, not for a preview", async () => {
    vi.stubEnv("GITHUB_TOKEN", "");
    await record(() => requirePublishable(target), { preview: true });
    await expect(record(() => requirePublishable(target))).rejects.toThrow(
      "GITHUB_TOKEN is not set: the secrets of owner/applications cannot be published. Nothing was changed",
    );
    await record(() => requirePublishable(undefined));
  });
});
