import { serverSecrets, serversOf } from "../../estate/servers";
import { serviceGenerators } from "../accounts";
import {
  CLIENT_CERTIFICATE,
  MARIADB_ACCOUNT,
  POSTGRES_LOGIN,
  PUBLISHED,
  RANDOM_PASSWORD,
  REDIS_USER,
  REMOTE_COMMAND,
  ROTATION_SCHEDULE,
  ROW_SECURITY,
  SERVER_CERTIFICATE,
} from "../kinds";
import { type Standing, stackRule } from "../rule";
import { textList } from "../settings";

interface Config {
  open: string[];
  places: string[];
}

/** What a secret's value may be made from: passwords of services, the rows' keys, a server's certificate, a client's with its key. */
const SOURCES = [RANDOM_PASSWORD, SERVER_CERTIFICATE, CLIENT_CERTIFICATE];
/** And what it waits for, or names: who logs in with it, and the certificate that a command reads. */
const BESIDE = [MARIADB_ACCOUNT, POSTGRES_LOGIN, REDIS_USER, ROW_SECURITY, ROTATION_SCHEDULE, REMOTE_COMMAND];

/** Where the catalogue's servers are. */
const ADDRESSES = serversOf("mariadb", "postgres", "redis").flatMap(
  (name) => serverSecrets(name)?.host ?? [],
);

export const publishedSecretGenerated = stackRule<Config>({
  name: "published-secret-generated",
  description:
    "What is published as a GitHub secret comes from what this stack made for a service, is sealed, and goes to one place.",
  severity: "critical",
  remediationSteps:
    "Take the value from the generator; never write a secret into a program or its configuration.",
  config: {
    open: textList("Names of secrets that hold no secret: addresses", ADDRESSES),
    places: textList("Where secrets go, `owner/repository environment`; empty: all to one place", []),
  },
  *faults(resources, { open, places }) {
    const own = serviceGenerators(resources);
    const published = resources.filter(({ type }) => PUBLISHED.includes(type));
    // Without a word of the stack all of them go where the first does.
    const known = places.length > 0 ? places : published.slice(0, 1).map(placeOf);
    for (const at of published) {
      if (!known.includes(placeOf(at)))
        yield { at, fault: `goes to ${placeOf(at)}, and the stack's secrets to ${known.join(", ")}` };
      for (const property of ["value", "plaintextValue"]) {
        if (at.inputs[property] === undefined) continue;
        const name = String(at.inputs.secretName);
        const sources = at.madeFrom[property] ?? [];
        for (const source of sources) {
          const stranger = source.type === RANDOM_PASSWORD && !own.has(source);
          if (stranger || ![...SOURCES, ...BESIDE].includes(source.type))
            yield { at, fault: `${property} of ${name} is made from ${source.name}, which is no service's` };
        }
        const made = sources.some(({ type }) => SOURCES.includes(type));
        if (!made && !open.includes(name))
          yield { at, fault: `${property} of ${name} was written down: it is made from nothing` };
        if (!isSealed(at, property)) yield { at, fault: `${property} of ${name} is not sealed` };
      }
    }
  },
});

/** `owner/repository`, and its environment where there is one. */
function placeOf({ inputs: { repository, environment }, provider: { owner } }: Standing): string {
  const named = String(repository);
  const whole = named.includes("/") || typeof owner !== "string" ? named : `${owner}/${named}`;
  return typeof environment === "string" ? `${whole} ${environment}` : whole;
}

/** Of one that is not known yet the engine does not say it. */
function isSealed({ sealedInput, inputs }: Standing, property: string): boolean {
  return typeof inputs[property] !== "string" || sealedInput(property);
}
