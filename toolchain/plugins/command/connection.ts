import { setTimeout as sleep } from "node:timers/promises";
import { openSsh, parseHostKey, type SshConnection, type SshTarget } from "../../../connect/ssh";
import { type CheckFailure, type Properties, UNKNOWN, type Value } from "../../../provider/wire/kind";
import { checkFields, type Fields } from "../fields";

/** `connection` of a remote resource. */
export interface Connection extends Omit<SshTarget, "proxy"> {
  /** Attempts, at least one; -1: no limit. */
  dialErrorLimit: number;
  /** Seconds; 0: no limit. */
  perDialTimeout: number;
  proxy?: Omit<Connection, "proxy">;
}

/** What the real plugin seals each for itself, inside the connection that is secret as a whole. */
export const CONNECTION_SECRETS = ["connection", "connection.proxy"].flatMap((path) =>
  ["password", "privateKey", "privateKeyPassword"].map((property) => `${path}.${property}`),
);

const FIELDS: Fields = {
  host: { type: "string", required: true },
  port: { type: "number", default: 22 },
  user: { type: "string", default: "root" },
  password: { type: "string" },
  privateKey: { type: "string" },
  privateKeyPassword: { type: "string" },
  agentSocketPath: { type: "string" },
  hostKey: { type: "string", fault: hostKeyFault },
  dialErrorLimit: { type: "number", default: 10 },
  perDialTimeout: { type: "number", default: 15 },
};

/** Checks a connection with its bastion and fills in defaults. `path`: where it stands in the inputs. */
export function checkConnection(
  value: Value | undefined,
  path = "connection",
): { value: Value; failures: CheckFailure[] } {
  if (value === UNKNOWN) return { value, failures: [] };
  if (value === undefined || value === null)
    return { value: null, failures: [{ property: path, reason: "is missing" }] };
  if (typeof value !== "object" || Array.isArray(value)) {
    return { value, failures: [{ property: path, reason: "must be an object" }] };
  }
  const { proxy, ...own } = value as Properties;
  const checked = checkFields("@pulumi/command", FIELDS, own);
  const failures = checked.failures.map(({ property, reason }) => ({
    property: `${path}.${property}`,
    reason,
  }));
  if (proxy === undefined || proxy === null) return { value: checked.inputs, failures };
  if (path !== "connection") {
    return {
      value: checked.inputs,
      failures: [...failures, { property: `${path}.proxy`, reason: "a bastion has none" }],
    };
  }
  const bastion = checkConnection(proxy, `${path}.proxy`);
  return { value: { ...checked.inputs, proxy: bastion.value }, failures: [...failures, ...bastion.failures] };
}

function hostKeyFault(value: Value): string | undefined {
  try {
    parseHostKey(value as string, "the host");
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The wait before another attempt, in ms: a tenth of a second, growing by half to at most five seconds. */
function pause(attempts: number): number {
  return Math.min(100 * 1.5 ** (attempts - 1), 5_000);
}

/** Connects. As the real plugin does, whatever goes wrong is tried again up to the limit, a wrong host key too. */
export async function dial(connection: Connection, signal: AbortSignal): Promise<SshConnection> {
  const limit = connection.dialErrorLimit;
  for (let attempts = 1; ; attempts++) {
    try {
      const timeoutMs = connection.perDialTimeout * 1000;
      // The attempts are counted here, as the real plugin's are.
      return await openSsh(connection, { timeoutMs, patienceMs: 0, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (limit !== -1 && attempts >= limit) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}: ${reason}`);
      }
      await sleep(pause(attempts), undefined, { signal });
    }
  }
}
