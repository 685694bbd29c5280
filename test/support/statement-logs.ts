import type { RedisServer } from "../../connect/redis";
import { redisUsers } from "../../estate/catalogue";
import { mariadb, onHost, postgres } from "./lab";
import type { Place } from "./leak";

const GENERAL_LOG = "/var/lib/mysql/every-statement.log";
const SLOW_LOG = "/var/lib/mysql/every-slow-statement.log";
const MARIADB_HOSTS = ["plesk", "mariadb"] as const;
const MARIADB_SETTINGS = [
  "general_log",
  "general_log_file",
  "slow_query_log",
  "slow_query_log_file",
  "long_query_time",
];
const POSTGRES_SETTINGS = ["log_statement", "log_min_duration_statement", "log_parameter_max_length"];

/** Makes every server of the lab write down every statement it gets; gives back how to undo that. */
export async function logEveryStatement(redis: RedisServer): Promise<() => Promise<void>> {
  const before = new Map<string, string>();
  for (const host of MARIADB_HOSTS) {
    const values = await mariadb(
      host,
      `SELECT ${MARIADB_SETTINGS.map((name) => `@@global.${name}`).join(", ")}`,
    );
    before.set(host, values.trimEnd());
    await mariadb(
      host,
      `SET GLOBAL general_log_file = '${GENERAL_LOG}'; SET GLOBAL slow_query_log_file = '${SLOW_LOG}';
       SET GLOBAL long_query_time = 0; SET GLOBAL general_log = ON; SET GLOBAL slow_query_log = ON`,
    );
  }
  const [statement, duration, parameters] = POSTGRES_SETTINGS;
  await postgres("postgres", `ALTER SYSTEM SET ${statement} = 'all'`);
  await postgres("postgres", `ALTER SYSTEM SET ${duration} = 0`);
  await postgres("postgres", `ALTER SYSTEM SET ${parameters} = -1`);
  await postgres("postgres", "SELECT pg_reload_conf()");
  await postgres("mcp_portal", "SELECT pg_stat_statements_reset()");
  const instances = redisUsers.map(({ port }) => redis.at(port));
  for (const one of instances)
    await one.call("CONFIG", "SET", "slowlog-log-slower-than", "0", "loglevel", "debug");

  const undo = [
    ...instances.flatMap((one) => [
      () => one.call("CONFIG", "SET", "slowlog-log-slower-than", "10000", "loglevel", "notice"),
      () => one.call("SLOWLOG", "RESET"),
    ]),
    ...POSTGRES_SETTINGS.map((name) => () => postgres("postgres", `ALTER SYSTEM RESET ${name}`)),
    () => postgres("postgres", "SELECT pg_reload_conf()"),
    ...MARIADB_HOSTS.flatMap((host) => {
      const values = before.get(host)?.split("\t") ?? [];
      const quoted = values.map((value) => (/^[\d.]+$/.test(value) ? value : `'${value}'`));
      const statements = MARIADB_SETTINGS.map((name, at) => `SET GLOBAL ${name} = ${quoted[at]}`);
      return [
        () => mariadb(host, statements.join("; ")),
        () => onHost(host, ["rm", "-f", GENERAL_LOG, SLOW_LOG]),
      ];
    }),
  ];
  // One that fails must not keep the others from being undone.
  return async () => {
    const faults: unknown[] = [];
    for (const step of undo) await step().catch((error: unknown) => faults.push(error));
    if (faults.length > 0) throw new AggregateError(faults, faults.map(String).join("; "));
  };
}

/** Everything the servers and their hosts have written down, decoded where it is packed. */
export async function readEveryLog(redis: RedisServer): Promise<Place[]> {
  const read = async (host: Parameters<typeof onHost>[0], what: string, script: string): Promise<Place> => ({
    where: `${host}: ${what}`,
    text: await onHost(host, ["sh", "-c", script]),
  });
  const journals = (["plesk", "mariadb", "postgres", "redis"] as const).map((host) =>
    read(host, "journal", "journalctl --no-pager --output cat"),
  );
  const binlog =
    "for f in /var/lib/mysql/binlog.0?????; do mariadb-binlog -v --base64-output=decode-rows $f; cat $f; done";
  return Promise.all([
    ...journals,
    read("postgres", "server log", "cat /var/log/postgresql/*"),
    // Their log is the journal.
    read("redis", "append-only files", "cat /var/lib/redis/*/appendonlydir/*"),
    ...MARIADB_HOSTS.flatMap((host) => [
      read(host, "general log", `cat ${GENERAL_LOG}`),
      read(host, "slow log", `cat ${SLOW_LOG}`),
      // A log that ended up elsewhere; none is there where the journal has it.
      read(host, "log directories", "find /var/log /var/lib/mysql -name '*.log' -size -20M -exec cat {} +"),
    ]),
    read("mariadb", "binary log", binlog),
    postgres("mcp_portal", "SELECT query FROM pg_stat_statements").then((text) => ({
      where: "postgres: pg_stat_statements",
      text,
    })),
    ...redisUsers.map(({ name, port }) =>
      redis
        .at(port)
        .call("SLOWLOG", "GET", "-1")
        .then((reply) => ({ where: `redis: slow log of ${name}`, text: JSON.stringify(reply) })),
    ),
  ]);
}

/**
 * Names of files on a host that hold one of the texts, data directories included. The texts travel on standard input, so
 * that they are not in the process list themselves.
 */
export async function searchHost(
  host: Parameters<typeof onHost>[0],
  texts: readonly string[],
): Promise<string[]> {
  const directories = "/var /etc /root /home /tmp /usr/local";
  // grep ends with 1 where nothing was found, with 2 where a file vanished under its hands.
  const search = `grep -rlaFs -D skip --exclude-dir=lab-mirror --exclude-dir=apt -f - ${directories} || [ $? -le 2 ]`;
  return (await onHost(host, ["sh", "-c", search], `${texts.join("\n")}\n`)).split("\n").filter(Boolean);
}
