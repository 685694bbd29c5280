import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { connectMariadb, type MariadbConnection } from "../../../connect/mariadb";
import { parseEndpoint, type ServerConfig } from "./config";

/** Where Linux distributions keep the authorities they trust; the first that is there counts, as for the real plugin. */
const SYSTEM_FILES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** The server that one provider resource names. Connects when first used; one statement at a time. */
export class Server {
  private queue: Promise<unknown> = Promise.resolve();
  private connection: MariadbConnection | undefined;

  constructor(private readonly config: ServerConfig) {}

  use<T>(work: (connection: MariadbConnection) => Promise<T>): Promise<T> {
    const turn = this.queue.then(async () => {
      if (!this.connection?.alive) this.connection = await this.connect();
      return work(this.connection);
    });
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  /** Waits for what runs, then closes. */
  async close(): Promise<void> {
    await this.queue;
    await this.connection?.close();
  }

  private connect(): Promise<MariadbConnection> {
    const { endpoint, username, password, proxy } = this.config;
    const trust = { caCertificate: systemAuthorities() };
    return connectMariadb({ ...parseEndpoint(endpoint), proxy }, trust, { user: username, password });
  }
}

/**
 * The authorities the real plugin trusts with `tls: "true"`: SSL_CERT_FILE or the system's file, and those in the
 * directories of SSL_CERT_DIR. It has no setting for another one.
 */
export function systemAuthorities(env: NodeJS.ProcessEnv = process.env): string {
  const files = env.SSL_CERT_FILE ? [env.SSL_CERT_FILE] : SYSTEM_FILES;
  const first = files.map(read).find((text) => text !== undefined);
  const directories = env.SSL_CERT_DIR ? env.SSL_CERT_DIR.split(":") : [];
  const more = directories.flatMap((directory) => list(directory).map(read));
  const texts = [first, ...more].filter(
    (text): text is string => text?.includes("BEGIN CERTIFICATE") ?? false,
  );
  if (texts.length > 0) return texts.join("\n");
  throw new Error(`tls: no trusted certificates in ${files.join(", ")}. Set SSL_CERT_FILE to a PEM file`);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => path.join(directory, name));
  } catch {
    return [];
  }
}
