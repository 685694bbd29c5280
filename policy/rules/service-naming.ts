import { ADMIN, BACKUP_LOGINS, loginSlots, serviceUser } from "../../estate/naming";
import {
  MARIADB_ACCOUNT,
  MARIADB_DATABASE,
  MIGRATIONS,
  POSTGRES_ACCESS,
  POSTGRES_DATABASE,
  POSTGRES_LOGIN,
} from "../kinds";
import { object, objects, show, texts } from "../plain";
import { isOwnDatabase, ownersOf } from "../roles";
import { type Declared, resourceRule } from "../rule";

export const serviceNaming = resourceRule({
  name: "service-naming",
  description:
    "A service and its database are named for each other: `svc_x` works on `mo_x` and nowhere else.",
  severity: "medium",
  remediationSteps: "Let estate/naming.ts name the service, or correct the grant.",
  types: [MARIADB_ACCOUNT, MARIADB_DATABASE, MIGRATIONS, POSTGRES_LOGIN, POSTGRES_ACCESS, POSTGRES_DATABASE],
  faults: ({ type, props }) => {
    if (type === MARIADB_DATABASE || type === POSTGRES_DATABASE) return database(props);
    if (type === MIGRATIONS) return migrations(props);
    return type === MARIADB_ACCOUNT ? account(props) : type === POSTGRES_LOGIN ? login(props) : access(props);
  },
});

type Props = Declared["props"];

function* database({ name, owner }: Props): Iterable<string> {
  if (typeof name !== "string") return;
  if (!isOwnDatabase(name))
    yield `name is ${show(name)}, which is a server's own or no name of the catalogue`;
  // The admin owns what was retired.
  if (typeof owner === "string" && owner !== ADMIN && !ownersOf(name).includes(owner))
    yield `owner is ${show(owner)}. Name ${ownersOf(name).join(" or ")}`;
}

/** They work as their owner. */
function* migrations({ database, owner }: Props): Iterable<string> {
  if (typeof database !== "string" || typeof owner !== "string" || ownersOf(database).includes(owner)) return;
  yield `owner is ${show(owner)}, as whom the migrations of ${database} work. Name ${ownersOf(database).join(" or ")}`;
}

function* account({ user, grants }: Props): Iterable<string> {
  if (typeof user !== "string") return;
  if (!/^svc_[a-z0-9_]+$/.test(user)) yield `user is ${show(user)}. A service's name begins with svc_`;
  for (const { database } of objects(grants)) {
    if (typeof database !== "string" || (serviceUser(database) === user && database.startsWith("mo_")))
      continue;
    yield `user ${show(user)} has a grant on ${show(database)}, which is not "${user.replace(/^svc_/, "mo_")}"`;
  }
}

function* login({ worksAs, probe }: Props): Iterable<string> {
  if (typeof worksAs !== "string") return;
  if (!/^svc_[a-z0-9_]+$/.test(worksAs))
    yield `worksAs is ${show(worksAs)}. A service's name begins with svc_`;
  if (typeof probe === "string" && serviceUser(probe) !== worksAs) {
    yield `probe is ${show(probe)}, whose service is "${serviceUser(probe)}"`;
  }
}

function* access({ database, owners, grants, defaultGrants }: Props): Iterable<string> {
  if (typeof database !== "string" || typeof owners === "symbol") return;
  const service = serviceUser(database);
  for (const owner of texts(owners)) {
    if (!ownersOf(database).includes(owner))
      yield `owners holds ${show(owner)}, which owns nothing in ${database}`;
  }
  // In a server's own database no service has any business.
  const known = isOwnDatabase(database) ? [service, ...loginSlots(service)] : [];
  for (const key of [...Object.keys(object(grants)), ...Object.keys(object(defaultGrants))]) {
    const grantee = key.split(" on ")[0]?.replaceAll('"', "") ?? key;
    // Who reads for the backup comes in, and has no more by a grant.
    if (key === `${BACKUP_LOGINS.reader} on database` && texts(object(grants)[key]).join() === "CONNECT")
      continue;
    // PUBLIC is the business of access-no-public.
    if (known.includes(grantee) || grantee.toLowerCase() === "public") continue;
    yield `"${key}": ${grantee} has no business in ${database}, whose service is ${service}`;
  }
}
