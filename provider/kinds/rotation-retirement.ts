import { now } from "../../estate/clock";
import { addDays, type Day, dayOf } from "../../estate/rotation";
import type { EstateConfig } from "../config";
import { diffInputs, keyPath } from "../wire/diff";
import {
  type Call,
  type CheckFailure,
  type FieldChange,
  type Kind,
  type Properties,
  UNKNOWN,
} from "../wire/kind";
import type { FormerPasswords, Newest } from "./retirement/former";
import { formerOnMariadb } from "./retirement/mariadb";
import { formerOnPostgres } from "./retirement/postgres";
import { formerOnRedis } from "./retirement/redis";

interface RetirementInputs {
  /** Days that a former password stays valid after the new one was published, by service user. */
  graceDays: Record<string, number>;
  /** Who logs in: the account, the Redis user, or the PostgreSQL slot; by service user. */
  logins: Record<string, string>;
  /** The newest ones, by service user. */
  passwords: Record<string, string>;
  /** Host part of the accounts; MariaDB only. */
  host: string | null;
  /** Port of each service's instance; Redis only. */
  ports: Record<string, number> | null;
}

interface Retired {
  /** Day on which this resource, which comes after all that publishes, first saw the newest password. */
  published: Day;
  /** true: no former password logs in any more. */
  retired: boolean;
}

interface RetirementState extends RetirementInputs {
  records: Record<string, Retired>;
}

/** With sessions that came by a former password, PostgreSQL keeps it for up to so many grace windows. */
const MOST_WINDOWS = 2;

const PROPERTIES = ["graceDays", "logins", "passwords", "host", "ports"];

/**
 * `estate:rotation:Retirement`: the end of the rotations on one server. It comes after everything that publishes a new
 * password, and its grace window begins then; afterwards it takes the former password away, in a run of its own and on
 * evidence: PostgreSQL shows who still has a session by it, and such a slot stays open, with a warning, for a second window.
 * MariaDB and Redis cannot tell. No session ends. A window that is over shows as a change of `records.<service>.retired`.
 * Id: "retirement".
 * @param clock milliseconds since 1970
 */
export function rotationRetirement(
  clock: () => number = now,
): Kind<EstateConfig, RetirementInputs, RetirementState> {
  const isDue = ({ published, retired }: Retired, graceDays: number) =>
    !retired && dayOf(clock()) >= addDays(published, graceDays);

  async function settle(
    call: Call<EstateConfig>,
    inputs: RetirementInputs,
    before: RetirementState | undefined,
  ): Promise<RetirementState> {
    const server = formerPasswords(call.config, inputs);
    const services = Object.keys(inputs.logins)
      .sort()
      .map((service) => newestOf(inputs, service));
    const existing = await server.existing(services);
    const records: Record<string, Retired> = {};
    for (const newest of services) {
      call.signal.throwIfAborted();
      const { service } = newest;
      const known = before?.records[service];
      const same = before?.passwords[service] === newest.password && before.logins[service] === newest.login;
      const record = known && same ? known : { published: dayOf(clock()), retired: false };
      const graceDays = inputs.graceDays[service] ?? 0;
      if (!existing.has(service)) records[service] = { ...record, retired: true };
      else if (!isDue(record, graceDays)) records[service] = record;
      else records[service] = { ...record, retired: await retire(call, server, newest, record, graceDays) };
    }
    return { ...inputs, records };
  }

  async function retire(
    call: Call<EstateConfig>,
    server: FormerPasswords,
    newest: Newest,
    { published }: Retired,
    graceDays: number,
  ): Promise<boolean> {
    const sessions = (await server.sessions(newest)) ?? 0;
    const last = addDays(published, MOST_WINDOWS * graceDays);
    if (sessions > 0) {
      const who = `${newest.service} still has ${sessions} sessions by its former password`;
      const stays = dayOf(clock()) < last;
      call.warn?.(
        stays
          ? `${who}: it stays valid until ${last}. Deploy the application, so that it takes up the new one`
          : `${who}, which is retired all the same: they go on until they end, and cannot begin again`,
      );
      if (stays) return false;
    }
    await server.retire(newest, call.signal);
    return true;
  }

  return {
    token: "estate:rotation:Retirement",
    secretInputs: ["passwords"],
    secretOutputs: ["passwords"],
    computedOutputs: ["records"],

    check: checkRetirement,

    diff({ inputs, state }, news): FieldChange[] {
      const changes = diffInputs(inputs as unknown as Properties, news);
      for (const [service, record] of Object.entries(state.records)) {
        if (!isDue(record, inputs.graceDays[service] ?? 0)) continue;
        changes.push({ path: `${keyPath("records", service)}.retired`, kind: "update" });
      }
      return changes;
    },

    async create(call, inputs) {
      return { id: "retirement", state: await settle(call, inputs, undefined) };
    },

    /** What the server has is looked at by the accounts' own kinds. */
    async read(_call, id, old) {
      if (!old) throw new Error("a retirement is nowhere but in the state: there is nothing to import");
      return { id, ...old };
    },

    update: (call, _id, { state }, news) => settle(call, news, state),

    async delete() {},
  };
}

function newestOf({ logins, passwords }: RetirementInputs, service: string): Newest {
  return { service, login: logins[service] ?? service, password: passwords[service] ?? "" };
}

function formerPasswords(config: EstateConfig, { host, ports }: RetirementInputs): FormerPasswords {
  if (config.postgres) return formerOnPostgres(config.postgres);
  if (config.redis) return formerOnRedis(config.redis, ports ?? {});
  if (config.mariadb && host !== null) return formerOnMariadb(config.mariadb, host);
  throw new Error("this provider serves no database server, or it is MariaDB and `host` is missing");
}

function checkRetirement(news: Properties): { inputs: Properties; failures: CheckFailure[] } {
  const failures: CheckFailure[] = Object.keys(news)
    .filter((property) => !PROPERTIES.includes(property) && news[property] !== null)
    .map((property) => ({ property, reason: `is no property of a retirement: ${PROPERTIES.join(", ")}` }));
  const { graceDays = null, logins = null, passwords = null, host = null, ports = null } = news;
  for (const [property, value] of Object.entries({ graceDays, logins, passwords })) {
    if (value === UNKNOWN || (typeof value === "object" && value !== null)) continue;
    failures.push({ property, reason: "is missing: give one for each service user" });
  }
  const windows = typeof graceDays === "object" && graceDays !== null ? graceDays : {};
  for (const [service, days] of Object.entries(windows)) {
    if (days === UNKNOWN || (Number.isInteger(days) && Number(days) >= 1)) continue;
    failures.push({ property: keyPath("graceDays", service), reason: "must be whole days, 1 or more" });
  }
  return { inputs: { graceDays, logins, passwords, host, ports }, failures };
}
