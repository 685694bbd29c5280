import { describe, expect, it } from "vitest";
import { describeDown } from "../../../lab/down";
import { environment, renderEnvironment } from "../../../lab/environment";
import { isEmpty, isTunnel, type Remains } from "../../../lab/remains";

const nothing: Remains = {
  processes: [],
  tunnels: [],
  namespaces: [],
  interfaces: [],
  mounts: [],
  cgroups: [],
  files: [],
};

const commandLine = (...words: string[]) => `${words.join("\0")}\0`;

describe("isTunnel", () => {
  it("knows an SSH client with the lab's key", () => {
    const line = commandLine(
      "/usr/bin/ssh",
      "-D",
      "17077",
      "-i",
      "/run/estate-lab/ssh/id_ed25519",
      "10.77.0.11",
    );
    expect(isTunnel(line, false)).toBe(true);
  });

  it("knows the CLI's own by the lab's known hosts, and no other stack's", () => {
    const line = (knownHosts: string) =>
      commandLine(
        "/usr/bin/node",
        "--import",
        "tsx",
        "/p/ops/tunnel/serve.ts",
        "17077",
        "u@h:22",
        knownHosts,
      );
    expect(isTunnel(line("/run/estate-lab/ssh/known_hosts"), false)).toBe(true);
    expect(isTunnel(line("/project/known_hosts.prod"), false)).toBe(false);
    expect(isTunnel(line("/project/known_hosts.prod"), true)).toBe(true);
  });

  it("leaves other SSH clients, and other programs that read the key, alone", () => {
    expect(isTunnel(commandLine("ssh", "-D", "1080", "example.org"), false)).toBe(false);
    expect(isTunnel(commandLine("less", "/run/estate-lab/ssh/known_hosts"), false)).toBe(false);
  });

  it("does not believe a pid file whose number belongs to something else by now", () => {
    expect(isTunnel(commandLine("postgres", "-D", "/var/lib/postgresql"), true)).toBe(false);
    expect(isTunnel(commandLine("ssh", "-D", "1080", "root@plesk"), true)).toBe(true);
    expect(isTunnel(commandLine("node", "ops/main.ts", "tunnel"), true)).toBe(true);
    expect(isTunnel("", true)).toBe(false);
  });
});

describe("describeDown", () => {
  it("says when there was nothing", () => {
    expect(isEmpty(nothing)).toBe(true);
    expect(describeDown({ removed: nothing, left: nothing })).toBe(
      "the lab is down: there was nothing to remove",
    );
  });

  it("lists what went and what did not", () => {
    const removed = { ...nothing, processes: [4, 5, 6], namespaces: ["estate-redis"] };
    const left = { ...nothing, mounts: ["/run/estate-lab"] };
    expect(isEmpty(left)).toBe(false);
    expect(describeDown({ removed, left })).toMatchInlineSnapshot(`
      "removed processes: 3
      removed network namespaces: estate-redis
      STILL THERE mounts: /run/estate-lab
      the lab is not down"
    `);
  });
});

describe("environment", () => {
  it("is quoted for a shell", () => {
    expect(renderEnvironment({ A: "it's $HOME" })).toBe("export A='it'\\''s $HOME'");
  });

  it("names files, and of what is in them the tunnel's password alone", () => {
    const found = environment();
    expect(found).toMatchObject({
      SSH_PRIVATE_KEY_FILE: "/run/estate-lab/ssh/id_ed25519",
      TUNNEL_PRIVATE_KEY_FILE: "/run/estate-lab/ssh/id_tunnel",
      TUNNEL_PASSWORD_FILE: "/run/estate-lab/secrets/tunnel",
      PLESK_DB_ADMIN_PASSWORD_FILE: "/run/estate-lab/secrets/plesk-admin",
    });
    // Empty where no lab is up.
    expect(found.ALL_PROXY).toMatch(/^socks5:\/\/estate:[A-Za-z0-9_-]*@127\.0\.0\.1:17077$/);
  });
});
