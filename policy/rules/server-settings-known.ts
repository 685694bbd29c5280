import { writtenFiles } from "../host-text";
import { REDIS_INSTANCE, REMOTE_COMMAND, SERVER_SETTINGS } from "../kinds";
import { isUnknown, object, show } from "../plain";
import { resourceRule } from "../rule";
import { ENGINES } from "../servers/engines";
import { effectiveOf, faultsOf } from "../servers/setting";
import { wholeNumber } from "../settings";

interface Config {
  processMiB: number;
  tasks: number;
  cpuPercent: number;
  stopSeconds: number;
  logLines: number;
}

/** Engines with one server a host, whose settings are one resource. */
const SERVED = ["mariadb", "postgres"];

export const serverSettingsKnown = resourceRule<Config>({
  name: "server-settings-known",
  description:
    "A server's configuration sets what this pack knows, once, and listens where it is declared to.",
  severity: "critical",
  remediationSteps: "Leave the setting out, or have it reviewed and add it to policy/servers/<engine>.ts.",
  config: {
    processMiB: wholeNumber("Memory of one Redis instance, at most", 16384, 1, 1048576),
    tasks: wholeNumber("Threads of one Redis instance, at most", 64, 1, 4096),
    cpuPercent: wholeNumber("Processor of one Redis instance, at most; 100 is one core", 100, 1, 6400),
    stopSeconds: wholeNumber("Time of one Redis instance to end by itself, at most", 300, 1, 86400),
    logLines: wholeNumber(
      "Lines of one Redis instance in five minutes of the journal, at most",
      1000,
      1,
      1000000,
    ),
  },
  types: [REMOTE_COMMAND, SERVER_SETTINGS, REDIS_INSTANCE],
  *faults({ type, props }, { processMiB, ...others }) {
    const most: Record<string, number> = { process: processMiB, ...others };
    for (const [name, value] of Object.entries(object(props.limits))) {
      const limit = most[name];
      if (limit !== undefined && !isUnknown(value) && !(Number(value) <= limit))
        yield `limits.${name} is ${show(value)}: other instances share the host. Use ${limit} or less`;
    }
    if (type === SERVER_SETTINGS && !isUnknown(props.engine) && !SERVED.includes(String(props.engine)))
      yield `engine is ${show(props.engine)}, and nobody can read its files. Use ${SERVED.join(" or ")}`;
    for (const { engine, configuration, address, port } of writtenFiles(type, props)) {
      if (configuration === undefined) continue;
      const { label, parse, listed, listens } = ENGINES[engine];
      const read = parse(configuration);
      yield* faultsOf(label, read, listed);
      const effective = effectiveOf(read);
      const [where, at] = [effective.get(listens.address), effective.get(listens.port)];
      if (address !== undefined && where !== address) {
        yield `${label}: listens on ${where ?? "every address"}, and is declared to listen on ${address}`;
      }
      if (port !== undefined && at !== String(port)) {
        yield `${label}: listens on port ${at ?? "of its own choice"}, and is declared to listen on ${port}`;
      }
    }
  },
});
