import { serviceUser } from "../../estate/naming";
import { MARIADB_ACCOUNT, POSTGRES_ACCESS, POSTGRES_LOGIN } from "../kinds";
import { object, objects, show, texts } from "../plain";
import { type Declared, resourceRule } from "../rule";

export const serviceNaming = resourceRule({
  name: "service-naming",
  description:
    "A service and its database are named for each other: `svc_x` works on `mo_x` and nowhere else.",
  severity: "medium",
  remediationSteps: "Let estate/naming.ts name the service, or correct the grant.",
  types: [MARIADB_ACCOUNT, POSTGRES_LOGIN, POSTGRES_ACCESS],
  faults: ({ type, props }) =>
    type === MARIADB_ACCOUNT ? account(props) : type === POSTGRES_LOGIN ? login(props) : access(props),
});

type Props = Declared["props"];

function* account({ user, grants }: Props): Iterable<string> {
  if (typeof user !== "string") return;
  for (const { database } of objects(grants)) {
    if (typeof database !== "string" || serviceUser(database) === user) continue;
    yield `user ${show(user)} has a grant on ${show(database)}, whose service is "${serviceUser(database)}"`;
  }
}

function* login({ worksAs, probe }: Props): Iterable<string> {
  if (typeof worksAs !== "string") return;
  if (!worksAs.startsWith("svc_")) yield `worksAs is ${show(worksAs)}. A service's name begins with svc_`;
  if (typeof probe === "string" && serviceUser(probe) !== worksAs) {
    yield `probe is ${show(probe)}, whose service is "${serviceUser(probe)}"`;
  }
}

function* access({ database, owners, grants, defaultGrants }: Props): Iterable<string> {
  if (typeof database !== "string" || typeof owners === "symbol") return;
  const service = serviceUser(database);
  const known = [service, `${service}_a`, `${service}_b`, ...texts(owners)];
  for (const key of [...Object.keys(object(grants)), ...Object.keys(object(defaultGrants))]) {
    const grantee = key.split(" on ")[0]?.replaceAll('"', "") ?? key;
    // PUBLIC is the business of access-no-public.
    if (known.includes(grantee) || grantee.toLowerCase() === "public") continue;
    yield `"${key}": ${grantee} has no business in ${database}, whose service is ${service}`;
  }
}
