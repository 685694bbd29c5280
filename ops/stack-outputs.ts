import * as z from "zod";
import type { StackOutputs } from "../estate/outputs";
import { couldNotTell } from "./exit";
import type { Io } from "./io";
import { runPulumi } from "./stack";

const login = {
  host: z.string(),
  port: z.number(),
  user: z.string(),
  password: z.string(),
  caCertificate: z.string(),
  serverName: z.string(),
};

const bucketKey = { accessKeyId: z.string(), secretAccessKey: z.string() };

const backup = z.object({
  bucket: z.string(),
  region: z.string(),
  endpoint: z.string().optional(),
  caCertificate: z.string().optional(),
  kmsKey: z.string(),
  writers: z.record(z.string(), z.object({ ...bucketKey, prefixes: z.record(z.string(), z.string()) })),
  reader: z.object(bucketKey),
  retention: z.object({
    localDays: z.number(),
    dailyDays: z.number(),
    // Of an `up` before queues were saved there is none.
    queueDays: z.number().default(30),
    recoveryDays: z.number(),
    noncurrentDays: z.number(),
    lockDays: z.number(),
    erasureDays: z.number(),
    archive: z.object({ years: z.number(), reason: z.string() }).optional(),
  }),
});

const outputs = z.object({
  connections: z.record(
    z.string(),
    z.object({
      ...login,
      server: z.enum(["plesk", "mariadb", "postgres"]),
      engine: z.enum(["mariadb", "postgres"]),
      database: z.string(),
      clientCertificate: z.string().optional(),
    }),
  ),
  redis: z
    .record(
      z.string(),
      z.object({ ...login, keyPrefix: z.string(), clientCertificate: z.string().optional() }),
    )
    .default({}),
  admins: z.partialRecord(z.enum(["plesk", "mariadb", "postgres"]), z.object(login)).default({}),
  rotations: z
    .record(
      z.string(),
      z.object({
        server: z.string(),
        service: z.string(),
        generation: z.number(),
        since: z.string(),
        due: z.string(),
        leaked: z.boolean(),
        published: z.string(),
        formerValid: z.boolean(),
      }),
    )
    .default({}),
  wrappingSecrets: z.record(z.string(), z.array(z.string())).default({}),
  backup: backup.optional(),
});

/** The stack's outputs, secrets in the clear. Errors say which stack and what to run, and hold no value. */
export async function readStackOutputs(io: Io, stack: string): Promise<StackOutputs> {
  const text = await runPulumi(io, ["stack", "output", "--stack", stack, "--json", "--show-secrets"]);
  return parseStackOutputs(text, stack);
}

export function parseStackOutputs(text: string, stack: string): StackOutputs {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which holds passwords.
    throw couldNotTell(`the outputs of stack ${stack} are no JSON`);
  }
  const parsed = outputs.safeParse(raw);
  if (parsed.success) return parsed.data;
  // Pulumi itself does not complain: a secret that it cannot open is null in what it prints, and the exit code is 0.
  if (isObject(raw) && raw.connections === null) {
    throw couldNotTell(
      `the secrets of stack ${stack} do not open: PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE holds another passphrase than the stack's`,
    );
  }
  const empty = isObject(raw) && !("connections" in raw);
  const fields = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  throw couldNotTell(
    empty
      ? `stack ${stack} has no outputs yet. Run: pulumi up --stack ${stack}`
      : `the outputs of stack ${stack} have another shape (${fields}). Run: pulumi up --stack ${stack}`,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
