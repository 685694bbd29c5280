import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { trust } from "../authorities";
import { lastLines } from "../command";
import { cloudPort, hostNamed } from "../hosts";
import { onConsole, waitForPort } from "../machine";
import { run, scripts } from "../paths";

/** Puts S3, KMS and IAM on the host `cloud`. The same version again leaves what it holds as it is. Repeatable. */
export async function installCloud(): Promise<void> {
  const cloud = hostNamed("cloud");
  const script = fs.readFileSync(path.join(scripts, "install-cloud.sh"), "utf8");
  const command = ["sh", "-c", script, "install-cloud.sh", cloud.ipv4, cloud.fqdn, String(cloudPort)];
  const installed = await onConsole(cloud, command, { input: JSON.stringify(files()), timeout: 60_000 });
  if (installed.code !== 0) {
    throw new Error(`S3, KMS and IAM are not on the host cloud:\n${lastLines(installed.stderr, 12)}`);
  }
  await waitForPort(cloud, cloudPort);
  trust("cloud", installed.stdout);
}

function files(): Record<string, string> {
  const programs = fs.readdirSync(__dirname).filter((name) => name.endsWith(".py"));
  const { accessKeyId, secretAccessKey } = operatorKey();
  return {
    ...Object.fromEntries(
      programs.map((name) => [name, fs.readFileSync(path.join(__dirname, name), "utf8")]),
    ),
    operator: `${accessKeyId}\n${secretAccessKey}\n`,
  };
}

/** The operator's access key: made once a lab, kept in its run directory as a file that AWS's programs read. */
function operatorKey(): { accessKeyId: string; secretAccessKey: string } {
  if (!fs.existsSync(run.awsCredentials)) {
    const key = [
      `aws_access_key_id = AKIA${randomBytes(8).toString("hex").toUpperCase()}`,
      `aws_secret_access_key = ${randomBytes(30).toString("base64url")}`,
    ];
    fs.writeFileSync(`${run.awsCredentials}.new`, `[default]\n${key.join("\n")}\n`, { mode: 0o600 });
    fs.renameSync(`${run.awsCredentials}.new`, run.awsCredentials);
  }
  const text = fs.readFileSync(run.awsCredentials, "utf8");
  const entry = (name: string) => new RegExp(`^${name} = (\\S+)$`, "m").exec(text)?.[1] ?? "";
  return {
    accessKeyId: entry("aws_access_key_id"),
    secretAccessKey: entry("aws_secret_access_key"),
  };
}
