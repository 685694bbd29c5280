import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases, redisUsers } from "../../../estate/catalogue";
import { clientCertificateSecretName, redisClientCertificateSecretName } from "../../../estate/naming";
import { databaseSecrets, redisSecrets } from "../../../estate/published";
import { hostNamed, hosts, type LabHostName } from "../../../lab/hosts";
import { namespaceFile } from "../../../lab/network";
import type { Target } from "../../../ops/reach/targets";
import { onHost } from "../../support/lab";
import { publishedSecrets } from "../../support/lab-github";
import { filesBelow, findLeaks, privateKeyLines } from "../../support/leak";
import { copyProject, type ProjectCopy, plannedChanges, pulumi } from "../../support/project";
import { type RunOptions, succeed } from "../../support/run";
import { searchHost } from "../../support/statement-logs";

/** One service of each engine, and where it lives: a database, or an ACL user of Redis. */
const services = { mo_hooks: "mariadb", mo_grafana: "postgres", svc_nextcloud: "redis" } as const;
type Service = keyof typeof services;
const names = Object.keys(services) as Service[];

/** What GitHub calls what a service logs in with, and what it is to its server. */
function published(service: Service) {
  const user = redisUsers.find(({ name }) => name === service);
  if (user)
    return {
      secrets: {
        url: redisSecrets(user).url,
        authority: "REDIS_CA_CERTIFICATE",
        clientCertificate: redisClientCertificateSecretName(user.secret),
      },
      login: { kind: "redis", engine: "redis", server: "redis", keyPrefix: user.keyPrefix } as const,
      expected: { workingAs: service, database: undefined },
    };
  const entry = databases.find(({ name }) => name === service);
  if (!entry) throw new Error(`${service} is not in the catalogue`);
  const { engine, server } = entry;
  return {
    secrets: {
      url: databaseSecrets(entry).url,
      authority: engine === "mariadb" ? "MYSQL_CA_CERTIFICATE" : "PG_CA_CERTIFICATE",
      clientCertificate: clientCertificateSecretName(service),
    },
    login: { kind: "database", engine, server } as const,
    expected: { workingAs: entry.service, database: service },
  };
}

const webHost = hostNamed("plesk").ipv4;

/** Runs a program of this machine in the network of a host. */
const inNetworkOf = (host: LabHostName, command: readonly string[], options: RunOptions = {}) =>
  succeed("nsenter", [`--net=${namespaceFile(hostNamed(host))}`, ...command], options);

/**
 * Logs in from the network of a host, by the server's address, with what an application would find at GitHub.
 * @param certificateOf whose certificate is shown; undefined: none
 */
async function loginFrom(
  host: "plesk" | "stranger",
  service: Service,
  certificateOf: Service | undefined,
): Promise<string> {
  const held = await publishedSecrets();
  const { secrets, login, expected } = published(service);
  const url = new URL(held[secrets.url] ?? "nothing:");
  const shown = certificateOf && (held[published(certificateOf).secrets.clientCertificate] ?? "none");
  const target: Target = {
    ...login,
    name: service,
    endpoint: { host: hostNamed(services[service]).ipv4, port: Number(url.port) },
    trust: { caCertificate: held[secrets.authority] ?? "", serverName: url.hostname },
    password: decodeURIComponent(url.password),
    clientCertificate: shown,
    expected: { ...expected, loggedInAs: decodeURIComponent(url.username) },
  };
  const program = [process.execPath, "--require", "tsx/cjs", "test/support/login-once.ts"];
  const env = { ALL_PROXY: "", all_proxy: "" };
  return (await inNetworkOf(host, program, { input: JSON.stringify(target), env })).trim();
}

/**
 * What forged ARP answers come to: the stranger has the web host's address, and the servers send him what is for it. How he
 * makes them believe so is not asked here: their neighbour tables are told.
 */
async function takeAddress(): Promise<void> {
  const shown = await inNetworkOf("stranger", ["ip", "-json", "link", "show", "dev", "eth0"]);
  const [{ address }] = JSON.parse(shown) as [{ address: string }];
  await inNetworkOf("stranger", ["ip", "address", "add", `${webHost}/32`, "dev", "eth0"]);
  for (const server of Object.values(services)) {
    const route = [`${hostNamed(server).ipv4}/32`, "dev", "eth0", "src", webHost];
    await inNetworkOf("stranger", ["ip", "route", "replace", ...route]);
    const neighbour = [webHost, "lladdr", address, "dev", "eth0", "nud", "permanent"];
    await inNetworkOf(server, ["ip", "neighbour", "replace", ...neighbour]);
  }
}

/** Also after half of it. */
async function giveAddressBack(): Promise<void> {
  const undo = (host: LabHostName, ...command: string[]) =>
    inNetworkOf(host, ["sh", "-c", `ip ${command.join(" ")} 2>/dev/null || true`]);
  for (const server of Object.values(services)) {
    await undo("stranger", "route", "del", `${hostNamed(server).ipv4}/32`, "dev", "eth0");
  }
  await undo("stranger", "address", "del", `${webHost}/32`, "dev", "eth0");
  // Whoever heard the stranger ask in that name has learned it, too.
  for (const { name } of hosts) await undo(name, "neighbour", "del", webHost, "dev", "eth0");
}

/** From the stranger at the web host's address; the way in of the operator does not reach the servers meanwhile. */
async function spoofed(service: Service, certificateOf: Service | undefined): Promise<string> {
  try {
    await takeAddress();
    return await loginFrom("stranger", service, certificateOf);
  } finally {
    await giveAddressBack();
  }
}

describe("a service that shows a certificate of its own", () => {
  let copy: ProjectCopy;
  const outputs: string[] = [];
  let use: "optional" | "required" | undefined;

  async function declare(next: "optional" | "required"): Promise<void> {
    for (const name of names) {
      const server = services[name];
      const before = use === undefined ? "{ " : `{ clientCertificate: "${use}", `;
      const line = new RegExp(`(${server}\\("${name}", +)${before.replace("{", "\\{")}`);
      await copy.edit("estate/catalogue.ts", line, `$1{ clientCertificate: "${next}", `);
    }
    use = next;
    const up = await copy.pulumi(["up", "--stack", "local", "--yes", "--diff"]);
    expect(up.code, up.output).toBe(0);
    outputs.push(up.output);
  }

  beforeAll(async () => {
    copy = await copyProject();
    await declare("optional");
  });

  afterAll(async () => {
    await giveAddressBack();
    await copy?.remove();
    // Back to what the real catalogue declares, for the other tests.
    const up = await pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    expect(up.code, up.output).toBe(0);
    expect(await plannedChanges()).toEqual([]);
  });

  it.each(
    names,
  )("optional: the application of %s logs in with it and without, as it is deployed", async (name) => {
    expect(await loginFrom("plesk", name, name)).toBe("in");
    expect(await loginFrom("plesk", name, undefined)).toBe("in");
  });

  it.each(
    names,
  )("optional: a password of %s that leaked opens it to who has the web host's address", async (name) => {
    expect(await spoofed(name, undefined)).toBe("in");
  });

  it("required: a second run has nothing to do, and a refresh finds nothing", async () => {
    await declare("required");
    const preview = await copy.pulumi(["preview", "--stack", "local", "--refresh", "--expect-no-changes"]);
    expect(preview.code, preview.output).toBe(0);
  });

  it.each(names)("required: the application of %s logs in with it, and not without", async (name) => {
    expect(await loginFrom("plesk", name, name)).toBe("in");
    expect(await loginFrom("plesk", name, undefined)).toMatch(/^refused/);
  });

  it.each(
    names,
  )("required: a password of %s that leaked opens nothing, from the web host's address either", async (name) => {
    expect(await spoofed(name, undefined)).toMatch(/^refused/);
    // The address is the right one: it is the certificate that is missing.
    expect(await spoofed(name, name)).toBe("in");
  });

  it.each(names)("required: that of another service opens nothing of %s", async (name) => {
    const other = names.find((each) => each !== name) as Service;
    expect(await loginFrom("plesk", name, other)).toMatch(/^refused/);
  });

  it("is watched: an authority that somebody adds on a host shows, and `up` takes it back", async () => {
    await onHost("mariadb", ["sh", "-c", "cat /etc/mysql/tls/ca.crt >> /etc/mysql/tls/clients.crt"]);
    const refresh = await copy.pulumi(["refresh", "--stack", "local", "--yes", "--diff"]);
    expect(refresh.code, refresh.output).toBe(0);
    const preview = await copy.pulumi(["preview", "--stack", "local", "--diff"]);
    expect(preview.output).toContain("clientAuthorities");
    const up = await copy.pulumi(["up", "--stack", "local", "--yes"]);
    expect(up.code, up.output).toBe(0);
    const held = await onHost("mariadb", ["sh", "-c", "grep -c BEGIN /etc/mysql/tls/clients.crt"]);
    expect(held.trim()).toBe("1");
  });

  it("leaves its key nowhere but at GitHub: not in the state, a run's output or a host's files", async () => {
    const held = await publishedSecrets();
    const keys = names.flatMap((name) =>
      privateKeyLines(held[published(name).secrets.clientCertificate] ?? ""),
    );
    const secrets = new Map(keys.map((line, at) => [`line ${at + 1}`, line]));
    const backend = fileURLToPath(process.env.PULUMI_BACKEND_URL ?? "");
    const places = [
      ...outputs.map((text, at) => ({ where: `output of run ${at + 1}`, text })),
      ...(await filesBelow(backend)),
    ];
    expect(findLeaks(places, secrets)).toEqual([]);
    for (const host of Object.values(services)) expect(await searchHost(host, keys)).toEqual([]);
  });
});
