import { redisMaxMemory } from "./sizing";
import type { TlsSettings } from "./tls";
import { protocols } from "./tls";

export interface RedisConfigArgs extends Pick<TlsSettings, "minimumVersion"> {
  listen: string;
  port: number;
  memoryMiB: number;
}

/** TLS files of a Redis host. */
export const REDIS_TLS_DIRECTORY = "/etc/redis/tls";

/** The whole of /etc/redis/redis.conf. */
export function redisConfig({ listen, port, memoryMiB, minimumVersion }: RedisConfigArgs): string {
  return `# Written by the estate program; changes by hand are overwritten.
bind ${listen}
protected-mode yes

# Port 0 closes the plain door; clients prove themselves by ACL user and password, not by certificate.
port 0
tls-port ${port}
tls-cert-file ${REDIS_TLS_DIRECTORY}/server.crt
tls-key-file ${REDIS_TLS_DIRECTORY}/server.key
tls-ca-cert-file ${REDIS_TLS_DIRECTORY}/ca.crt
tls-auth-clients no
tls-protocols "${protocols({ minimumVersion }).join(" ")}"

aclfile /etc/redis/users.acl
acllog-max-len 128
enable-debug-command no
enable-module-command no

# Sessions and caches carry a lifetime and may go when memory is short; queues carry none and stay.
maxmemory ${redisMaxMemory(memoryMiB)}mb
maxmemory-policy volatile-lru
maxclients 1000
timeout 0
tcp-keepalive 300

dir /var/lib/redis
appendonly yes
appendfsync everysec
save 3600 1 300 100

slowlog-log-slower-than 10000
slowlog-max-len 256
loglevel notice
logfile /var/log/redis/redis-server.log
pidfile /run/redis/redis-server.pid`;
}
