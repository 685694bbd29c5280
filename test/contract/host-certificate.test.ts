import { execFile, spawn } from "node:child_process";
import * as fs from "node:fs/promises";
import { userInfo } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EstateConfig } from "../../provider/config";
import { hostCertificate } from "../../provider/kinds/host-certificate";
import type { Call, FieldChange, Properties } from "../../provider/wire/kind";
import { freePort } from "../support/free-port";
import { type Sshd, startSshd } from "../support/sshd";

const openssl = promisify(execFile);
const day = 86_400_000;

/** A host's certificate, made and looked after through a real SSH server; no engine is behind it. */
describe("a certificate on a host", () => {
  let sshd: Sshd;
  let directory: string;
  let port: number;
  let call: Call<EstateConfig>;
  let clock = Date.now();
  const kind = hostCertificate(() => clock);
  const owner = userInfo().username;

  const declared = (changes: Properties = {}) => {
    const { inputs, failures } = kind.check(
      { name: "db.test", directory, owner, engine: "postgres", address: "127.0.0.1", port, ...changes },
      undefined,
      { urn: "" },
    );
    expect(failures).toEqual([]);
    return inputs as unknown as Parameters<typeof kind.create>[1];
  };
  const create = async () => (await kind.create(call, declared())).state;
  type State = Awaited<ReturnType<typeof create>>;
  /** What an engine keeps of a resource: its inputs are those of its outputs that were declared. */
  const kept = (state: State) => {
    const { authority, authorityNotAfter, notAfter, fingerprint, ...inputs } = state;
    return { id: "db.test", inputs, state };
  };
  const plan = (state: State): FieldChange[] =>
    kind.diff?.(kept(state), declared() as unknown as Properties) ?? [];
  const refresh = async (state: State) => (await kind.read(call, "db.test", kept(state)))?.state as State;
  const update = (state: State) => kind.update(call, "db.test", kept(state), declared());
  const at = (name: string) => path.join(directory, name);

  /** Puts a certificate in the place of the server's, made by hand, signed by the host's authority. */
  async function replaceByHand(days: number, name = "db.test"): Promise<void> {
    await fs.writeFile(at("ext"), `subjectAltName=DNS:${name}`);
    await openssl("openssl", [
      "req",
      "-new",
      "-key",
      at("server.key"),
      "-subj",
      `/CN=${name}`,
      "-out",
      at("csr"),
    ]);
    await openssl("openssl", [
      ..."x509 -req -set_serial 7 -sha256 -days".split(" "),
      String(days),
      ...[
        "-in",
        at("csr"),
        "-CA",
        at("ca.crt"),
        "-CAkey",
        at("ca.key"),
        "-extfile",
        at("ext"),
        "-out",
        at("server.crt"),
      ],
    ]);
    await fs.appendFile(at("server.crt"), await fs.readFile(at("ca.crt")));
  }

  beforeAll(async () => {
    sshd = await startSshd();
    directory = path.join(sshd.directory, "tls");
    port = await freePort();
    const { host, port: sshPort, user, privateKey, hostKey } = sshd;
    call = {
      config: { ssh: { host, port: sshPort, user, privateKey, hostKey } },
      urn: "",
      signal: new AbortController().signal,
    };
  });
  afterAll(() => sshd?.stop());

  test("is made with keys that nobody else can read, for its name, signed by the host's authority", async () => {
    const state = await create();
    expect(state.condition).toBe("sound");
    expect((await fs.stat(at("server.key"))).mode & 0o777).toBe(0o600);
    expect((await fs.stat(at("ca.key"))).mode & 0o777).toBe(0o600);
    await openssl("openssl", [
      "verify",
      "-x509_strict",
      "-verify_hostname",
      "db.test",
      "-CAfile",
      at("ca.crt"),
      at("server.crt"),
    ]);
    expect(state.authority).toBe(await fs.readFile(at("ca.crt"), "utf8"));
    const days = (Date.parse(state.notAfter) - Date.now()) / day;
    expect(days).toBeGreaterThan(396);
    expect(days).toBeLessThan(398);
    expect((await fs.readdir(directory)).sort()).toEqual(["ca.crt", "ca.key", "server.crt", "server.key"]);
  });

  test("is taken over as it is by another create, and does not differ from what is declared", async () => {
    const state = await create();
    expect((await create()).fingerprint).toBe(state.fingerprint);
    expect(await refresh(state)).toEqual(state);
    expect(plan(state)).toEqual([]);
  });

  test("is renewed from the day it is due on, not one before; what clients pin stays", async () => {
    const state = await create();
    const due = Date.parse(state.notAfter) - 60 * day;
    try {
      clock = due - 1;
      expect(plan(state)).toEqual([]);
      expect((await update(state)).fingerprint).toBe(state.fingerprint);
      clock = due;
      expect(plan(state)).toEqual([{ path: "notAfter", kind: "update" }]);
      const renewed = await update(state);
      expect(renewed.fingerprint).not.toBe(state.fingerprint);
      expect(renewed.authority).toBe(state.authority);
    } finally {
      clock = Date.now();
    }
  });

  test("an authority that ends is a replacement, for clients have to pin another", async () => {
    const state = await create();
    try {
      clock = Date.parse(state.authorityNotAfter) - 60 * day;
      expect(plan(state)).toContainEqual({ path: "authorityNotAfter", kind: "update", replaces: true });
    } finally {
      clock = Date.now();
    }
  });

  test("one that ends soon was put there by hand: a refresh sees it, an update renews it", async () => {
    const state = await create();
    await replaceByHand(10);
    const short = await refresh(state);
    expect(short.condition).toBe("sound");
    expect(plan(short)).toEqual([{ path: "notAfter", kind: "update" }]);
    const mended = await update(short);
    expect(plan(mended)).toEqual([]);
    expect(Date.parse(mended.notAfter) - Date.now()).toBeGreaterThan(300 * day);
  });

  test.each([
    ["is of another name", () => replaceByHand(300, "other.test"), /does not carry the name db\.test/],
    ["is gone", () => fs.rm(at("server.crt")), /there is no certificate/],
    [
      "lacks its authority",
      async () =>
        fs.writeFile(
          at("server.crt"),
          (await fs.readFile(at("server.crt"), "utf8")).split(/(?<=-----END.*\n)/)[0] ?? "",
        ),
      /does not come with its authority/,
    ],
    [
      "has a key that others can read",
      () => fs.chmod(at("server.key"), 0o644),
      /can be read by others \(644/,
    ],
    [
      "has another key",
      () => openssl("openssl", ["genpkey", "-algorithm", "ED25519", "-out", at("server.key")]),
      /key is of another certificate/,
    ],
    [
      "is signed by somebody else",
      () =>
        openssl("openssl", [
          ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 300 -subj /CN=db.test".split(
            " ",
          ),
          ...["-addext", "subjectAltName=DNS:db.test", "-keyout", at("server.key"), "-out", at("server.crt")],
        ]),
      /not signed by this host's authority/,
    ],
  ])("one that %s shows as its condition and is made anew", async (_what, change, reason) => {
    const state = await create();
    await change();
    const seen = await refresh(state);
    expect(seen.condition).toMatch(reason);
    expect(plan(seen)).toContainEqual({ path: "condition", kind: "update" });
    const mended = await update(seen);
    expect(mended.condition).toBe("sound");
    expect(mended.authority).toBe(state.authority);
    expect(plan(mended)).toEqual([]);
  });

  test("without its authority it is gone, and comes back with another one", async () => {
    const state = await create();
    await fs.rm(at("ca.key"));
    expect(await refresh(state)).toBeUndefined();
    expect((await create()).authority).not.toBe(state.authority);
  });

  test("what the server shows is compared with the file", async () => {
    const state = await create();
    await fs.cp(directory, at("../former"), { recursive: true });
    const former = spawn(
      "openssl",
      [
        "s_server",
        "-accept",
        `127.0.0.1:${port}`,
        "-cert",
        at("../former/server.crt"),
        "-key",
        at("../former/server.key"),
        "-quiet",
      ],
      { stdio: "ignore" },
    );
    try {
      // The second of two instances; nothing answers for the first.
      const instances = { main: await freePort(), crm: port };
      const redis = { engine: "redis", admin: { user: "admin", password: "p" }, port: null, instances };
      const seen = async () =>
        (await kind.read(call, "db.test", { inputs: declared(redis), state }))?.state.condition;
      await expect.poll(seen).toBe("sound");
      await replaceByHand(300);
      expect(await seen()).toBe("the server shows another certificate");
    } finally {
      former.kill();
    }
  });

  describe("the authorities of its clients", () => {
    const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
    const trusting = (text: string) => declared({ clientAuthorities: pem(text) });
    const file = () => fs.readFile(at("clients.crt"), "utf8");
    const trust = async (text: string, before: State) =>
      kind.update(call, "db.test", kept(before), trusting(text));

    test("lie beside it, and are read by everybody: they hold no secret", async () => {
      const state = await trust("b25l", await create());
      expect(await file()).toBe(pem("b25l"));
      expect((await fs.stat(at("clients.crt"))).mode & 0o777).toBe(0o644);
      expect(await refresh(state)).toEqual(state);
      await trust("dHdv", state);
      expect(await file()).toBe(pem("dHdv"));
    });

    test("changed by hand show after a refresh, and are put back", async () => {
      const state = await trust("b25l", await create());
      await fs.appendFile(at("clients.crt"), pem("c3RyYW5nZXI="));
      const seen = await refresh(state);
      expect(seen.clientAuthorities).not.toBe(state.clientAuthorities);
      const paths = kind
        .diff?.(kept(seen), trusting("b25l") as unknown as Properties)
        .map(({ path }) => path);
      expect(paths).toEqual(["clientAuthorities"]);
      await trust("b25l", seen);
      expect(await file()).toBe(pem("b25l"));
    });

    test("that a run wrote and did not live to tell the server are written again", async () => {
      const state = await trust("b25l", await create());
      await fs.writeFile(at("clients.crt"), pem("dHdv"));
      await fs.writeFile(at("clients.read"), pem("b25l"));
      expect((await refresh(state)).clientAuthorities).toBe("");
      await trust("dHdv", state);
      expect(await fs.readFile(at("clients.read"), "utf8")).toBe(pem("dHdv"));
    });

    test("of none are not looked at, whatever lies there", async () => {
      const state = await create();
      await fs.writeFile(at("clients.crt"), "something");
      expect(await refresh(state)).toEqual(state);
      expect(plan(state)).toEqual([]);
    });
  });

  test("a host that cannot be reached is an error and not a missing certificate", async () => {
    const state = await create();
    const ssh = { ...call.config.ssh, port: await freePort() } as NonNullable<EstateConfig["ssh"]>;
    await expect(kind.read({ ...call, config: { ssh } }, "db.test", kept(state))).rejects.toThrow(
      /cannot connect/,
    );
  });
});

describe("the declaration of a certificate", () => {
  const kind = hostCertificate();
  const good = {
    name: "db.test",
    directory: "/etc/tls",
    owner: "mysql",
    engine: "mariadb",
    address: "192.0.2.1",
    port: 3306,
  };

  test("is normalised, and stays so", () => {
    const first = kind.check(good, undefined, { urn: "" });
    expect(first.inputs).toMatchObject({ renewBefore: 60, condition: "sound", admin: null });
    expect(kind.check(first.inputs, first.inputs, { urn: "" })).toEqual(first);
  });

  test("has every fault named at once", () => {
    const { failures } = kind.check(
      {
        name: "db test",
        directory: "tls",
        owner: "",
        engine: "redis",
        address: "*",
        port: 0,
        renewBefore: 0,
        colour: "red",
      },
      undefined,
      { urn: "" },
    );
    expect(failures.map(({ property }) => property).sort()).toEqual(
      ["address", "admin", "colour", "directory", "instances", "name", "owner", "port", "renewBefore"].sort(),
    );
  });

  test("takes certificates for the authorities of clients, and nothing else", () => {
    const faults = (clientAuthorities: string) =>
      kind
        .check({ ...good, clientAuthorities }, undefined, { urn: "" })
        .failures.map(({ property }) => property);
    const pem = "-----BEGIN CERTIFICATE-----\nbGFi\n-----END CERTIFICATE-----\n";
    expect(faults(pem + pem)).toEqual([]);
    for (const text of ["", "lab", pem.trim(), `${pem}\n`, pem.replace("CERTIFICATE", "PRIVATE KEY")])
      expect(faults(text)).toEqual(["clientAuthorities"]);
  });

  test("has ports by name for Redis, and one port for the others", () => {
    const admin = { user: "admin", password: "p" };
    const faults = (changes: Properties) =>
      kind.check({ ...good, ...changes }, undefined, { urn: "" }).failures.map(({ property }) => property);
    const redis = { engine: "redis", port: null, admin };
    expect(faults({ ...redis, instances: { crm: 6381 } })).toEqual([]);
    expect(faults({ ...redis, instances: { crm: 0 } })).toEqual(["instances"]);
    expect(faults({ ...redis, instances: { "crm; id": 6381 } })).toEqual(["instances"]);
    expect(faults({ instances: { crm: 6381 } })).toEqual(["instances"]);
    expect(faults({ port: null })).toEqual(["port"]);
  });
});
