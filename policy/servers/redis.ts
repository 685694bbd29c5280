import { isUnknown, object, type Properties } from "../plain";
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
  "tls-session-caching": /^no$/,
  unixsocket: /^\/var\/lib\/redis\/[a-z][a-z0-9_]*\/admin\.sock$/,
  unixsocketperm: /^700$/,
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

/** What of a running instance says whom it asks for a certificate, and whose it takes. */
const ASKING = ["tls-auth-clients", "tls-ca-cert-file", "tls-session-caching"];

/** Faults of an instance that asks for certificates, or is to; and of the socket by which its host goes without. */
export function* askingFaults(
  inForce: ReadonlyMap<string, string>,
  { name, clientAuthorities, effective }: Properties,
): Iterable<string> {
  const asks = /^(?:optional|yes)$/.test(inForce.get("tls-auth-clients") ?? "");
  if (clientAuthorities !== undefined && !asks)
    yield "has authorities of clients and asks nobody for a certificate. Set tls-auth-clients";
  const own = `/etc/redis/tls/clients-${String(name)}.crt`;
  if (asks && !isUnknown(name) && inForce.get("tls-ca-cert-file") !== own)
    yield `takes certificates of another service. Set tls-ca-cert-file ${own}`;
  for (const setting of asks && !isUnknown(effective) ? ASKING : []) {
    if (object(effective)[setting] !== inForce.get(setting))
      yield `may cease to ask unseen: effective.${setting} is not watched. Set it as the configuration does`;
  }
  if (asks && inForce.get("tls-session-caching") !== "no")
    yield "takes up sessions of TLS whose certificate has ended. Set tls-session-caching no";
  const socket = inForce.get("unixsocket");
  const closed = socket === `${inForce.get("dir")}/admin.sock` && inForce.get("unixsocketperm") === "700";
  if (socket !== undefined && !closed)
    yield "answers without TLS on a socket that others may reach. Put it into the instance's directory, unixsocketperm 700";
}
