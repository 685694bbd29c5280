import { endpointOf } from "../../connect/address";
import { type SshConnection, SshError } from "../../connect/ssh";
import { type DeclaredEndpoint, keyOf } from "./endpoints";

const PATIENCE_MS = 5_000;

/**
 * Sockets that every user of a host with systemd may connect to. A refusal looks like a socket that is not there: what is looked for has
 * to be there.
 */
const HOST_SOCKETS = ["/run/systemd/journal/stdout", "/run/dbus/system_bus_socket"];

export interface RightsRequest {
  /** Of the host itself. */
  sshPort: number;
  endpoints: readonly DeclaredEndpoint[];
  sockets?: readonly string[];
  patienceMs?: number;
}

/**
 * What the user of the way in can do beside forwarding to declared endpoints, found by trying each: `runs commands`, ... Empty: nothing.
 * Only a refusal counts as one; what does not answer in time is told too.
 */
export async function rightsOf(
  connection: SshConnection,
  { sshPort, endpoints, sockets = HOST_SOCKETS, patienceMs = PATIENCE_MS }: RightsRequest,
): Promise<string[]> {
  const undeclared = undeclaredEndpoint(sshPort, endpoints);
  const attempts: [right: string, attempt: () => Promise<boolean>][] = [
    ["runs commands", () => runsCommands(connection)],
    ["reads and writes files over SFTP", () => hasFiles(connection)],
    [
      `reaches undeclared ports (tried: ${endpointOf(undeclared.host, undeclared.port)})`,
      // That nothing listens there is an answer of the host, which has looked.
      async () => (await outcomeOf(connection.forward(undeclared.host, undeclared.port))) !== "forbidden",
    ],
    [
      "reaches Unix sockets of the host",
      async () => {
        const outcomes = await Promise.all(
          sockets.map((socket) => outcomeOf(connection.forwardToSocket(socket))),
        );
        return outcomes.includes("open");
      },
    ],
    ["has the host listen on ports", () => connection.listens()],
  ];
  const found = await Promise.all(
    attempts.map(async ([right, attempt]) => {
      const has = await inTime(attempt(), patienceMs);
      if (has === undefined) return [`${right} (no refusal within ${patienceMs / 1000} s)`];
      return has ? [right] : [];
    }),
  );
  return found.flat();
}

/** The web host's own SSH server: something listens there for certain, and no stack declares it as a database. */
function undeclaredEndpoint(sshPort: number, declared: readonly DeclaredEndpoint[]): DeclaredEndpoint {
  const keys = declared.map(keyOf);
  const candidates = [sshPort, 22, 80, 1].map((port) => ({ host: "127.0.0.1", port }));
  return candidates.find((endpoint) => !keys.includes(keyOf(endpoint))) ?? { host: "127.0.0.1", port: 1 };
}

/** A command that is forced upon the user may be a shell: it gets the same line as its input. */
async function runsCommands(connection: SshConnection): Promise<boolean> {
  const line = "echo $((1000003 * 7))";
  try {
    const { stdout } = await connection.run(line, { stdin: `${line}\n` });
    return stdout.includes("7000021");
  } catch (error) {
    return notRefused(error);
  }
}

async function hasFiles(connection: SshConnection): Promise<boolean> {
  try {
    (await connection.sftp()).end();
    return true;
  } catch (error) {
    return notRefused(error);
  }
}

/** A refusal comes as a fault of SSH. Where the connection itself is lost, the attempts to forward fail with it. */
function notRefused(error: unknown): false {
  if (error instanceof SshError) return false;
  throw error;
}

async function outcomeOf(
  opening: Promise<{ destroy(): void }>,
): Promise<"open" | "unreachable" | "forbidden"> {
  try {
    (await opening).destroy();
    return "open";
  } catch (error) {
    if (error instanceof SshError && (error.code === "unreachable" || error.code === "forbidden"))
      return error.code;
    throw error;
  }
}

function inTime(attempt: Promise<boolean>, patienceMs: number): Promise<boolean | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs);
  });
  return Promise.race([attempt, patience]).finally(() => clearTimeout(timer));
}
