import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openSocket } from "../../../connect/socket";
import { onHost } from "../../support/lab";
import { run, succeed } from "../../support/run";

const tunnelKey = process.env.TUNNEL_PRIVATE_KEY_FILE ?? "";

/** With the tunnel's key, by the operator's own ssh. */
function ssh(...words: string[]) {
  const options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
  const login = ["-F", "none", "-i", tunnelKey, "-o", "IdentitiesOnly=yes"];
  return run("ssh", [...login, ...options.flatMap((option) => ["-o", option]), ...words]);
}

describe("the tunnel's user on the web host", () => {
  it("forwards to declared endpoints and does nothing else", async () => {
    const checked = await run("ops/estate", ["check", "--stack", "local", "--way-in"]);
    expect(checked.code, checked.output).toBe(0);
    expect(checked.output).toContain("estate_tunnel@10.77.0.11:22 forwards to");
    expect((await ssh("estate_tunnel@10.77.0.11", "id")).output).toContain(
      "This account is currently not available",
    );
    const forward = await ssh("-W", "127.0.0.1:22", "estate_tunnel@10.77.0.11");
    expect(forward.output).toMatch(/administratively prohibited/);
  });

  it("cannot change its own keys, and its key opens no other account and no other host", async () => {
    const owner = await onHost("plesk", [
      "stat",
      "-c",
      "%U %a",
      "/var/lib/estate_tunnel/.ssh/authorized_keys",
    ]);
    expect(owner.trim()).toBe("root 644");
    for (const host of ["root@10.77.0.11", "root@10.77.0.12", "root@10.77.0.13", "root@10.77.0.14"])
      expect((await ssh(host, "true")).output).toMatch(/Permission denied/);
  });

  it("is what a change by hand is found by", async () => {
    const file = "/etc/ssh/sshd_config.d/50-estate-tunnel.conf";
    const before = await onHost("plesk", ["cat", file]);
    await onHost("plesk", ["sed", "-i", "/PermitOpen/d", file]);
    await onHost("plesk", [
      "sed",
      "-i",
      "s/^restrict,/port-forwarding,/; s/permitopen=[^,]*,//g",
      "/var/lib/estate_tunnel/.ssh/authorized_keys",
    ]);
    try {
      await onHost("plesk", ["systemctl", "reload", "ssh"]);
      const checked = await run("ops/estate", ["check", "--stack", "local", "--way-in"]);
      expect(checked.code).toBe(1);
      expect(checked.output).toContain("reaches undeclared ports (tried: 127.0.0.1:22)");
    } finally {
      await onHost("plesk", ["tee", file], before);
      const publicKey = await succeed("ops/estate", [
        ...["tunnel", "--stack", "local", "--authorized-keys", `${tunnelKey}.pub`],
      ]);
      await onHost("plesk", ["tee", "/var/lib/estate_tunnel/.ssh/authorized_keys"], publicKey);
      await onHost("plesk", ["systemctl", "reload", "ssh"]);
    }
  });
});

describe("the lab's tunnel", () => {
  const proxy = process.env.ALL_PROXY ?? "";
  const { password, port } = new URL(proxy);

  it("leads to a declared server, and nowhere else", async () => {
    (await openSocket({ host: "postgres.lab.internal", port: 5432, proxy })).destroy();
    await expect(openSocket({ host: "127.0.0.1", port: 22, proxy })).rejects.toThrow("NotAllowed");
    await expect(openSocket({ host: "10.77.0.13", port: 22, proxy })).rejects.toThrow("NotAllowed");
  });

  it("is closed to who has not its password, which no process list shows", async () => {
    const without = openSocket({
      host: "postgres.lab.internal",
      port: 5432,
      proxy: `socks5://127.0.0.1:${port}`,
    });
    await expect(without).rejects.toThrow(/cannot connect/);
    const listed = await succeed("sh", [
      "-c",
      "for at in /proc/[0-9]*; do tr '\\0' ' ' 2>/dev/null <$at/cmdline; echo; done; true",
    ]);
    expect(listed).toContain("ops/tunnel/serve.ts");
    expect(listed).not.toContain(password);
    const log = `/tmp/estate-${process.getuid?.()}/tunnel-${port}.pid.log`;
    if (existsSync(log)) expect(readFileSync(log, "utf8")).not.toContain(password);
  });
});
