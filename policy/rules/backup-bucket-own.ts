import { agentSettings } from "../backup-agents";
import { BACKUP_AGENT, BUCKET } from "../kinds";
import { show } from "../plain";
import { stackRule } from "../rule";
import { textList } from "../settings";

interface Config {
  endpoints: string[];
}

/** In the EU, as region-european has them. */
const AWS = /^https:\/\/([a-z0-9.-]+)\.s3\.eu-(?:central-1|north-1|south-[12]|west-[13])\.amazonaws\.com$/;

export const backupBucketOwn = stackRule<Config>({
  name: "backup-bucket-own",
  description: "A host sends its backups over TLS to a bucket of this stack, in the EU, and nowhere else.",
  severity: "critical",
  remediationSteps:
    "Take the bucket from the BackupBucket of this program, or name another service in `endpoints`.",
  config: { endpoints: textList("Services beside AWS that keep the bucket, as URLs", []) },
  *faults(resources, { endpoints }) {
    const own = resources.filter(({ type }) => type === BUCKET).map(({ inputs }) => inputs.bucket);
    for (const at of resources.filter(({ type }) => type === BACKUP_AGENT)) {
      const url = agentSettings(at)?.get("BUCKET_URL");
      if (url === undefined) continue;
      const elsewhere = endpoints.find((endpoint) => url.startsWith(`${endpoint.replace(/\/+$/, "")}/`));
      const bucket = elsewhere ? url.split("/").at(-1) : AWS.exec(url)?.[1];
      if (bucket === undefined || !own.includes(bucket))
        yield { at, fault: `BUCKET_URL is ${show(url)}, which is no bucket of this stack` };
    }
  },
});
