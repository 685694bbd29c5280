import { prefixesOf } from "../../components/plans/backup-bucket";
import type { ServerName } from "../../estate/types";
import type { BackupReader } from "./bucket";

/**
 * Lists everything of a host that is kept, so that whatever nobody of ours has done to it is a finding. Not its word of every few
 * minutes that the log was sent: of those only the newest counts. Throws "could not tell".
 */
export async function scanHost(reader: BackupReader, host: ServerName): Promise<void> {
  const { status: _, ...prefixes } = prefixesOf(host, reader.retention);
  await Promise.all(Object.values(prefixes).map((prefix) => reader.list(prefix)));
}
