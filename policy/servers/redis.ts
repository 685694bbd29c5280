import { type Configuration, type Listed, SHAPES } from "./setting";

const { address, number, size } = SHAPES;
const path = /^\/(?:etc|var\/lib)\/redis(?:\/(?!\.)[\w.-]+)+$/;

/** What redis.conf may hold: no users, modules, replicas, renamed commands or other files. */
export const REDIS_SETTINGS: Listed = {
  bind: address,
  "protected-mode": /^yes$/,
  port: /^0$/,
  "tls-port": /^[1-9]\d*$/,
  "tls-cert-file": path,
  "tls-key-file": path,
  "tls-ca-cert-file": path,
  "tls-auth-clients": /^(?:no|yes|optional)$/,
  "tls-protocols": /^TLSv1\.[23](?: TLSv1\.3)?$/,
  aclfile: path,
  "acllog-max-len": number,
  "enable-debug-command": /^no$/,
  "enable-module-command": /^no$/,
  maxmemory: size,
  "maxmemory-policy": /^[a-z-]+$/,
  "maxmemory-clients": /^\d+(?:%|[kKmMgG]?[bB]?)$/,
  maxclients: number,
  timeout: number,
  "tcp-keepalive": number,
  "tcp-backlog": number,
  "busy-reply-threshold": number,
  "lua-time-limit": number,
  "oom-score-adj": /^(?:no|yes|relative)$/,
  "stop-writes-on-bgsave-error": /^(?:yes|no)$/,
  "client-output-buffer-limit": /^[\w ]+$/,
  dir: /^\/var\/lib\/redis\/[a-z][a-z0-9_]*$/,
  appendonly: /^(?:yes|no)$/,
  appendfsync: /^(?:always|everysec)$/,
  save: /^[\d ]+$/,
  "slowlog-log-slower-than": number,
  "slowlog-max-len": number,
  loglevel: /^(?:notice|warning|verbose)$/,
  pidfile: /^\/run\/redis-[a-z][a-z0-9_]*\/redis-server\.pid$/,
  supervised: /^(?:auto|systemd|no)$/,
  daemonize: /^(?:yes|no)$/,
};

/** A word, then its values; words in any case, values perhaps in quotes. */
export function parseRedis(text: string): Configuration {
  const read: Configuration = { settings: [], faults: [] };
  for (const [index, raw] of text.split("\n").entries()) {
    const content = raw.trim();
    if (content === "" || content.startsWith("#")) continue;
    const [name = "", ...values] = [
      ...content.matchAll(/"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+)/g),
    ].map(([, double, single, plain]) => double ?? single ?? plain ?? "");
    read.settings.push({ name: name.toLowerCase(), value: values.join(" "), line: index + 1 });
  }
  return read;
}
