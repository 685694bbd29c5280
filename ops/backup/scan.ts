import type { ServerName } from "../../estate/types";
import type { BackupReader } from "./bucket";

/**
 * Lists everything of a host that is kept, so that whatever nobody of ours has done to it is a finding. Not its word of every few
 * minutes that the log was sent: of those only the newest counts. Throws "could not tell".
 */
export async function scanHost(reader: BackupReader, host: ServerName): Promise<void> {
  const prefixes = ["daily", "archive", "archive-index", "recovery"];
  await Promise.all(prefixes.map((prefix) => reader.list(`${prefix}/${host}/`)));
}
