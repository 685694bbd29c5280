import * as fs from "node:fs";
import * as path from "node:path";
import { trust } from "../authorities";
import { lastLines } from "../command";
import { githubControlPort, githubPort, hostNamed } from "../hosts";
import { onConsole, waitForPort } from "../machine";
import { scripts } from "../paths";

/** Puts the service on the host `cloud`, or a newer one; what it holds stays. Repeatable. */
export async function installGithubApi(): Promise<void> {
  const cloud = hostNamed("cloud");
  const script = fs.readFileSync(path.join(scripts, "install-github-api.sh"), "utf8");
  const words = [cloud.ipv4, cloud.fqdn, String(githubPort), String(githubControlPort)];
  const command = ["sh", "-c", script, "install-github-api.sh", ...words];
  const installed = await onConsole(cloud, command, { input: await bundle(), timeout: 60_000 });
  if (installed.code !== 0) {
    throw new Error(`GitHub's API is not on the host cloud:\n${lastLines(installed.stderr, 12)}`);
  }
  await waitForPort(cloud, githubPort);
  trust("github", installed.stdout);
}

/** The service as one file that needs nothing but Node. */
async function bundle(): Promise<string> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [path.join(__dirname, "main.ts")],
    bundle: true,
    platform: "node",
    target: "node20",
    write: false,
    logLevel: "silent",
  });
  const [file] = outputFiles;
  if (!file) throw new Error("GitHub's API was not built");
  return file.text;
}
