import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onHost } from "../../support/lab";
import { plannedChanges, pulumi } from "../../support/project";
import { run } from "../../support/run";

const hosts = [
  ["mariadb", "10.77.0.12"],
  ["postgres", "10.77.0.13"],
  ["redis", "10.77.0.14"],
] as const;
const drop = "/etc/ssh/sshd_config.d/10-by-hand.conf";

/** The operator's own ssh, which is no part of the program. */
function ssh(address: string, ...words: string[]) {
  const options = [
    "BatchMode=yes",
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "ConnectTimeout=5",
  ];
  const key = process.env.SSH_PRIVATE_KEY_FILE ?? "";
  return run("ssh", [
    "-i",
    key,
    ...options.flatMap((option) => ["-o", option]),
    ...words,
    `root@${address}`,
    "true",
  ]);
}

describe.each(hosts)("the SSH server of %s", (name, address) => {
  it("lets in by key, and offers nothing else", async () => {
    expect((await ssh(address)).code).toBe(0);
    const without = await ssh(address, "-o", "PubkeyAuthentication=no", "-v");
    expect(without.code).not.toBe(0);
    expect(without.output).toMatch(/Permission denied \(publickey\)/);
  });

  it.each([
    ["a cipher without authentication", "Ciphers=aes128-ctr"],
    [
      "a key exchange over SHA-1 or NIST's curves",
      "KexAlgorithms=ecdh-sha2-nistp256,diffie-hellman-group14-sha1",
    ],
  ])("does not talk with %s", async (_what, option) => {
    const refused = await ssh(address, "-o", option);
    expect(refused.code).not.toBe(0);
    expect(refused.output).toMatch(/no matching/);
  });

  it("forwards nothing", async () => {
    const through = await run("ssh", [
      ...[
        "-i",
        process.env.SSH_PRIVATE_KEY_FILE ?? "",
        "-o",
        "BatchMode=yes",
        "-o",
        "StrictHostKeyChecking=no",
      ],
      ...["-o", "UserKnownHostsFile=/dev/null", "-W", "10.77.0.13:5432", `root@${address}`],
    ]);
    expect(through.code).not.toBe(0);
    expect(through.output).toMatch(/administratively prohibited|forwarding failed/);
    const agent = await onHost(name, [
      "sh",
      "-c",
      "sshd -T -C user=root,host=x,addr=10.77.0.1 | grep -E '^(allow[a-z]*forwarding|x11forwarding|permittunnel) '",
    ]);
    expect(agent.trim().split("\n").sort()).toEqual([
      "allowagentforwarding no",
      "allowstreamlocalforwarding no",
      "allowtcpforwarding no",
      "permittunnel no",
      "x11forwarding no",
    ]);
  });
});

describe("an SSH server that was opened by hand", () => {
  const fileNow = () => onHost("mariadb", ["cat", "/etc/ssh/sshd_config.d/00-estate.conf"]);
  let written: string;
  let mended = false;

  beforeAll(async () => {
    written = await fileNow();
    await onHost("mariadb", [
      "sed",
      "-i",
      "s/^passwordauthentication no/passwordauthentication yes/",
      "/etc/ssh/sshd_config.d/00-estate.conf",
    ]);
    await onHost("postgres", [
      "sh",
      "-c",
      `printf 'Match Address 192.0.2.9\\n  PasswordAuthentication yes\\n' >${drop}`,
    ]);
  });
  afterAll(async () => {
    if (mended) return;
    await onHost("postgres", ["rm", "-f", drop]);
    await pulumi(["up", "--stack", "local", "--yes", "--skip-preview", "--refresh"]);
  });

  it("is named by the preview after a refresh, and what ours says is put back by `up`", async () => {
    const refreshed = await pulumi(["refresh", "--stack", "local", "--yes"]);
    expect(refreshed.code, refreshed.output).toBe(0);
    const fields = Object.fromEntries(
      (await plannedChanges()).map((change) => [change.resource, change.fields]),
    );
    expect(fields).toEqual({
      "estate:host:Sshd mariadb-sshd": ["settings.passwordauthentication"],
      "estate:host:Sshd postgres-sshd": ["exceptions[0]"],
    });
    const up = await pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    expect(up.code).not.toBe(0);
    expect(up.output).toMatch(/does not do what is declared: .*Match Address 192\.0\.2\.9/);
    expect(await fileNow()).toBe(written);
    await onHost("postgres", ["rm", drop]);
    const again = await pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    expect(again.code, again.output).toBe(0);
    expect(await plannedChanges()).toEqual([]);
    mended = true;
  });
});
