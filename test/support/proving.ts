import { agentFiles } from "../../components/plans/backup-agent";
import type { Proof } from "../../ops/backup/manifest";
import { succeed } from "./run";

/** Whatever runs bash as root of a database host. */
interface RootOfHost {
  inside: readonly string[];
}

const STATE = "/var/lib/estate-backup";
const WORK = `${STATE}/run.test`;
const RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/** Settings of the host's agent, as the program writes them. */
export async function prepareProof(
  host: RootOfHost,
  of: { engine: "mariadb" | "postgres"; port: number; database: string },
): Promise<void> {
  const files = agentFiles({
    host: of.engine,
    engine: of.engine,
    port: of.port,
    databases: [{ name: of.database, backup: "daily" }],
    retention: {
      localDays: 30,
      dailyDays: 90,
      queueDays: 30,
      recoveryDays: 30,
      noncurrentDays: 14,
      lockDays: 30,
      erasureDays: 180,
    },
    recipients: [RECIPIENT],
    bucket: "none",
    region: "eu-central-1",
    proof: true,
  });
  for (const name of ["agent.conf", "recipients.txt"]) {
    const file = `/etc/estate-backup/${name}`;
    await root(host, `mkdir -p /etc/estate-backup; cat >${file}`, files[file]?.content);
  }
}

/** What the agent says of a dump of the database that it loads. `broken`: bash after the agent's own functions. */
export function prove(host: RootOfHost, database: string, broken = ""): Promise<Proof> {
  return within(
    host,
    broken,
    `echo '${database}' >"$work/proofs"; step 600 dump_to '${database}' "$work/dump"`,
    "proof.json",
  );
}

/** The same of a physical copy. */
export function proveCopy(host: RootOfHost, broken = ""): Promise<Proof> {
  const nowhere = 'upload_stream() { cat >/dev/null; : >"$2"; }';
  return within(host, `${nowhere}\n${broken}`, "step 600 copy_to nowhere", "verified.json");
}

async function within(host: RootOfHost, broken: string, call: string, verdict: string): Promise<Proof> {
  const library = "/srv/agent-library";
  const text = `export etc=/etc/estate-backup lib=${library} state=${STATE} work=${WORK}
rm -rf "$work" "$state/proofs" "$lib"; mkdir -p -m 0700 "$work" "$state/proofs"
cp -r /usr/local/lib/estate-backup "$lib"; cat >>"$lib/proof.sh"; source "$lib/agent.sh"
{ ${call}; } >&2 || { cat "$work"/*.log >&2; exit 1; }
cat "$work/${verdict}"`;
  return JSON.parse(await root(host, text, `\n${broken}\n`));
}

function root(host: RootOfHost, text: string, input = ""): Promise<string> {
  const [program = "", ...words] = [...host.inside, "bash", "--norc", "-euo", "pipefail", "-c", text];
  return succeed(program, words, { input });
}
