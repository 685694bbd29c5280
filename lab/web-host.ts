import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { passwordHash } from "../text/mariadb";
import { hostNamed } from "./hosts";
import { onConsole } from "./machine";
import { run } from "./paths";

/** The account that the web host's owner hands to the operator. */
export const pleskAdmin = "estate_admin";

/** A password of the operator's: made once a lab, kept only in its run directory. */
export function ensurePassword(file: string): void {
  if (fs.existsSync(file)) return;
  fs.writeFileSync(`${file}.new`, randomBytes(24).toString("base64url"), { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
}

/** Waits for the web host's MariaDB and gives the operator the account there. Repeatable. */
export async function prepareWebHost(): Promise<void> {
  const plesk = hostNamed("plesk");
  const password = fs.readFileSync(run.pleskAdmin, "utf8");
  const account = `'${pleskAdmin}'@'localhost'`;
  // The hash, for statements are logged by servers.
  const auth = `IDENTIFIED VIA mysql_native_password USING '${passwordHash(password)}'`;
  const statements = [
    `CREATE USER IF NOT EXISTS ${account} ${auth} REQUIRE SSL`,
    `ALTER USER ${account} ${auth} REQUIRE SSL`,
    `GRANT ALL PRIVILEGES ON *.* TO ${account} WITH GRANT OPTION`,
  ].map((statement) => `${statement};\n`);
  let said = "";
  for (let round = 0; round < 300; round += 1) {
    const result = await onConsole(plesk, ["mariadb", "--batch"], { input: statements.join("") });
    if (result.code === 0) return;
    said = result.stderr.trim();
    await sleep(200);
  }
  throw new Error(
    `MariaDB on plesk does not answer within a minute: ${said}. Look: lab/lab exec plesk -- journalctl -u mariadb`,
  );
}
