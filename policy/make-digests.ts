import { writeFileSync } from "node:fs";
import { agentFiles } from "../components/plans/backup-agent";
import { hostCommand, type ScriptName } from "../components/plans/host-script";
import { DIGESTS_FILE, type Digests, digestOf } from "./digests";
import { parseHostScript } from "./host-script";

/** Sequences of scripts that a step runs. */
const COMMANDS: readonly (readonly ScriptName[])[] = [["install-packages"], ["mariadb"], ["postgres"]];

/** Files that follow from the stack: each is judged by its content. */
const BY_STACK = /\/(?:agent\.conf|recipients\.txt|ca\.crt)$/;

/** As they are now; test/unit/policy/digests.test.ts compares. */
export function makeDigests(): Digests {
  const commands = COMMANDS.map((scripts) => {
    const text = parseHostScript(hostCommand({ scripts, variables: {}, user: "root" }))?.text ?? "";
    return [scripts.join("+"), digestOf(text)];
  });
  const rest = {
    ...{ databases: [], recipients: [], bucket: "b", region: "r", proof: true },
    retention: {
      localDays: 1,
      dailyDays: 1,
      queueDays: 1,
      recoveryDays: 1,
      noncurrentDays: 1,
      lockDays: 1,
      erasureDays: 1,
    },
  };
  // Databases and queues have timers of their own.
  const files = {
    ...agentFiles({ host: "postgres", engine: "postgres", port: 5432, ...rest }),
    ...agentFiles({ host: "redis", engine: "redis", ...rest }),
  };
  const fixed = Object.entries(files).filter(([path]) => !BY_STACK.test(path));
  return {
    commands: Object.fromEntries(commands),
    files: Object.fromEntries(fixed.map(([path, { content }]) => [path, digestOf(content)]).sort()),
  };
}

if (require.main === module) writeFileSync(DIGESTS_FILE, `${JSON.stringify(makeDigests(), null, 2)}\n`);
