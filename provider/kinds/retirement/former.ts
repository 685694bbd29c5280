/** What a kind of server can tell of passwords that were replaced and still log in, and how it takes them away. */
export interface FormerPasswords {
  /** Services where one still logs in. */
  existing(services: readonly Newest[]): Promise<Set<string>>;
  /** Open sessions that it began; undefined: the server cannot tell by which password a session came. */
  sessions(service: Newest): Promise<number | undefined>;
  /** Leaves nothing but the newest password. No session ends. Throws where the newest one is not there. */
  retire(service: Newest, signal: AbortSignal): Promise<void>;
}

/** What a service logs in with now. */
export interface Newest {
  service: string;
  /** The account, the Redis user, or the PostgreSQL slot. */
  login: string;
  password: string;
}

export function notThere(service: string): Error {
  return new Error(
    `${service}: the newest password is not on the server, so none is taken away. Run pulumi refresh, then pulumi up`,
  );
}
