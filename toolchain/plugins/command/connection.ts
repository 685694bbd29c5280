import { setTimeout as sleep } from "node:timers/promises";
import { openSsh, parseHostKey, type SshConnection, SshError, type SshTarget } from "../../../connect/ssh";
import { type CheckFailure, type Properties, UNKNOWN, type Value } from "../../../provider/wire/kind";
import { checkFields, type Fields } from "../fields";

/** `connection` of a remote resource. */
export interface Connection extends Omit<SshTarget, "proxy"> {
  /** Attempts after the first; -1: no limit. */
  dialErrorLimit: number;
  /** Seconds; 0: no limit. */
  perDialTimeout: number;
  proxy?: Omit<Connection, "proxy">;
}

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
function pause(attempt: number): number {
  return Math.min(100 * 1.5 ** attempt, 5_000);
}

/**
 * Connects; a host that does not answer yet is tried again up to the limit. A refused login and a wrong host key are
 * final.
 */
export async function dial(connection: Connection, signal: AbortSignal): Promise<SshConnection> {
  const limit = Math.max(connection.dialErrorLimit, connection.proxy?.dialErrorLimit ?? 0);
  const endless = connection.dialErrorLimit === -1;
  for (let attempt = 0; ; attempt++) {
    try {
      return await openSsh(connection, { timeoutMs: connection.perDialTimeout * 1000, signal });
    } catch (error) {
      if (!(error instanceof SshError) || error.code !== "unreachable") throw error;
      if (!endless && attempt >= limit) {
        throw new SshError("unreachable", `after ${attempt + 1} attempts: ${error.message}`);
      }
      await sleep(pause(attempt), undefined, { signal });
    }
  }
}
