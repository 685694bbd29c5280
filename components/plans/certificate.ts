import { isIP } from "node:net";

/** Variables of scripts/certificate.sh for a server that is called `host`. */
export function certificateVariables(host: string, directory: string, owner: string): Record<string, string> {
  const address = isIP(host) !== 0;
  return {
    DIRECTORY: directory,
    OWNER: owner,
    NAME: host,
    SUBJECT_ALTERNATIVE_NAME: `${address ? "IP" : "DNS"}:${host}`,
    CHECK: address ? "-checkip" : "-checkhost",
  };
}
