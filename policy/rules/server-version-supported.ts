import { parseHostScript } from "../host-script";
import { REMOTE_COMMAND } from "../kinds";
import { isUnknown, object, type Properties, show } from "../plain";
import { resourceRule } from "../rule";

interface Config {
  plesk: string;
  mariadb: string;
  postgres: string;
  redis: string;
}

const COMPONENTS: Record<string, keyof Config> = {
  "estate:component:PleskServer": "plesk",
  "estate:component:MariadbServer": "mariadb",
  "estate:component:PostgresServer": "postgres",
  "estate:component:RedisServer": "redis",
};

/** What is installed says which engine it is about, whatever the server is called. */
const PACKAGES: ReadonlyMap<string, keyof Config> = new Map([
  ["mariadb-server", "mariadb"],
  ["postgresql", "postgres"],
  ["redis-server", "redis"],
]);

const VERSION = /^\d+(?:\.\d+)*$/;

const version = (floor: string) => ({
  type: "string" as const,
  pattern: "^\\d+(\\.\\d+)*$",
  default: floor,
  description: "Oldest version",
});

export const serverVersionSupported = resourceRule<Config>({
  name: "server-version-supported",
  description: "A server's oldest accepted version still gets security fixes.",
  severity: "high",
  remediationSteps: "Raise `minimumVersion` of the server in Pulumi.<stack>.yaml.",
  config: {
    plesk: version("10.6"),
    mariadb: version("10.11"),
    postgres: version("16"),
    redis: version("7"),
  },
  types: [...Object.keys(COMPONENTS), REMOTE_COMMAND],
  *faults({ type, props }, floors) {
    if (type === REMOTE_COMMAND) {
      yield* scripts(props, floors);
      return;
    }
    const { minimumVersion } = object(props.server);
    if (isUnknown(minimumVersion) || isUnknown(props.server)) return;
    const floor = floors[COMPONENTS[type] as keyof Config];
    if (
      typeof minimumVersion === "string" &&
      VERSION.test(minimumVersion) &&
      isAtLeast(minimumVersion, floor)
    )
      return;
    yield `server.minimumVersion is ${show(minimumVersion)}. Use ${floor} or newer`;
  },
});

/** What installs a server is told the oldest version, too. */
function* scripts(props: Properties, floors: Config): Iterable<string> {
  for (const property of ["create", "update"]) {
    const command = props[property];
    const variables = typeof command === "string" ? parseHostScript(command)?.variables : undefined;
    const least = variables?.get("MINIMUM_VERSION");
    const engine = PACKAGES.get(variables?.get("PACKAGES")?.split(" ")[0] ?? "");
    const floor = engine && floors[engine];
    if (least === undefined || (floor !== undefined && VERSION.test(least) && isAtLeast(least, floor)))
      continue;
    yield `${property}: MINIMUM_VERSION is ${least}. Use ${floor ?? "that of a known engine"} or newer`;
  }
}

function isAtLeast(version: string, floor: string): boolean {
  const numbers = version.split(".").map(Number);
  const least = floor.split(".").map(Number);
  for (const [index, wanted] of least.entries()) {
    const found = numbers[index] ?? 0;
    if (found !== wanted) return found > wanted;
  }
  return true;
}
