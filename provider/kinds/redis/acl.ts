import { createHash } from "node:crypto";
import { pairs, type RedisReply } from "../../../connect/redis";

/** A Redis ACL user as it is declared and kept in the state. */
export type UserInputs = {
  user: string;
  /** Of the instance, on the provider's host; null: the provider's own. */
  port: number | null;
  /** Newest first, one or two. `read` answers `NOT_OURS` for one that nobody declared, `NO_PASSWORD` for none asked for. */
  passwords: string[];
  /** `keep`: a password that is replaced logs in beside its successor until it is retired. `refuse`: not a moment longer. */
  formerPassword: "keep" | "refuse";
  /** Patterns without `~`, sorted. */
  keys: string[];
  /** Patterns without `&`, sorted. */
  channels: string[];
  /** ACL rules in order: `-@all +@read +@write`. */
  commands: string;
  /** PEM of the private key and the certificate that a new password is tried with; null: none. */
  clientCertificate?: string | null;
  /** true: its instance lets nobody in without a certificate, which is tried; null: it may. */
  requireClientCertificate?: true | null;
  /** Always true when declared; `read` answers false for a user that was switched off. */
  enabled: boolean;
  /** Always empty when declared; `read` answers further rights that were given as selectors. */
  selectors: string[];
};

export type UserState = UserInputs & {
  /**
   * How the server writes `commands`. It keeps no record of the rules given (Redis 7.0 derives others of the same
   * effect, see `parseUser`), so drift is a difference from what it answered right after they were set.
   */
  appliedCommands: string;
  /** Hashes of replaced passwords that still log in; absent: none. */
  former?: string[];
};

export const NOT_OURS = "not ours (changed on the server)";
export const NO_PASSWORD = "none asked for (nopass)";

export function passwordHash(password: string): string {
  return createHash("sha256").update(password).digest("hex");
}

/**
 * Hashes that go on logging in beside the declared passwords: that of a password which is replaced in this run, and those
 * that were replaced before and have not been retired on the server since.
 */
export function formerHashes(
  wanted: Pick<UserInputs, "passwords" | "formerPassword">,
  actual: Pick<UserOnServer, "hashes"> | undefined,
  before: { passwords: readonly string[]; former: readonly string[] },
): string[] {
  if (wanted.formerPassword === "refuse") return [];
  const ours = before.passwords.filter((password) => password !== NOT_OURS && password !== NO_PASSWORD);
  const unretired = before.former.filter((hash) => actual?.hashes.includes(hash));
  const declared = wanted.passwords.map(passwordHash);
  return [...new Set([...ours.map(passwordHash), ...unretired])].filter((hash) => !declared.includes(hash));
}

/** Arguments of ACL SETUSER: the user is exactly this, whatever it was. Atomic on the server; hashes only. */
export function setUserArguments(
  { user, passwords, keys, channels, commands }: UserInputs,
  former: readonly string[] = [],
): string[] {
  return [
    user,
    "reset",
    // `reset` falls back to the server's acl-pubsub-default, which may be all channels.
    "resetchannels",
    "on",
    ...[...passwords.map(passwordHash), ...former].map((hash) => `#${hash}`),
    ...keys.map((pattern) => `~${pattern}`),
    ...channels.map((pattern) => `&${pattern}`),
    ...commands.split(" "),
  ];
}

/** The answer of ACL GETUSER. */
export interface UserOnServer {
  flags: string[];
  hashes: string[];
  keys: string[];
  channels: string[];
  commands: string;
  selectors: string[];
}

/**
 * @param version of the server
 * @throws where the server is older than Redis 7, whose answer has another form
 */
export function parseUser(reply: RedisReply, version: readonly number[]): UserOnServer {
  const fields = pairs(reply);
  if (typeof fields.keys !== "string" || typeof fields.commands !== "string") {
    throw new Error(
      "the server answers ACL GETUSER in a form before Redis 7: upgrade it to Redis 7 or later",
    );
  }
  return {
    flags: strings(fields.flags),
    hashes: strings(fields.passwords),
    keys: patterns(fields.keys, "~"),
    channels: patterns(typeof fields.channels === "string" ? fields.channels : "", "&"),
    commands: keepsRules(version) ? fields.commands : normalRules(fields.commands),
    selectors: (Array.isArray(fields.selectors) ? fields.selectors : []).map((selector) =>
      Object.values(pairs(selector)).filter(Boolean).map(String).join(" "),
    ),
  };
}

/** From 7.2 on the server keeps the rules as they were given; before it derives them anew for each answer. */
function keepsRules([major = 0, minor = 0]: readonly number[]): boolean {
  return major > 7 || (major === 7 && minor >= 2);
}

/**
 * Derived rules come in an order that changes with each start of the server: the base, categories, then single
 * commands, each once. Any order within these three has the same effect.
 */
function normalRules(commands: string): string {
  const [base = "", ...rules] = commands.split(" ");
  const rank = (rule: string) => (rule[1] === "@" ? `0${rule}` : `1${rule}`);
  return [base, ...rules.sort((one, other) => (rank(one) < rank(other) ? -1 : 1))].join(" ");
}

function strings(reply: RedisReply | undefined): string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}

/** `~crm:* %R~x:*` -> `crm:*`, `%R~x:*`: a pattern that only reads or writes keeps its mark. */
function patterns(text: string, mark: string): string[] {
  return text
    .split(" ")
    .filter(Boolean)
    .map((pattern) => (pattern.startsWith(mark) ? pattern.slice(mark.length) : pattern))
    .sort();
}

/** What would have to be declared to have what stands. `old`: of the last run; undefined on import. */
export function userAsDeclared(user: string, actual: UserOnServer, old: UserState | undefined): UserState {
  const known = old?.passwords ?? [];
  const kept = old?.formerPassword === "keep" ? (old.former ?? []) : [];
  const passwords = actual.hashes
    .filter((hash) => !kept.includes(hash))
    .map((hash) => known.find((password) => passwordHash(password) === hash) ?? NOT_OURS);
  return {
    user,
    port: old?.port ?? null,
    passwords: actual.flags.includes("nopass") ? [NO_PASSWORD] : passwords,
    formerPassword: old?.formerPassword ?? "refuse",
    keys: actual.keys,
    channels: actual.channels,
    commands: old && old.appliedCommands === actual.commands ? old.commands : actual.commands,
    clientCertificate: old?.clientCertificate ?? null,
    requireClientCertificate: old?.requireClientCertificate ?? null,
    enabled: actual.flags.includes("on"),
    selectors: actual.selectors,
    appliedCommands: actual.commands,
    former: kept.filter((hash) => actual.hashes.includes(hash)),
  };
}

/**
 * Whether open sessions have to end, since Redis leaves them logged in: a password that nobody declared goes, or all
 * of the old ones do (a leak). The ordinary end of a rotation, where the newest stays, ends none.
 */
export function passwordLeaked(
  wanted: UserInputs,
  actual: UserOnServer,
  knownPasswords: string[],
  former: readonly string[] = [],
): boolean {
  if (actual.flags.includes("nopass")) return true;
  const kept = new Set([...wanted.passwords.map(passwordHash), ...former]);
  const known = new Set(knownPasswords.map(passwordHash));
  const removed = actual.hashes.filter((hash) => !kept.has(hash));
  const someStay = actual.hashes.some((hash) => kept.has(hash));
  return removed.some((hash) => !known.has(hash)) || (removed.length > 0 && !someStay);
}
