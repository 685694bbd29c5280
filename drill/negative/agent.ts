import { type Drill, judge } from "../context";
import { onHost } from "../hosts";
import type { LabBucket } from "./bucket";

const RCLONE =
  '. /etc/estate-backup/agent.conf; export RCLONE_CA_CERT=/etc/estate-backup/ca.crt; r() { rclone --config /etc/estate-backup/rclone.conf --retries 1 --low-level-retries 1 "$@"; }';

/** Whoever holds a host holds its agent's credentials: with those it must be able to reach nothing that was sent. */
export async function agentCredentials(drill: Drill, bucket: LabBucket): Promise<void> {
  for (const host of ["plesk", "mariadb", "postgres"] as const) {
    const key = (await bucket.list(`daily/${host}/`)).find((each) => each.endsWith(".age"));
    if (!key) throw new Error(`the bucket has no dump of ${host}`);
    const attempts = {
      list: `r lsf "bucket:$BUCKET/daily/${host}/"`,
      read: `r cat "bucket:$BUCKET/${key}" | head -c 1 | grep -q . && echo READ`,
      delete: `r deletefile --s3-no-head "bucket:$BUCKET/${key}"`,
    };
    for (const [what, attempt] of Object.entries(attempts)) {
      const said = await onHost(host, ["bash", "-c", `${RCLONE}\n{ ${attempt}; } 2>&1 || true`]);
      const refused = /AccessDenied|403|Forbidden/.test(said) && !said.includes("READ");
      const faults = refused ? [] : [`it was not refused: ${said.trim().slice(0, 300) || "no answer"}`];
      judge(drill, "refusals", `the agent of ${host} trying to ${what} old backups`, faults, "AccessDenied");
    }
    const still = (await bucket.list(`daily/${host}/`)).includes(key);
    judge(drill, "refusals", `old backups of ${host} are all there`, still ? [] : [`${key} is gone`], key);
  }
}
