import { isUnknown, object, show } from "../plain";
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
  types: Object.keys(COMPONENTS),
  *faults({ type, props }, floors) {
    const { minimumVersion } = object(props.server);
    if (isUnknown(minimumVersion) || isUnknown(props.server)) return;
    const floor = floors[COMPONENTS[type] as keyof Config];
    if (typeof minimumVersion === "string" && isAtLeast(minimumVersion, floor)) return;
    yield `server.minimumVersion is ${show(minimumVersion)}. Use ${floor} or newer`;
  },
});

function isAtLeast(version: string, floor: string): boolean {
  const numbers = version.split(".").map(Number);
  const least = floor.split(".").map(Number);
  for (const [index, wanted] of least.entries()) {
    const found = numbers[index] ?? 0;
    if (found !== wanted) return found > wanted;
  }
  return true;
}
