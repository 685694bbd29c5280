import { REDIS_INSTANCE, SERVER_SETTINGS } from "./kinds";
import type { Properties } from "./plain";

export interface WrittenFiles {
  engine: "mariadb" | "postgres" | "redis";
  configuration?: string;
  hba?: string;
  address?: string;
  port?: number;
}

/** The configuration files that a resource writes to a host, as far as they are known. */
export function writtenFiles(type: string, props: Properties): WrittenFiles[] {
  if (type !== SERVER_SETTINGS && type !== REDIS_INSTANCE) return [];
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
