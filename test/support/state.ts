import { RedisServer } from "../../connect/redis";
import { pulumi } from "./project";

interface ExportedResource {
  urn: string;
  type: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/** The state of the local stack with its secrets in clear: as text, and its resources. */
export async function exportState(): Promise<{ text: string; resources: ExportedResource[] }> {
  const exported = await pulumi(["stack", "export", "--stack", "local", "--show-secrets"]);
  if (exported.code !== 0) throw new Error(`the state cannot be exported:\n${exported.stderr}`);
  const state = JSON.parse(exported.stdout) as { deployment: { resources?: ExportedResource[] } };
  return { text: exported.stdout, resources: state.deployment.resources ?? [] };
}

/** Every password that the program has generated, by the name of its resource. */
export async function generatedPasswords(): Promise<Map<string, string>> {
  const { resources } = await exportState();
  return new Map(
    resources
      .filter(({ type }) => type === "random:index/randomPassword:RandomPassword")
      .map(({ urn, outputs }) => [urn.split("::")[3] ?? urn, plaintext(outputs?.result)]),
  );
}

/** A sealed secret of an export with `--show-secrets` carries its value as JSON. */
function plaintext(value: unknown): string {
  const json = value && typeof value === "object" && "plaintext" in value ? value.plaintext : undefined;
  const text: unknown = typeof json === "string" ? JSON.parse(json) : value;
  if (typeof text !== "string" || text.length < 32)
    throw new Error("a generated password is not in the state");
  return text;
}

/** What a service logs in with, as the stack tells it: its PostgreSQL slot changes with each rotation. */
export async function loginOf(database: string): Promise<{ user: string; password: string }> {
  const outputs = await pulumi([
    "stack",
    "output",
    "connections",
    "--stack",
    "local",
    "--show-secrets",
    "--json",
  ]);
  const login = (JSON.parse(outputs.stdout) as Record<string, { user: string; password: string }>)[database];
  if (!login) throw new Error(`the stack has no login for ${database}`);
  return login;
}

/** A service's Redis in the lab as the program's own admin, through the tunnel; logs in again after a restart. */
export async function redisAdmin(user = "svc_crm"): Promise<RedisServer> {
  const password = (await generatedPasswords()).get("redis-admin-password");
  const outputs = await pulumi(["stack", "output", "redis", "--stack", "local", "--show-secrets", "--json"]);
  const login = (JSON.parse(outputs.stdout) as Record<string, RedisLogin>)[user];
  if (!login) throw new Error(`the stack has no Redis user ${user}`);
  const { host, port, caCertificate, serverName } = login;
  return new RedisServer({ host, port }, { caCertificate, serverName }, { user: "estate_admin", password });
}

interface RedisLogin {
  host: string;
  port: number;
  caCertificate: string;
  serverName: string;
}
