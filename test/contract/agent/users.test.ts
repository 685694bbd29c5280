import { describe, expect, it } from "vitest";
import { INSTALL_AGENT } from "../../../provider/kinds/host/agent-scripts";
import { debianRoot } from "../../support/debian-root";
import { run } from "../../support/run";

/** The install script in a Debian whose /etc is its own for the time. `before`: what somebody has made there. */
async function install(before: string) {
  const root = await debianRoot("trixie", ["bash", "coreutils", "passwd", "libc-bin", "grep", "util-linux"]);
  const inside = [
    "printf 'root:x:0:0::/root:/bin/sh\\n' >/etc/passwd; printf 'root:x:0:\\nsudo:x:27:\\n' >/etc/group; : >/etc/shadow; : >/etc/gshadow",
    before,
    `PACKAGES= bash -euo pipefail -c '${INSTALL_AGENT.replaceAll("'", "'\\''")}' || exit`,
    `PACKAGES= bash -euo pipefail -c '${INSTALL_AGENT.replaceAll("'", "'\\''")}' || exit`,
    "grep estate- /etc/passwd /etc/shadow",
  ].join("\n");
  const text = [
    `cp -a ${root}/etc /tmp/etc; mount --bind /tmp/etc ${root}/etc`,
    `exec chroot ${root} bash -c "$1"`,
  ].join("\n");
  return run("unshare", ["--mount", "bash", "-c", `mount -t tmpfs none /tmp; ${text}`, "bash", inside]);
}

describe("the users that clients run as", () => {
  it("are system users without a shell, a home or a password; a second time changes nothing", async () => {
    const { code, stdout, output } = await install("");
    expect(code, output).toBe(0);
    for (const user of ["estate-backup", "estate-proof", "estate-restore"]) {
      const [, id = ""] =
        new RegExp(`passwd:${user}:x:(\\d+):\\d+::/nonexistent:/usr/sbin/nologin$`, "m").exec(stdout) ?? [];
      expect(Number(id)).toBeGreaterThan(0);
      expect(Number(id)).toBeLessThan(1000);
      expect(stdout).toMatch(new RegExp(`shadow:${user}:!`));
    }
  });

  it.each([
    [
      "somebody's with a shell",
      "useradd --shell /bin/bash estate-backup",
      /the user estate-backup is not the agent's own/,
    ],
    [
      "root by another name",
      "useradd -o -u 0 --home-dir /nonexistent --shell /usr/sbin/nologin estate-restore",
      /uid 0/,
    ],
    [
      "in a group that may more",
      "useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin -G sudo estate-proof",
      /in other groups than its own/,
    ],
  ])("are not taken over where one is %s", async (_, before, words) => {
    const { code, stderr } = await install(before);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(words);
  });
});
