import { parseRange } from "../../connect/address";
import { POSTGRES_BACKUP_SQL } from "../../estate/backup-logins";
import { ADMIN } from "../../estate/naming";
import { digestOf, readDigests } from "../digests";
import { parseHostScript } from "../host-script";
import { LOCAL_COMMAND, REMOTE_COMMAND } from "../kinds";
import { isUnknown } from "../plain";
import { resourceRule } from "../rule";
import { isSentence } from "../sentence";

interface Config {
  digests: Record<string, string>;
}

/** Commands that are no script. A certificate is read, never a key; a timer's work is begun. */
const LINES = [
  /^(?:sudo -n )?cat '(?!.*(?:key|private|\.\.))\/[\w./-]+\.(?:pem|crt)'$/,
  /^(?:sudo -n )?systemctl start --no-block estate-backup-base\.service$/,
];

const address = (text: string) => parseRange(text)?.text === text && !text.includes("/");
const oneOf =
  (...values: string[]) =>
  (text: string) =>
    values.includes(text);
const like = (pattern: RegExp) => (text: string) => pattern.test(text);

/**
 * What a script's variables may be. Some of them are commands themselves, which the script runs: of those only what the
 * program writes.
 */
const VARIABLES: Readonly<Record<string, (text: string) => boolean>> = {
  PACKAGES: like(/^(?:mariadb-server|postgresql|redis-server) openssl ufw$/),
  ADDED_PACKAGES: oneOf("", "ls /usr/lib/postgresql | sort -V | tail -1 | sed 's/.*/postgresql-&-cron/'"),
  VERSION_COMMAND: oneOf(
    "mariadbd --version | sed 's/.*Ver //'",
    "$(find /usr/lib/postgresql -path '*/bin/postgres' | sort -V | tail -1) --version",
    "redis-server --version",
  ),
  LOCALE: like(/^(?:|[a-z]{2}_[A-Z]{2}\.utf8)$/),
  CLUSTER_OPTIONS: like(/^(?:|--data-checksums --encoding=UTF8 --locale=[a-z]{2}_[A-Z]{2}\.utf8)$/),
  MINIMUM_VERSION: like(/^\d+(?:\.\d+)*$/),
  SERVER: like(/^[a-z][a-z0-9-]*$/),
  ADMIN: oneOf(ADMIN),
  ADMIN_HOST: (text) => text === "localhost" || address(text),
};

/** What the admin of MariaDB hands out to services, and the management of accounts: no files, plugins or replication. */
const ADMIN_PRIVILEGES =
  "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE TEMPORARY TABLES, LOCK TABLES, " +
  "TRIGGER, EVENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE, " +
  "CREATE USER, SHOW DATABASES, PROCESS, RELOAD, CONNECTION ADMIN";
const ACCOUNT = `'${ADMIN}'@'(?:localhost|[\\da-fA-F.:]+)'`;
const LOGIN = "IDENTIFIED VIA mysql_native_password USING '\\*[0-9A-F]{40}' REQUIRE SSL";
const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
/** What standard input may be: the admin, with a hash for a password, and who reads for the backup. It runs with the power of root. */
const INPUTS: Readonly<Record<string, RegExp>> = {
  mariadb: new RegExp(
    `^CREATE USER IF NOT EXISTS ${ACCOUNT} ${LOGIN};\\nALTER USER ${ACCOUNT} ${LOGIN} ACCOUNT UNLOCK;\\nGRANT ${ADMIN_PRIVILEGES} ON \\*\\.\\* TO ${ACCOUNT} WITH GRANT OPTION;$`,
  ),
  postgres: new RegExp(
    `^SET log_min_duration_statement = -1;\\nDO \\$\\$ BEGIN IF to_regrole\\('${ADMIN}'\\) IS NULL THEN CREATE ROLE ${ADMIN}; END IF; END \\$\\$;\\nALTER ROLE ${ADMIN} WITH LOGIN SUPERUSER PASSWORD 'SCRAM-SHA-256\\$[\\w+/=:$]+';\\n${literally(POSTGRES_BACKUP_SQL.join("\n"))}$`,
  ),
};

export const commandScriptKnown = resourceRule<Config>({
  name: "command-script-known",
  description:
    "A command runs a script that this pack knows by its digest, with variables and input that it knows; what it prints is sealed.",
  severity: "critical",
  remediationSteps:
    "Write a script in components/scripts and take its digest up (make digests), or add the digest to `digests` with a sentence. " +
    "Declare additionalSecretOutputs.",
  config: {
    digests: {
      type: "object",
      default: {},
      additionalProperties: { type: "string" },
      description:
        "SHA-256 of whole command lines that were looked at, each with a sentence that says what for",
    },
  },
  types: [REMOTE_COMMAND, LOCAL_COMMAND],
  *faults({ type, props, opts }, { digests }) {
    const open = ["stdout", "stderr"].filter((output) => !opts.additionalSecretOutputs.includes(output));
    if (open.length > 0)
      yield `${open.join(" and ")} would be kept and shown in clear. Name them in additionalSecretOutputs`;
    const known = new Map(Object.entries(readDigests().commands).map(([name, digest]) => [digest, name]));
    let input: RegExp | undefined;
    for (const property of ["create", "update", "delete"]) {
      const command = props[property];
      if (command === undefined || isUnknown(command)) continue;
      if (typeof command !== "string") {
        yield `${property} is no text`;
        continue;
      }
      const whole = digestOf(command);
      if (digests[whole] !== undefined) {
        if (!isSentence(digests[whole])) yield `digests.${whole} gives no reason. Write a sentence`;
        continue;
      }
      if (type === REMOTE_COMMAND && LINES.some((line) => line.test(command))) continue;
      const script = type === REMOTE_COMMAND ? parseHostScript(command) : undefined;
      const name = script && known.get(digestOf(script.text));
      if (!script || name === undefined) {
        yield `${property} runs what this pack does not know (SHA-256 ${whole}). Use a script of components/scripts`;
        continue;
      }
      input = INPUTS[name];
      for (const [variable, value] of script.variables) {
        if (VARIABLES[variable]?.(value) !== true)
          yield `${property} gives ${name} a ${variable} that it must not have`;
      }
    }
    const { stdin } = props;
    if (stdin === undefined || isUnknown(stdin)) return;
    // It may be a secret: not shown.
    if (typeof stdin !== "string" || !input?.test(stdin))
      yield "stdin is not what the script is given: it runs with the power of root";
  },
});
