import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { cloudPackages } from "../../lab/packages";
import { debianRoot } from "./debian-root";
import { ended, LOCAL_NAMES, selfSigned } from "./engines-mariadb";
import { freePort } from "./free-port";
import { projectDirectory } from "./run";

export interface CloudEngine {
  /** `https://127.0.0.1:PORT`: S3, KMS and IAM. */
  endpoint: string;
  /** The same without TLS. */
  plainEndpoint: string;
  /** May do everything. */
  operator: { accessKeyId: string; secretAccessKey: string };
  /** PEM; the certificate carries localhost and 127.0.0.1. */
  caCertificate: string;
  /** Its path. */
  caBundle: string;
  /** From now on S3 takes it for this time; undefined: for what it is. What is put is as old as that. */
  setClock(at: Date | undefined): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the lab's cloud, empty, on 127.0.0.1 and random ports. Needs root (chroot). */
export async function startCloud(): Promise<CloudEngine> {
  const root = await debianRoot("trixie", cloudPackages);
  const inside = `/srv/cloud-${randomBytes(6).toString("hex")}`;
  const directory = path.join(root, inside);
  const operator = {
    accessKeyId: `AKIA${randomBytes(8).toString("hex").toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString("base64url"),
  };
  let server: ChildProcess | undefined;
  const stop = async () => {
    if (server) await ended(server);
    await fs.rm(directory, { recursive: true, force: true });
  };
  try {
    await fs.cp(path.join(projectDirectory, "lab/cloud"), directory, { recursive: true });
    await fs.copyFile(path.join(__dirname, "cloud-clock.py"), path.join(directory, "clock.py"));
    await selfSigned(directory, LOCAL_NAMES);
    await fs.writeFile(path.join(directory, "operator"), Object.values(operator).join("\n"), { mode: 0o600 });
    const [port, plainPort] = [await freePort(), await freePort()];
    const files = ["cert.pem", "key.pem", "operator"].map((name) => `${inside}/${name}`);
    const program = ["/usr/bin/python3", "-B", `${inside}/clock.py`, "127.0.0.1", String(port), ...files];
    server = spawn("setpriv", ["--pdeathsig", "KILL", "chroot", root, ...program, String(plainPort)], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8" },
    });
    await ready(server);
    const caBundle = path.join(directory, "cert.pem");
    return {
      endpoint: `https://127.0.0.1:${port}`,
      plainEndpoint: `http://127.0.0.1:${plainPort}`,
      operator,
      caCertificate: await fs.readFile(caBundle, "utf8"),
      caBundle,
      async setClock(at) {
        const offset = at === undefined ? 0 : (at.getTime() - Date.now()) / 1000;
        await fs.writeFile(path.join(directory, "clock-offset"), String(offset));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function ready(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let complaints = "";
    server.stderr?.on("data", (text: Buffer) => {
      complaints = (complaints + text.toString()).slice(-4000);
    });
    server.stdout?.once("data", () => resolve());
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`the cloud ended with ${code}: ${complaints}`)));
  });
}
