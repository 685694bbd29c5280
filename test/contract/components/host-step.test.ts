import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EngineProject } from "../../support/engine-project";
import { type Sshd, startSshd } from "../../support/sshd";

// Each test runs the engine several times.
vi.setConfig({ testTimeout: 180_000 });

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const canaries = { stdin: "canary-on-standard-input", next: "canary-of-the-next-run" };

const PROGRAM = `
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { Host } from "#/components/host";
const { login, stdin } = JSON.parse(readFileSync(__dirname + "/settings.json", "utf8"));
const parent = new pulumi.ComponentResource("small:index:Server", "server");
new Host(parent, "web", login).run("job", "cat; echo; cat /proc/self/comm; echo on-stderr >&2", { stdin: pulumi.secret(stdin) });
`;

/** One story on one stack, over a real sshd, with the plugin that keeps and shows outputs as they are. */
describe("a command on a host that prints the secret it was given", () => {
  let sshd: Sshd;
  let project: EngineProject;
  const settings = (stdin: string) => {
    const { host, port, user, privateKey, hostKey } = sshd;
    const login = { host, port, user, privateKey, hostKey };
    writeFileSync(path.join(project.directory, "settings.json"), JSON.stringify({ login, stdin }));
  };
  const command = async () => {
    const { resources } = await project.state();
    const found = resources.find(({ type }) => type === "command:remote:Command");
    if (!found) throw new Error("there is no command");
    return found;
  };
  const shown = (value: unknown): unknown => JSON.parse((value as { plaintext: string }).plaintext);

  beforeAll(async () => {
    sshd = await startSshd();
    project = new EngineProject();
    settings(canaries.stdin);
    project.declare(PROGRAM);
    await project.init();
  });
  afterAll(async () => {
    project?.remove();
    await sshd?.stop();
  });

  it("leaves it in no output, no diff and no state", async () => {
    const printed = await project.up("--diff");
    settings(canaries.next);
    const planned = await project.succeed(["preview", "--diff"]);
    const changed = await project.up("--diff");
    const state = await project.sealedState();
    for (const text of [printed, planned, changed, state]) expect(text).not.toMatch(/canary|BEGIN OPENSSH/);
    const { outputs } = await command();
    expect(shown(outputs.stdout)).toBe(`${canaries.next}\ncat`);
    expect(shown(outputs.stderr)).toBe("on-stderr");
    expect(changed).not.toMatch(/warning/);
  });

  it("has nothing to do where nothing changed", async () => {
    expect(await project.preview()).toEqual({});
  });

  it("keeps the key within its connection secret for itself, as the real plugin asks", async () => {
    const { inputs, outputs } = await command();
    for (const { connection } of [inputs, outputs]) {
      const { privateKey } = shown(connection) as { privateKey: object };
      expect(privateKey).toMatchObject({ [SIGNATURE]: "1b47061264138c4ac30d75fd1eb44270" });
    }
  });

  it("would run again where the state holds the key otherwise", async () => {
    const { text, resources } = await project.state();
    const plain = resources.map((resource) => {
      if (resource.type !== "command:remote:Command") return resource;
      const open = (connection: unknown) => {
        const { privateKey, ...rest } = shown(connection) as { privateKey: unknown };
        const key = shown(privateKey);
        return {
          [SIGNATURE]: "1b47061264138c4ac30d75fd1eb44270",
          plaintext: JSON.stringify({ ...rest, privateKey: key }),
        };
      };
      const { inputs, outputs } = resource;
      return {
        ...resource,
        inputs: { ...inputs, connection: open(inputs.connection) },
        outputs: { ...outputs, connection: open(outputs.connection) },
      };
    });
    const whole = JSON.parse(text) as { deployment: object };
    await project.restore(
      JSON.stringify({ ...whole, deployment: { ...whole.deployment, resources: plain } }),
    );
    expect(await project.preview()).toEqual({
      "web-job": { op: "update", fields: ["connection.privateKey"] },
    });
    await project.restore(text);
    expect(await project.preview()).toEqual({});
  });
});
