import { parseHostScript } from "./host-script";
import { REDIS_INSTANCE, SERVER_SETTINGS } from "./kinds";
import type { Properties } from "./plain";

export interface WrittenFiles {
  engine: "mariadb" | "postgres" | "redis";
  configuration?: string;
  hba?: string;
  /** As the resource names them; a command does not. */
  address?: string;
  port?: number;
}

/** The configuration files that a resource writes to a host, as far as they are known: of settings, and of known scripts. */
export function writtenFiles(type: string, props: Properties): WrittenFiles[] {
  if (type === SERVER_SETTINGS || type === REDIS_INSTANCE) {
    const { configuration, hba, address, port } = props;
    const engine = type === REDIS_INSTANCE ? "redis" : props.engine;
    if (engine !== "mariadb" && engine !== "postgres" && engine !== "redis") return [];
    return [
      {
        engine,
        ...(typeof configuration === "string" && { configuration }),
        ...(typeof hba === "string" && { hba }),
        ...(typeof address === "string" && { address }),
        ...(typeof port === "number" && { port }),
      },
    ];
  }
  return ["create", "update", "delete"].flatMap((property): WrittenFiles[] => {
    const command = props[property];
    const variables = typeof command === "string" ? parseHostScript(command)?.variables : undefined;
    const configuration = variables?.get("CONFIGURATION");
    if (configuration === undefined) return [];
    const hba = variables?.get("HBA");
    const engine = hba !== undefined ? "postgres" : "mariadb";
    return [{ engine, configuration, ...(hba !== undefined && { hba }) }];
  });
}
