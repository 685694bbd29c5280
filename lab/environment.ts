import * as fs from "node:fs";
import { proxyUrl } from "../ops/tunnel/password";
import { labToken } from "./github/lab";
import { tunnelPort } from "./hosts";
import { run } from "./paths";

/**
 * What the program, the CLI and the tests need to find the lab. Files and addresses; the one secret among them is the password of the
 * tunnel, which is the same as long as the lab is there: an environment outlives a tunnel.
 */
export function environment(): Record<string, string> {
  return {
    SSH_PRIVATE_KEY_FILE: run.sshKey,
    TUNNEL_PRIVATE_KEY_FILE: run.tunnelKey,
    TUNNEL_PASSWORD_FILE: run.tunnelPassword,
    SSH_KNOWN_HOSTS_FILE: run.knownHosts,
    PLESK_DB_ADMIN_PASSWORD_FILE: run.pleskAdmin,
    BACKUP_KEY_FILE: run.backupKey,
    AWS_SHARED_CREDENTIALS_FILE: run.awsCredentials,
    // Whoever has a key for another cloud in their shell does not use it here.
    AWS_ACCESS_KEY_ID: "",
    AWS_SECRET_ACCESS_KEY: "",
    AWS_SESSION_TOKEN: "",
    AWS_PROFILE: "",
    // The state itself is replaced whole. A file of metadata beside it would be written in place: a kill amid that breaks the stack.
    PULUMI_BACKEND_URL: `file://${run.pulumi}?metadata=skip`,
    // Protects the state of a lab that is thrown away; every lab has the same.
    PULUMI_CONFIG_PASSPHRASE: "local-lab",
    // Public too, like the service behind it.
    GITHUB_TOKEN: labToken,
    // The lab's own services show certificates of their own: Node's programs read the first, Go's the second.
    NODE_EXTRA_CA_CERTS: run.authorities,
    SSL_CERT_DIR: `/etc/ssl/certs:${run.tls}`,
    ALL_PROXY: proxyUrl(tunnelPort, readIfThere(run.tunnelPassword)),
  };
}

function readIfThere(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
}

/** As lines a POSIX shell evaluates: eval "$(lab/lab env)" */
export function renderEnvironment(variables: Record<string, string>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`)
    .join("\n");
}
