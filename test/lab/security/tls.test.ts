import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisUsers } from "../../../estate/catalogue";
import { instanceName } from "../../../estate/redis";
import { onHost, postgres } from "../../support/lab";
import { type PlannedChange, plannedChanges, pulumi } from "../../support/project";
import { run } from "../../support/run";

const servers = {
  mariadb: { port: 3306, directory: "/etc/mysql/tls", starttls: "-starttls mysql" },
  postgres: { port: 5432, directory: "/etc/postgresql/tls", starttls: "-starttls postgres" },
  redis: { port: 6380, directory: "/etc/redis/tls", starttls: "" },
} as const;
type Server = keyof typeof servers;
const names = Object.keys(servers) as Server[];

/** Everything from the web host, the only one that may come this far. */
const fromWebHost = (script: string) => onHost("plesk", ["sh", "-c", `{ ${script}; } 2>&1 || true`]);

/** `TLSv1.3` as agreed upon, or why not. */
async function handshake(server: Server, version: "tls1_1" | "tls1_2" | "tls1_3"): Promise<string> {
  const { port, starttls } = servers[server];
  const to = `-connect ${server}.lab.internal:${port} ${starttls}`;
  // Security level 0: a client that would speak the old version if only it could.
  const said = await fromWebHost(
    `timeout 5 openssl s_client ${to} -${version} -cipher DEFAULT@SECLEVEL=0 -brief </dev/null`,
  );
  return /Protocol version: (\S+)/.exec(said)?.[1] ?? `refused: ${said.split("\n")[0]}`;
}

/** Sends bytes over a plain connection and gives what comes back. */
const plain = (server: Server, bytes: string) =>
  fromWebHost(
    `timeout 5 python3 -c '
import socket
connection = socket.create_connection(("${server}.lab.internal", ${servers[server].port}), 3)
connection.sendall(b"${bytes}")
connection.settimeout(3)
print(connection.recv(1024))
'`,
  );

describe("a connection without TLS", () => {
  it("is refused by PostgreSQL", async () => {
    const startup =
      "\\x00\\x00\\x00\\x28\\x00\\x03\\x00\\x00user\\x00svc_idp_a\\x00database\\x00mo_idp\\x00\\x00";
    expect(await plain("postgres", startup)).toMatch(/pg_hba.conf rejects connection .* no encryption/);
  });

  it("is refused by MariaDB before the password is looked at", async () => {
    const said = await fromWebHost(
      "mariadb --no-defaults --skip-ssl -h mariadb.lab.internal -u svc_crm -pwrong -e 'SELECT 1'",
    );
    expect(said).toMatch(/ERROR 3159|insecure transport/i);
  });

  it("is answered by Redis with a TLS alert or nothing, and no other port is open", async () => {
    expect(await plain("redis", "PING\\r\\n")).not.toMatch(/PONG|NOAUTH|ERR/);
    const open = await onHost("redis", ["ss", "-Hltn"]);
    for (const { port } of redisUsers) expect(open).toContain(`10.77.0.14:${port} `);
    expect(open).not.toContain(":6379");
  });
});

describe("the protocol", () => {
  it.each([
    ["postgres", "tls1_3", "TLSv1.3"],
    ["postgres", "tls1_2", /^refused/],
    ["mariadb", "tls1_3", "TLSv1.3"],
    ["mariadb", "tls1_2", "TLSv1.2"],
    ["mariadb", "tls1_1", /^refused/],
    ["redis", "tls1_3", "TLSv1.3"],
    ["redis", "tls1_2", "TLSv1.2"],
    ["redis", "tls1_1", /^refused/],
  ] as const)("of %s with a client that speaks %s", async (server, version, outcome) => {
    const agreed = await handshake(server, version);
    if (typeof outcome === "string") expect(agreed).toBe(outcome);
    else expect(agreed).toMatch(outcome);
  });
});

/** A certificate made by hand beside the server's, signed by the host's authority. */
async function replaceByHand(server: Server, name: string, days: number): Promise<void> {
  const { directory } = servers[server];
  await onHost(server, [
    "bash",
    "-euc",
    `cd ${directory}
    printf 'subjectAltName=DNS:${name}' >/tmp/san
    openssl req -new -key server.key -subj /CN=${name} -out /tmp/csr
    openssl x509 -req -in /tmp/csr -CA ca.crt -CAkey ca.key -set_serial 7 -days ${days} -extfile /tmp/san -out /tmp/crt
    cat /tmp/crt ca.crt >server.crt
    rm /tmp/san /tmp/csr /tmp/crt`,
  ]);
}

/** What a restart would change. */
async function processes(): Promise<string[]> {
  const mainPid = (unit: string) => ["systemctl", "show", "--property", "MainPID", unit];
  return [
    await onHost("mariadb", mainPid("mariadb")),
    await postgres("postgres", "SELECT pg_postmaster_start_time()"),
    ...(await Promise.all(
      redisUsers.map(({ name }) => onHost("redis", mainPid(`redis-server@${instanceName(name)}`))),
    )),
  ];
}

describe("a certificate that is due, and one that was replaced by hand", () => {
  let planned: PlannedChange[];
  let before: string[];
  let mended = false;
  let warned: { code: number; stdout: string };

  beforeAll(async () => {
    await replaceByHand("mariadb", "mariadb.lab.internal", 10);
    await onHost("mariadb", ["mariadb", "--skip-ssl", "-e", "FLUSH SSL"]);
    await replaceByHand("postgres", "postgres.lab.internal", 10);
    await postgres("postgres", "SELECT pg_reload_conf()");
    await replaceByHand("redis", "other.lab.internal", 300);
    warned = await run("ops/estate", ["check", "--stack", "local"]);
    const refreshed = await pulumi(["refresh", "--stack", "local", "--yes"]);
    expect(refreshed.code, refreshed.output).toBe(0);
    planned = await plannedChanges();
    before = await processes();
  });

  afterAll(async () => {
    if (!mended) await pulumi(["up", "--stack", "local", "--yes", "--skip-preview", "--refresh"]);
  });

  it("are warned of by the check, which is content otherwise", () => {
    expect(warned.code).toBe(0);
    expect(warned.stdout).toMatch(/warning: the certificate of mariadb ends in 9 days; run: pulumi up/);
    expect(warned.stdout).toMatch(/warning: the certificate of postgres ends in 9 days; run: pulumi up/);
    expect(warned.stdout).toContain("20/20 databases reachable");
  });

  it("are all that the preview names, each by what is wrong", () => {
    expect(planned.sort((a, b) => (a.resource < b.resource ? -1 : 1))).toEqual([
      { op: "update", resource: "estate:host:Certificate mariadb-certificate", fields: ["notAfter"] },
      { op: "update", resource: "estate:host:Certificate postgres-certificate", fields: ["notAfter"] },
      { op: "update", resource: "estate:host:Certificate redis-certificate", fields: ["condition"] },
    ]);
  });

  it("are renewed by one `up` while the servers run on, and every client still trusts them", async () => {
    const up = await pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    expect(up.code, up.output).toBe(0);
    expect(await processes()).toEqual(before);

    const checked = await run("ops/estate", ["check", "--stack", "local", "--json"]);
    expect(checked.code, checked.output).toBe(0);
    const { results } = JSON.parse(checked.stdout) as {
      results: { server: string; certificateDaysLeft: number }[];
    };
    for (const server of names) {
      const days = results
        .filter((result) => result.server === server)
        .map((result) => result.certificateDaysLeft);
      expect(Math.min(...days), server).toBeGreaterThan(390);
    }
    expect(await plannedChanges()).toEqual([]);
    mended = true;
  });
});
