import { sealed } from "../wire-values";
import * as right from "./right";
import { of, type Violator } from "./types";

const { files, script, settings, ways } = right;
const behind = (engine: keyof typeof files, ...lines: string[]) => ({
  configuration: [files[engine], ...lines].join("\n"),
});
const hba = (...lines: string[]) => ({ hba: [...lines, right.hba].join("\n") });
const setup = { ADMIN: "estate_admin", ADMIN_HOST: "10.0.0.11" };
const LOGIN = `IDENTIFIED VIA mysql_native_password USING '*${"A".repeat(40)}' REQUIRE SSL`;
/** What the admin's script is given, with another host or other privileges. */
const admin = (host: string, privileges: string) => ({
  ...script(["mariadb"], setup),
  stdin: sealed(
    [
      `CREATE USER IF NOT EXISTS 'estate_admin'@'${host}' ${LOGIN};`,
      `ALTER USER 'estate_admin'@'${host}' ${LOGIN} ACCOUNT UNLOCK;`,
      `GRANT ${privileges} ON *.* TO 'estate_admin'@'${host}' WITH GRANT OPTION;`,
    ].join("\n"),
  ),
});
/** As the program has them. */
const PRIVILEGES =
  "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE TEMPORARY TABLES, LOCK TABLES, TRIGGER, EVENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE, CREATE USER, SHOW DATABASES, PROCESS, RELOAD, CONNECTION ADMIN";

/** Texts that an engine reads otherwise than they look. */
export const hostFiles: Violator[] = [
  ...of("server-settings-known", settings.mariadb, {
    "a mark right behind a setting": behind("mariadb", "skip-grant-tables#x"),
    "a mark behind quotes": behind("mariadb", `init-file="/tmp/a#b"#`),
    "a setting behind a long comment": behind("mariadb", `#${"x".repeat(4093)}skip-grant-tables`),
    "everywhere, as declared": {
      address: "0.0.0.0",
      configuration: files.mariadb.replace("10.0.0.5", "0.0.0.0"),
    },
    "an engine in capitals": { engine: "MariaDB" },
    "an engine that is none": { engine: "mysql", configuration: "[mysqld]\nskip-grant-tables" },
  }),
  ...of("server-settings-known", settings.postgres, {
    "everywhere over IPv6, as declared": {
      address: "::",
      configuration: files.postgres.replace("10.0.0.5", "::"),
    },
  }),
  ...of("server-settings-known", settings.redis, {
    "users from anywhere": {
      configuration: files.redis.replace(/^aclfile .*$/m, "aclfile /etc/redis/../../tmp/users.acl"),
    },
    "everybody's key": {
      configuration: files.redis.replace(/^tls-key-file .*$/m, "tls-key-file /etc/redis/../../tmp/key.pem"),
    },
  }),
  ...of("server-tls-only", settings.mariadb, {
    "in clear, with a mark right behind it": behind("mariadb", "require-secure-transport=OFF#"),
  }),
  ...of("server-tls-only", settings.redis, {
    "no users": { configuration: files.redis.replace(/^aclfile .*$/m, "") },
  }),
  ...of("resource-known", settings.mariadb, { "what was there before": { configuration: undefined } }),
  ...of("resource-known", settings.redis, { "what was there before": { configuration: undefined } }),
  ...of("hba-source-narrow", settings.postgres, {
    "users that were there before": { ident: undefined },
    "words joined by quotes, on the host": hba('local all all,x"reject" trust'),
    "words joined by quotes, from the network": hba('host all all,x"a"reject 0.0.0.0/0 trust'),
    "a blank that is a letter to PostgreSQL": hba("local all all,x\u00a0reject trust"),
    "a line that goes on as in Windows": hba("local all all \\\r", "trust"),
    "a quote that never ends": hba('local all all trust "#'),
  }),
  ...of("command-script-known", right.command, {
    "the admin from a pattern": admin("10.0.0._", PRIVILEGES),
    "the admin from a name": admin("evil.test", PRIVILEGES),
    "the admin with more": admin("10.0.0.11", `${PRIVILEGES}, CREATE TABLESPACE`),
    "the admin with what nobody lists": admin("10.0.0.11", "FEDERATED ADMIN, DELETE HISTORY"),
  }),
  ...of("password-generated", right.command, {
    "a hash that was written down": admin("10.0.0.11", PRIVILEGES),
  }),
  ...of("agent-file-known", right.agent, {
    "backups for nobody": {
      files: { "/etc/estate-backup/recipients.txt": { mode: "0644", content: "\n" } },
    },
  }),
  ...of("firewall-source-narrow", right.firewall, {
    "one port in other words": {
      rules: Object.fromEntries(
        [22, "22", "22:22", "21:22", "22:23", "22,22"].map((port, index) => [
          `r${index}`,
          { port, protocol: "tcp", from: `10.${index}.0.8/29`, comment: "a door" },
        ]),
      ),
    },
  }),
  ...of("firewall-outgoing-narrow", right.firewall, {
    "a text for a port": ways(["tcp", "443 comment x", "10.0.0.15"]),
    "every port": ways(["tcp", undefined, "10.0.0.0/16"]),
  }),
];
