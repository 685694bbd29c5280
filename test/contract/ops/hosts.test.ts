import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadStackConfig } from "../../../estate/load";
import { databaseServer } from "../../../estate/servers";
import { hostsOf, type OpenHost } from "../../../ops/backup/hosts";
import { backupNow } from "../../../ops/backup/now";
import { lockDatabase } from "../../../ops/restore/host";
import { projectDirectory } from "../../support/run";
import { type Sshd, startSshd } from "../../support/sshd";

let sshd: Sshd;
let open: OpenHost;

beforeAll(async () => {
  sshd = await startSshd();
  const knownHosts = path.join(sshd.directory, "known_hosts");
  await fs.writeFile(knownHosts, `[${sshd.host}]:${sshd.port} ${sshd.hostKey}\n`);
  const config = loadStackConfig("local", projectDirectory);
  const { host, port, user } = sshd;
  const mariadb = { ...databaseServer(config.servers, "mariadb"), ssh: { host, port, user } };
  open = hostsOf(
    { ...config, servers: { ...config.servers, mariadb }, access: { ...config.access, knownHosts } },
    { SSH_PRIVATE_KEY_FILE: sshd.privateKeyPath },
  );
});
afterAll(() => sshd?.stop());

describe("a database host over SSH", () => {
  it("runs a step with its variables, and hands on its words where it fails", async () => {
    const host = await open("mariadb");
    expect(await host.script('echo "$WHAT"', { WHAT: "it's; $(here)" })).toBe("it's; $(here)\n");
    await expect(host.script("echo one >&2; echo two >&2; false")).rejects.toThrow("mariadb: one; two");
    host.close();
  });

  it("streams a dump into a command, whole", async () => {
    const host = await open("mariadb");
    const blocks = Array.from({ length: 300 }, () => randomBytes(65_537));
    const sum = createHash("sha256");
    for (const block of blocks) sum.update(block);
    const said: string[] = [];
    const { stdout, code } = await host.filter(
      'echo "to $NAME" >&2; sha256sum',
      { NAME: "here" },
      { stdin: Readable.from(blocks), onStderr: (text) => said.push(text) },
    );
    expect([code, stdout.split(" ")[0], said.join("")]).toEqual([0, sum.digest("hex"), "to here"]);
    host.close();
  });

  it("a command that ends before its input does is an answer, not a wait", async () => {
    const host = await open("mariadb");
    const endless = new Readable({ read: (bytes) => endless.push(Buffer.alloc(bytes)) });
    const { code, stderr } = await host.filter(
      "head -c 1000 >/dev/null; echo full >&2; exit 3",
      {},
      {
        stdin: endless,
      },
    );
    expect([code, stderr]).toEqual([3, "full\n"]);
    endless.destroy();
    host.close();
  });

  it.each([
    ["head -c 100000000 /dev/zero", 67108864],
    ["head -c 100000000 /dev/zero >&2", 4194304],
    ["yes >&2", 4194304],
  ])("that says more than memory takes is not listened to: %s", async (command, most) => {
    const host = await open("mariadb");
    const said: string[] = [];
    const listening = host.filter(command, {}, { stdin: "", onStderr: (line) => said.push(line) });
    await expect(listening).rejects.toThrow(`said more than ${most} bytes`);
    expect(said.every((line) => line.length <= 4_000)).toBe(true);
    expect(await host.script("echo again")).toBe("again\n");
    host.close();
  });

  it("an interrupt ends the command and says so; the next connection is a new one", async () => {
    const interrupted = new AbortController();
    const host = await open("mariadb", interrupted.signal);
    const running = host.filter(
      "echo begun >&2; cat",
      {},
      {
        stdin: new Readable({ read: () => undefined }),
        onStderr: () => interrupted.abort(),
      },
    );
    await expect(running).rejects.toThrow(/cancelled/);
    const next = await open("mariadb");
    expect(await next.script("echo again")).toBe("again\n");
    next.close();
  });

  it("a lock keeps a second one out, and ends with its connection", async () => {
    const release = await lockDatabase(await open("mariadb"), "lock_probe");
    await expect(lockDatabase(await open("mariadb"), "lock_probe")).rejects.toThrow(
      "somebody else is restoring",
    );
    release();
    const again = async (): Promise<() => void> => {
      try {
        return await lockDatabase(await open("mariadb"), "lock_probe");
      } catch {
        return again();
      }
    };
    (await again())();
  });

  it("without an agent says what to do", async () => {
    const [run] = await backupNow(
      [{ host: "mariadb", databases: ["mo_crm"], tag: undefined }],
      open,
      () => undefined,
    );
    expect(run?.fault).toBe("there is no /usr/local/sbin/estate-backup here. Run: pulumi up");
  });

  it("that cannot be reached is no answer", async () => {
    const config = loadStackConfig("local", projectDirectory);
    const nowhere = hostsOf(
      {
        ...config,
        servers: {
          ...config.servers,
          plesk: { ...databaseServer(config.servers, "plesk"), ssh: { ...sshd, port: 9 } },
        },
        access: { ...config.access, knownHosts: undefined },
      },
      { SSH_PRIVATE_KEY_FILE: sshd.privateKeyPath },
    );
    await expect(nowhere("plesk")).rejects.toThrow(
      /the host plesk cannot be reached over SSH: cannot connect/,
    );
  });
});
