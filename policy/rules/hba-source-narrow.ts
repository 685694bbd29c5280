import { type Sources, sourceFault } from "../addresses";
import { hostText } from "../host-text";
import { REMOTE_COMMAND, SERVER_SETTINGS } from "../kinds";
import { resourceRule } from "../rule";
import { sourceSettings } from "../settings";

/** kind, database, user, source, perhaps a netmask, method. A line may also be within quotes, as `echo` takes it. */
const LINE = /(?:^|["'])((?:host|hostssl|hostnossl|hostgssenc|hostnogssenc)(?:[ \t]+[^\s'"]+){4,5})/gm;
const NETMASK = /^\d+\.\d+\.\d+\.\d+$/;

export const hbaSourceNarrow = resourceRule<Sources>({
  name: "hba-source-narrow",
  description:
    "A rule of pg_hba.conf lets in one address over TLS with SCRAM, and the last line refuses the rest.",
  severity: "critical",
  remediationSteps:
    "Let components/plans/pg-hba.ts write the file: hostssl, the plesk address, scram-sha-256, then reject.",
  config: sourceSettings(32, 128),
  types: [REMOTE_COMMAND, SERVER_SETTINGS],
  *faults({ type, props }, sources) {
    const lines = new Set([...hostText(type, props).matchAll(LINE)].map(([, line = ""]) => line));
    let last: string[] | undefined;
    for (const line of lines) {
      const words = line.split(/[ \t]+/);
      const [kind, , , source = ""] = words;
      const netmask = NETMASK.test(words[4] ?? "") ? words[4] : undefined;
      const method = netmask ? words[5] : words[4];
      last = [source, method ?? ""];
      if (method === "reject") continue;
      const where = `pg_hba.conf, "${words.join(" ")}"`;
      const fault = netmask ? "write the source as a range, 203.0.113.11/32" : sourceFault(source, sources);
      if (fault) yield `${where}: ${fault}`;
      if (kind !== "hostssl") yield `${where}: takes connections without TLS. Use hostssl`;
      if (method !== "scram-sha-256" && method !== "cert") {
        yield `${where}: the method is ${method}. Use scram-sha-256`;
      }
    }
    if (last && (last[0] !== "all" || last[1] !== "reject")) {
      yield "pg_hba.conf: the last line for the network lets somebody in. End with: host all all all reject";
    }
  },
});
