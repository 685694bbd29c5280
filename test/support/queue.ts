import { redisCommands } from "../../components/plans/privileges";
import { type AgentHost, agentHost } from "./agent-host";
import type { BackupStore } from "./backups";
import type { DebianSuite } from "./debian-root";

/** A host with the queue of n8n on it, whose service has the rights that the program gives it. */
export function queueHost(suite: DebianSuite, store: BackupStore): Promise<AgentHost> {
  return agentHost({
    ...{ suite, store, host: "redis" },
    databases: { svc_n8n: "daily" },
    queues: { svc_n8n: "n8n:" },
  });
}

export const DIRECTORY = "/var/lib/redis/n8n";

/** Bash: `start` and `stop` of the instance, which saves a second after a change, `service` and `admin` commands. */
export const INSTANCE = `
D=${DIRECTORY}
install -d -m 0750 -o redis -g redis /var/lib/redis
[ -d $D ] || install -d -m 0700 -o redis -g redis $D
[ -s $D/users.acl ] || runuser -u redis -- tee $D/users.acl >/dev/null <<'ACL'
user default off
user admin on >admin ~* &* +@all
user svc_n8n on >service ~n8n:* &n8n:* ${redisCommands("queue")}
ACL
service() { redis-cli -s $D/socket --user svc_n8n --pass service --no-auth-warning "$@"; }
admin() { redis-cli -s $D/socket --user admin --pass admin --no-auth-warning "$@"; }
start() {
  runuser -u redis -- env LC_ALL=C redis-server --port 0 --unixsocket $D/socket --dir $D --aclfile $D/users.acl \\
    --save '1 1' --appendonly yes --appendfsync everysec --enable-debug-command local --daemonize yes "$@" >/dev/null
  until [ "$(service PING 2>/dev/null)" = PONG ]; do sleep 0.1; done
}
stop() {
  local pid
  pid=$(admin INFO server | tr -d '\\r' | sed -n 's/^process_id://p')
  kill "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
}
`;

/** By the service alone: every kind of value, names of keys that no line holds, lifetimes, what a script made. Three of them end. */
export const FILL = `service EVAL "$(cat <<'LUA'
for byte = 0, 255 do redis.call('SET', 'n8n:byte:' .. string.char(byte), string.char(byte, 0, 10, 34, 92)) end
redis.call('SET', 'n8n:' .. 'a\\n"b\\\\c\\r\\nd', 'line')
redis.call('SET', 'n8n:', 'the prefix alone')
redis.call('SET', 'n8n:number', 12345)
redis.call('SET', 'n8n:large', string.rep('x', 3000000))
for n = 1, 3000 do redis.call('HSET', 'n8n:hash', 'field' .. n, string.rep('v', n % 200)) end
for n = 1, 3000 do redis.call('RPUSH', 'n8n:list', n, 'job' .. n) end
for n = 1, 600 do redis.call('SADD', 'n8n:numbers', n); redis.call('SADD', 'n8n:set', 'm' .. n) end
for n = 1, 600 do redis.call('ZADD', 'n8n:sorted', n / 7, 'm' .. n) end
for n = 1, 300 do redis.call('XADD', 'n8n:stream', n .. '-1', 'job', n, 'data', string.rep('s', n)) end
redis.call('XGROUP', 'CREATE', 'n8n:stream', 'workers', '0')
redis.call('XREADGROUP', 'GROUP', 'workers', 'one', 'COUNT', 20, 'STREAMS', 'n8n:stream', '>')
redis.call('SETBIT', 'n8n:bits', 70000, 1)
redis.call('PFADD', 'n8n:counter', 'a', 'b', 'c')
redis.call('GEOADD', 'n8n:places', 16.37, 48.2, 'Vienna')
for n = 1, 3 do redis.call('SET', 'n8n:ends:' .. n, n, 'EX', 1000 * n) end
LUA
)" 0 >/dev/null
`;
/** Keys of them without a lifetime. */
export const FILLED = 256 + 13;
