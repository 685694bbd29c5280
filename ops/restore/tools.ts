import type { SavedEntry } from "../../estate/saved";
import type { StackConfig } from "../../estate/types";
import type { BackupReader } from "../backup/bucket";
import type { OpenHost } from "../backup/hosts";

/** What every restore of a run works with. */
export interface RestoreTools {
  reader: BackupReader;
  open: OpenHost;
  servers: StackConfig["servers"];
  /** Path of the private key of age. */
  key: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** Logs in as the service. What is wrong; undefined: nothing. */
  probe(entry: SavedEntry): Promise<string | undefined>;
  report(line: string): void;
}
