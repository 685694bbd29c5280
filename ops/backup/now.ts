import type { HostName } from "../../estate/reachability";
import { messageOf } from "../exit";
import { type DatabaseHost, lastWords, type OpenHost } from "./hosts";
import { type Manifest, parseManifest } from "./manifest";

const AGENT = "/usr/local/sbin/estate-backup";
/** The agent runs to its end, so that no dump is cut off by who only asked for it. */
const INTERRUPTED = "interrupted here; a run that has begun on the host goes on. See: estate backup list";

export interface HostRun {
  host: HostName;
  /** undefined: the agent did not come that far. */
  manifest: Manifest | undefined;
  /** undefined: everything was saved. */
  fault: string | undefined;
}

export interface NowRequest {
  host: HostName;
  /** Empty: all of the host, with its accounts. */
  databases: readonly string[];
  tag: string | undefined;
}

/** Runs the agents, each on its host, beside each other. */
export function backupNow(
  requests: readonly NowRequest[],
  open: OpenHost,
  report: (line: string) => void,
  signal?: AbortSignal,
): Promise<HostRun[]> {
  return Promise.all(
    requests.map(async (request): Promise<HostRun> => {
      let host: DatabaseHost | undefined;
      try {
        host = await open(request.host, signal);
        return await runAgent(host, request, report);
      } catch (error) {
        const fault = signal?.aborted ? INTERRUPTED : messageOf(error);
        return { host: request.host, manifest: undefined, fault };
      } finally {
        host?.close();
      }
    }),
  );
}

/** One run of the agent. Its progress is reported line by line. */
export async function runAgent(
  host: DatabaseHost,
  { databases, tag }: Pick<NowRequest, "databases" | "tag">,
  report: (line: string) => void,
): Promise<HostRun> {
  // A line each: names are checked before, and still no text of a shell.
  const WORDS = [...(tag ? ["--tag", tag] : []), ...databases].join("\n");
  const text = [
    'words=(); [ -z "$WORDS" ] || mapfile -t words <<<"$WORDS"',
    `[ -x ${AGENT} ] || { echo "there is no ${AGENT} here. Run: pulumi up" >&2; exit 1; }`,
    `exec ${AGENT} run "\${words[@]}"`,
  ].join("\n");
  const { stdout, stderr, code } = await host.filter(
    text,
    { WORDS },
    {
      stdin: "",
      onStderr: (line) => {
        if (line.trim()) report(`${host.name}: ${line.trim()}`);
      },
    },
  );
  const fault = code === 0 ? undefined : lastWords(stderr, 1).replace(/^\d\d:\d\d:\d\d FAILED: /, "");
  try {
    return { host: host.name, manifest: parseManifest(stdout, "the agent's manifest"), fault };
  } catch (error) {
    return { host: host.name, manifest: undefined, fault: fault ?? messageOf(error) };
  }
}
