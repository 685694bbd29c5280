import { setTimeout as sleep } from "node:timers/promises";
import type { Target } from "../../../ops/reach/targets";
import { type AppSession, isRefusal, openSession } from "./sessions";

type Logins = ReadonlyMap<string, Target>;

/** How an application gets to a new password: it reads what is published when it is refused, or when it is deployed. */
type TakesUp = "on refusal" | "at deploy";

interface Client {
  service: string;
  /** pooled: holds its session; fresh: opens one for each query. */
  connects: "pooled" | "fresh";
  takesUp: TakesUp;
  login: Target;
}

export interface LoadReport {
  queries: number;
  logins: number;
  /** `mo_crm, fresh, on refusal: why`; a query that a client could not do, whatever it tried. */
  failures: string[];
  /** Sessions that a server ended while a pool held them. */
  lost: string[];
  /** Clients that were refused, and went on with what they then found published: `mo_crm, fresh, on refusal`. */
  readAgain: Set<string>;
}

export interface LoadOptions {
  open(login: Target): Promise<AppSession>;
  /** Milliseconds between two queries of a session, or of a client that opens one for each. */
  pauseMs: Record<Client["connects"], number>;
  /** A pool gives a session up at this age, as applications' pools do. */
  sessionLifeMs: number;
}

const DEFAULTS: LoadOptions = {
  open: openSession,
  pauseMs: { pooled: 60, fresh: 2_000 },
  sessionLifeMs: 15_000,
};
/** Sessions that a pooled client holds. */
const POOL = 2;

/**
 * Applications at work: four clients a service, in every combination of pooled or fresh connections, and of taking up a new
 * password when refused or at the next deploy. Every service does its queries all the time.
 */
export class Load {
  private readonly clients: Client[];
  private readonly report: LoadReport = {
    queries: 0,
    logins: 0,
    failures: [],
    lost: [],
    readAgain: new Set(),
  };
  private running: Promise<unknown> | undefined;
  private stopping = false;
  private reading: Promise<Logins> | undefined;

  /** @param published reads what is published now */
  constructor(
    logins: Logins,
    private readonly published: () => Promise<Logins>,
    private readonly options = DEFAULTS,
  ) {
    this.clients = [...logins].flatMap(([service, login]) =>
      (["pooled", "fresh"] as const).flatMap((connects) =>
        (["on refusal", "at deploy"] as const).map((takesUp) => ({ service, connects, takesUp, login })),
      ),
    );
  }

  get queries(): number {
    return this.report.queries;
  }

  start(): void {
    this.running = Promise.all(
      this.clients.flatMap((client) =>
        Array.from({ length: client.connects === "pooled" ? POOL : 1 }, () => this.work(client)),
      ),
    );
  }

  /** Waits until so many queries were done in all. Throws when it takes longer than `withinMs`. */
  async reached(queries: number, withinMs: number): Promise<void> {
    const end = Date.now() + withinMs;
    while (this.report.queries < queries) {
      if (Date.now() > end) throw new Error(`${this.report.queries} of ${queries} queries in ${withinMs} ms`);
      await sleep(50);
    }
  }

  /** Waits until every client that reads again when refused has done so. */
  async allReadAgain(withinMs: number): Promise<void> {
    const waiting = this.clients.filter(({ takesUp }) => takesUp === "on refusal");
    const end = Date.now() + withinMs;
    while (this.report.readAgain.size < waiting.length && Date.now() < end) await sleep(50);
  }

  /** The next deploy of every application that waits for one. */
  async deploy(): Promise<void> {
    const logins = await this.read();
    for (const client of this.clients) {
      if (client.takesUp === "at deploy") client.login = logins.get(client.service) ?? client.login;
    }
  }

  async stop(): Promise<LoadReport> {
    this.stopping = true;
    await this.running;
    return this.report;
  }

  private async work(client: Client): Promise<void> {
    // Not all at the same moment.
    await sleep(Math.random() * this.options.pauseMs[client.connects]);
    let held: { session: AppSession; login: Target; opened: number } | undefined;
    while (!this.stopping) {
      try {
        if (held && !held.session.alive()) {
          this.report.lost.push(this.nameOf(client));
          held = undefined;
        }
        // A deploy starts the application anew, with a new pool.
        const deployed = client.takesUp === "at deploy" && held?.login !== client.login;
        if (held && (deployed || Date.now() - held.opened > this.options.sessionLifeMs)) {
          const { session } = held;
          held = undefined;
          await session.close();
        }
        held ??= { session: await this.open(client), login: client.login, opened: Date.now() };
        await held.session.query();
        this.report.queries++;
        if (client.connects === "fresh") {
          const { session } = held;
          held = undefined;
          await session.close();
        }
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.report.failures.push(`${this.nameOf(client)}: ${why}`);
      }
      await sleep(this.options.pauseMs[client.connects]);
    }
    await held?.session.close();
  }

  private async open(client: Client): Promise<AppSession> {
    this.report.logins++;
    const { login } = client;
    try {
      return await this.options.open(login);
    } catch (error) {
      if (client.takesUp !== "on refusal" || !isRefusal(error)) throw error;
      // Another session of this client may have read it meanwhile.
      if (client.login === login) client.login = (await this.read()).get(client.service) ?? login;
      const session = await this.options.open(client.login);
      this.report.readAgain.add(this.nameOf(client));
      return session;
    }
  }

  /** One read for all that ask at the same time. */
  private read(): Promise<Logins> {
    this.reading ??= this.published().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private nameOf({ service, connects, takesUp }: Client): string {
    return `${service}, ${connects}, ${takesUp}`;
  }
}
