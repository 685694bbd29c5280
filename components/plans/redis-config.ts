import { instanceName } from "../../estate/redis";
import type { ClientCertificateUse, RedisUse } from "../../estate/types";
import type { RedisSizing } from "./sizing";
import type { TlsSettings } from "./tls";
import { protocols } from "./tls";

export interface RedisConfigArgs extends Pick<TlsSettings, "minimumVersion"> {
  /** ACL user of the service that the instance is for, `svc_crm`. */
  user: string;
  use: RedisUse;
  listen: string;
  port: number;
  sizing: RedisSizing;
  /** Whether it asks everybody for a certificate. Default: nobody. */
  clientCertificate?: ClientCertificateUse | undefined;
}

/** TLS files of a Redis host; all its instances show one certificate. */
export const REDIS_TLS_DIRECTORY = "/etc/redis/tls";

/** What `tls-auth-clients` says for it. */
export function asksClients(use: ClientCertificateUse | undefined): "no" | "optional" | "yes" {
  return use === "required" ? "yes" : (use ?? "no");
}

/** File with the authorities whose certificates an instance takes. */
export function clientAuthoritiesFile(user: string): string {
  return `${REDIS_TLS_DIRECTORY}/clients-${instanceName(user)}.crt`;
}

/** Connections of one instance, those without a login included: a flood of them is felt by one service. */
export const REDIS_CLIENTS = 256;

/** What the unit of an instance may take beside its memory, whatever its share. */
export const REDIS_LIMITS = {
  /** Threads of an instance, and the child that saves. */
  tasks: 32,
  /** Redis computes on one processor, its saves included: a long script leaves the others to the others. */
  cpuPercent: 100,
  /** Enough for the last copy of a cache of some GiB. */
  stopSeconds: 30,
  /** Of the journal in five minutes: many more than it writes by itself. */
  logLines: 300,
};

/** The last copy may be a minute old when a backup takes it; the append-only file has all but the last second. */
const QUEUE = `# What waits to be done is never evicted: a full queue refuses the next job instead, and its application says so.
maxmemory-policy noeviction
appendonly yes
appendfsync everysec
save 60 1`;

/** A copy on disk, so that a restart of the instance does not end every session; nobody counts on the last hour of it. */
const CACHE = `# What was not used for longest goes when memory is short, with a lifetime or without.
maxmemory-policy allkeys-lru
appendonly no
save 3600 1
stop-writes-on-bgsave-error no`;

/** The whole of /etc/redis/redis-NAME.conf. Its log goes to the journal. */
export function redisConfig(args: RedisConfigArgs): string {
  const { user, use, listen, port, sizing, minimumVersion } = args;
  const name = instanceName(user);
  return `# Written by the estate program; changes by hand are overwritten.
bind ${listen}
protected-mode yes

# Port 0 closes the plain door; clients prove themselves by ACL user and password, ${args.clientCertificate ? "and by certificate" : "not by certificate"}.
port 0
tls-port ${port}
tls-cert-file ${REDIS_TLS_DIRECTORY}/server.crt
tls-key-file ${REDIS_TLS_DIRECTORY}/server.key
${askingOf(args)}
tls-protocols "${protocols({ minimumVersion }).join(" ")}"

aclfile /var/lib/redis/${name}/users.acl
acllog-max-len 128
enable-debug-command no
enable-module-command no

maxmemory ${sizing.data}mb
# Buffers of clients are no data: beyond this the client with the largest goes.
maxmemory-clients 20%
maxclients ${REDIS_CLIENTS}
# An idle connection ends after ten minutes, one that never logged in too.
timeout 600
tcp-keepalive 300
# A script longer than this is told to whoever waits for it (BUSY), and may be ended by SCRIPT KILL.
busy-reply-threshold 1000

dir /var/lib/redis/${name}
${use === "queue" ? QUEUE : CACHE}
# Where memory runs out, the kernel ends the child that saves, and not the instance.
oom-score-adj relative

slowlog-log-slower-than 10000
slowlog-max-len 256
loglevel notice
pidfile /run/redis-${name}/redis-server.pid`;
}

/** Whom it asks for a certificate, and how its own host speaks to it then. */
function askingOf({ user, clientCertificate }: RedisConfigArgs): string {
  if (clientCertificate === undefined)
    return `tls-ca-cert-file ${REDIS_TLS_DIRECTORY}/ca.crt
tls-auth-clients no`;
  return `tls-ca-cert-file ${clientAuthoritiesFile(user)}
tls-auth-clients ${asksClients(clientCertificate)}
# Each connection shows its certificate: a session of TLS that is resumed, and resumed again, would outlive it.
tls-session-caching no
# The host's own tools have a password and no certificate. Nobody but root and redis gets here, and no other instance.
unixsocket /var/lib/redis/${instanceName(user)}/admin.sock
unixsocketperm 700`;
}
