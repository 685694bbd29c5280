import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import type { IAMClient } from "@aws-sdk/client-iam";
import type { KMSClient } from "@aws-sdk/client-kms";
import type { S3Client } from "@aws-sdk/client-s3";
import type { AwsConfig } from "./config";

type Service = "s3" | "kms" | "iam";
interface Clients {
  s3: S3Client;
  kms: KMSClient;
  iam: IAMClient;
}

/** The services, each loaded and connected at its first use. */
export class Aws {
  private readonly clients = new Map<string, Promise<Clients[Service]>>();
  private agent: Agent | undefined;

  constructor(readonly config: AwsConfig) {}

  s3(region: string): Promise<S3Client> {
    return this.client("s3", region, async (settings) => {
      const { S3Client } = await import("@aws-sdk/client-s3");
      return new S3Client({ ...settings, forcePathStyle: this.config.s3UsePathStyle ?? false });
    });
  }

  kms(region: string): Promise<KMSClient> {
    return this.client("kms", region, async (settings) => {
      const { KMSClient } = await import("@aws-sdk/client-kms");
      return new KMSClient(settings);
    });
  }

  /** One for the whole world, whatever the provider's region. */
  iam(): Promise<IAMClient> {
    return this.client("iam", "us-east-1", async (settings) => {
      const { IAMClient } = await import("@aws-sdk/client-iam");
      return new IAMClient(settings);
    });
  }

  async close(): Promise<void> {
    for (const client of this.clients.values()) (await client).destroy();
    this.agent?.destroy();
  }

  private client<Name extends Service>(
    service: Name,
    region: string,
    make: (settings: ReturnType<Aws["settings"]>) => Promise<Clients[Name]>,
  ): Promise<Clients[Name]> {
    const key = `${service} ${region}`;
    let client = this.clients.get(key) as Promise<Clients[Name]> | undefined;
    if (!client) {
      client = make(this.settings(service, region));
      this.clients.set(key, client);
    }
    return client;
  }

  private settings(service: Service, region: string) {
    const { accessKey, secretKey, token, endpoints } = this.config;
    const credentials =
      accessKey && secretKey
        ? { accessKeyId: accessKey, secretAccessKey: secretKey, sessionToken: token }
        : undefined;
    const endpoint = endpoints?.map((own) => own[service]).find((url) => url !== undefined);
    const httpsAgent = this.httpsAgent();
    return {
      region,
      ...(credentials && { credentials }),
      ...(endpoint && { endpoint }),
      ...(httpsAgent && { requestHandler: { httpsAgent } }),
    };
  }

  private httpsAgent(): Agent | undefined {
    const { customCaBundle } = this.config;
    if (!customCaBundle) return undefined;
    this.agent ??= new Agent({ ca: readBundle(customCaBundle), keepAlive: true, maxSockets: 50 });
    return this.agent;
  }
}

function readBundle(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`customCaBundle is "${file}", which cannot be read: ${reason}`);
  }
}

/** An error's text for the user: what the service calls it and says. */
export function explain(error: unknown): string {
  if (error instanceof AggregateError && !error.message) return error.errors.map(explain).join("; ");
  if (!(error instanceof Error)) return String(error);
  return error.name === "Error" || error.message.startsWith(error.name)
    ? error.message
    : `${error.name}: ${error.message}`;
}

/** What `ask` gives; undefined where the service says that there is no such thing. */
export async function found<Answer>(ask: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await ask;
  } catch (error) {
    if (error instanceof Error && ABSENT.test(error.name)) return undefined;
    throw error;
  }
}

const ABSENT = new RegExp(
  `^(${[
    "NoSuch\\w+",
    "NotFound(Exception)?",
    "ServerSideEncryptionConfigurationNotFoundError",
    "OwnershipControlsNotFoundError",
    "ObjectLockConfigurationNotFoundError",
    "ReplicationConfigurationNotFoundError",
  ].join("|")})$`,
);
