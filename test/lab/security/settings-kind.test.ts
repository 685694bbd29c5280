import { readFileSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { hostKey } from "../../../components/plans/ssh";
import { hostServerSettings } from "../../../provider/kinds/host-server-settings";
import { mariadb, onHost, postgres } from "../../support/lab";
import { succeed } from "../../support/run";

/** The kind alone, on the lab's servers, in states that no declaration leads to. */
const servers = {
  mariadb: { address: "10.77.0.12", unit: "mariadb" },
  postgres: { address: "10.77.0.13", unit: "postgresql@17-main" },
} as const;
type Server = keyof typeof servers;
const names = Object.keys(servers) as Server[];
type Inputs = Parameters<typeof hostServerSettings.create>[1];

let declared: Record<Server, Inputs>;

beforeAll(async () => {
  interface State {
    urn: string;
    inputs: Inputs & { machine?: string };
  }
  const state = JSON.parse(await succeed("pulumi", ["stack", "export", "--stack", "local"]));
  const found = (state.deployment.resources as State[]).flatMap(({ urn, inputs }) => {
    const name = /ServerSettings::(\w+)-settings$/.exec(urn)?.[1];
    const { machine: _, ...rest } = inputs ?? {};
    return name ? [[name, { ...rest, hba: rest.hba ?? null }] as const] : [];
  });
  declared = Object.fromEntries(found) as unknown as Record<Server, Inputs>;
});

function callOf(server: Server) {
  const secret = (variable: string) => readFileSync(process.env[variable] ?? "", "utf8");
  const target = { host: servers[server].address, port: 22, user: "root" };
  const ssh = {
    ...target,
    privateKey: secret("SSH_PRIVATE_KEY_FILE"),
    hostKey: hostKey(secret("SSH_KNOWN_HOSTS_FILE"), target),
  };
  return { config: { ssh }, urn: "", signal: new AbortController().signal };
}

const settle = (server: Server, changes: Partial<Inputs> = {}) =>
  hostServerSettings.create(callOf(server), { ...declared[server], ...changes });
const seen = async (server: Server) => {
  const old = { inputs: declared[server], state: declared[server] };
  return (await hostServerSettings.read(callOf(server), server, old))?.inputs;
};
const systemctl = (server: Server, ...words: string[]) =>
  onHost(server, ["systemctl", ...words, servers[server].unit]);
const started = async (server: Server) =>
  (await systemctl(server, "show", "--property", "ActiveEnterTimestampMonotonic,ActiveState")).trim();
const write = (server: Server, file: string, content: string) =>
  onHost(server, ["tee", file], `${content}\n`).then(() => undefined);

afterEach(async () => {
  for (const server of names) expect(await seen(server), server).toEqual(declared[server]);
});

describe.each(names)("the settings of %s", (server) => {
  it("are left alone where they are as declared: nothing restarts", async () => {
    const before = await started(server);
    expect(await settle(server)).toEqual({ id: server, state: declared[server] });
    expect(await started(server)).toBe(before);
  });

  it("of a server that stands still are unknown, and it is started", async () => {
    await systemctl(server, "stop");
    expect((await seen(server))?.effective).toEqual({});
    await settle(server);
    expect(await started(server)).toContain("ActiveState=active");
  });

  it("with a file that was removed count as gone", async () => {
    const file = {
      mariadb: "/etc/mysql/mariadb.conf.d/99-estate.cnf",
      postgres: "/etc/postgresql/17/main/conf.d/estate.conf",
    }[server];
    await onHost(server, ["rm", file]);
    expect(await seen(server)).toBeUndefined();
    await settle(server);
  });
});

describe("a file that the engine does not start with", () => {
  it("is taken back, and the engine runs on with the former one", async () => {
    const configuration = `${declared.mariadb.configuration}\n[mariadbd]\nno_such_option = 1`;
    await expect(settle("mariadb", { configuration })).rejects.toThrow(
      /does not start with its declared configuration; the former one is back/,
    );
    expect(await started("mariadb")).toContain("ActiveState=active");
  });
});

describe("a setting that another file on the host sets", () => {
  const fields = (server: Server, file: string, content: string, field: string) =>
    ({ server, file, content, field }) as const;
  it.each([
    fields(
      "postgres",
      "/etc/postgresql/17/main/conf.d/zz-other.conf",
      "ssl_min_protocol_version = 'TLSv1.2'",
      "effective.ssl_min_protocol_version",
    ),
    fields(
      "mariadb",
      "/etc/mysql/mariadb.conf.d/99-z.cnf",
      "[mariadbd]\nbind-address = 0.0.0.0",
      "effective.bind_address",
    ),
  ])("is an error that names it: $field", async ({ server, file, content, field }) => {
    await write(server, file, content);
    try {
      await systemctl(server, "restart");
      await expect(settle(server)).rejects.toThrow(
        `${server} does not take what is declared: ${field}. Does another file on the host set it?`,
      );
    } finally {
      await onHost(server, ["rm", file]);
      await systemctl(server, "restart");
    }
  });
});

describe("a setting that holds until a restart", () => {
  it("is taken back on PostgreSQL, where somebody wrote and restarted", async () => {
    await postgres("postgres", "ALTER SYSTEM SET listen_addresses = '*'");
    await systemctl("postgres", "restart");
    expect((await seen("postgres"))?.effective.listen_addresses).toBe("*");
    await settle("postgres");
  });

  it("is taken back on MariaDB, which runs with what a file said that is gone", async () => {
    const file = "/etc/mysql/mariadb.conf.d/99-z.cnf";
    await write("mariadb", file, "[mariadbd]\nbind-address = 0.0.0.0");
    await systemctl("mariadb", "restart");
    await onHost("mariadb", ["rm", file]);
    expect((await seen("mariadb"))?.effective.bind_address).toBe("0.0.0.0");
    await settle("mariadb");
  });
});

describe("a setting that can be changed while the server runs", () => {
  it("is taken back on MariaDB without a restart", async () => {
    const before = await started("mariadb");
    await mariadb("mariadb", "SET GLOBAL local_infile = ON");
    expect((await seen("mariadb"))?.effective.local_infile).toBe("ON");
    await settle("mariadb");
    expect(await started("mariadb")).toBe(before);
  });

  it("is taken back on PostgreSQL without a restart", async () => {
    const before = await started("postgres");
    await postgres("postgres", "ALTER SYSTEM SET password_encryption = 'md5'");
    expect((await seen("postgres"))?.effective.password_encryption).toBe("scram-sha-256 (written: md5)");
    await settle("postgres");
    expect(await started("postgres")).toBe(before);
  });
});

describe("what cannot be read", () => {
  const old = (server: Server) => ({ inputs: declared[server], state: declared[server] });

  it("is an error where the host does not answer, and not a server without settings", async () => {
    const call = callOf("mariadb");
    const elsewhere = { ...call, config: { ssh: { ...call.config.ssh, host: "127.0.0.1", port: 1 } } };
    await expect(hostServerSettings.read(elsewhere, "mariadb", old("mariadb"))).rejects.toThrow(
      /cannot connect/,
    );
  });

  it("is an error where the server does not tell", async () => {
    const client = "/usr/share/postgresql-common/pg_wrapper";
    await onHost("postgres", ["chmod", "a-x", client]);
    try {
      await expect(hostServerSettings.read(callOf("postgres"), "postgres", old("postgres"))).rejects.toThrow(
        /^postgres: its settings cannot be read: .*[Pp]ermission denied/,
      );
    } finally {
      await onHost("postgres", ["chmod", "a+x", client]);
    }
  });
});
