import * as net from "node:net";
import { type CheckFailure, type Properties, UNKNOWN, type Value } from "../../wire/kind";
import { DATABASE_PRIVILEGES, forbiddenPrivilege, TABLE_PRIVILEGES } from "./privileges";

const FIELDS = [
  "user",
  "host",
  "passwords",
  "formerPassword",
  "probe",
  "require",
  "clientCertificate",
  "maxUserConnections",
  "locked",
  "grants",
  "otherHosts",
];
/** Of letters, digits and what our own names hold: nothing that needs an escape. */
const DISTINGUISHED_NAME = /^(?:\/[A-Za-z]+=[A-Za-z0-9_ .-]+)+$/;
const SHORTEST_PASSWORD = 32;
const LONGEST_USER = 80;

type Maybe = Value | undefined;

/** Gathers faults; a value that is not known yet has none. */
class Faults {
  readonly failures: CheckFailure[] = [];

  add(property: string, reason: string): void {
    this.failures.push({ property, reason });
  }
}

/** Validates what a program declares for an account, and normalises: sorted grants and privileges, defaults. */
export function checkAccount(news: Properties): { inputs: Properties; failures: CheckFailure[] } {
  const faults = new Faults();
  for (const key of Object.keys(news)) {
    if (!FIELDS.includes(key) && !key.startsWith("__")) {
      faults.add(key, `is no property of an account. Known are ${FIELDS.join(", ")}`);
    }
  }
  checkUser(news.user, faults);
  checkHost("host", news.host, faults);
  checkPasswords(news.passwords, faults);
  const { formerPassword, probe } = news;
  if (!isUnset(formerPassword) && ![UNKNOWN, "keep", "refuse"].includes(formerPassword as string)) {
    faults.add("formerPassword", `is ${show(formerPassword)}. Use "keep", or "refuse" after a leak`);
  }
  if (!isUnset(probe)) checkObjectName("probe", probe, faults);
  checkRequire(news.require, faults);
  checkCertificate(news, faults);
  checkConnections(news.maxUserConnections, faults);
  if (!isUnset(news.locked) && news.locked !== UNKNOWN && typeof news.locked !== "boolean") {
    faults.add("locked", `is ${show(news.locked)}. Use true or false`);
  }
  checkGrants(news.grants, faults);
  checkOtherHosts(news.otherHosts, news.host, faults);
  const inputs = faults.failures.length > 0 ? news : normalise(news);
  return { inputs, failures: faults.failures };
}

function normalise(news: Properties): Properties {
  return {
    ...news,
    formerPassword: news.formerPassword ?? "refuse",
    probe: news.probe ?? null,
    clientCertificate: news.clientCertificate ?? null,
    locked: news.locked ?? false,
    grants: normaliseGrants(news.grants),
    otherHosts:
      Array.isArray(news.otherHosts) && !news.otherHosts.includes(UNKNOWN)
        ? [...news.otherHosts].sort()
        : (news.otherHosts ?? []),
  };
}

function checkUser(user: Maybe, faults: Faults): void {
  if (user === UNKNOWN) return;
  if (typeof user !== "string" || user === "") {
    faults.add("user", `is ${show(user)}. Name the account, for example svc_crm`);
  } else if (!/^[A-Za-z0-9_.-]+$/.test(user)) {
    faults.add("user", `is ${show(user)}. Use letters, digits, "_", "." and "-" only`);
  } else if (user.length > LONGEST_USER) {
    faults.add("user", `is ${user.length} characters long. MariaDB takes ${LONGEST_USER}`);
  }
}

function checkHost(property: string, host: Maybe, faults: Faults): void {
  if (host === UNKNOWN) return;
  const fix = "Name the one address the service connects from, for example 10.0.0.5, or localhost";
  if (typeof host !== "string" || host === "") faults.add(property, `is ${show(host)}. ${fix}`);
  else if (/[%_]/.test(host))
    faults.add(property, `is ${show(host)}, a wildcard that lets many hosts in. ${fix}`);
  else if (host.includes("/")) faults.add(property, `is ${show(host)}, a range of addresses. ${fix}`);
  else if (net.isIP(host) === 0 && !isHostName(host))
    faults.add(property, `is ${show(host)}, no address or host name. ${fix}`);
  else if (host === "0.0.0.0" || host === "::")
    faults.add(property, `is ${show(host)}, which no service connects from. ${fix}`);
}

function isHostName(host: string): boolean {
  const labels = host.split(".");
  const wellFormed = labels.every((label) => /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label));
  // All digits and dots, yet no address: a mistyped one, not a name.
  return wellFormed && host.length <= 255 && !/^[\d.]+$/.test(host);
}

function checkPasswords(passwords: Maybe, faults: Faults): void {
  if (passwords === UNKNOWN) return;
  if (!isArray(passwords) || passwords.length < 1 || passwords.length > 2) {
    const count = isArray(passwords) ? `holds ${passwords.length} passwords` : "is no list";
    faults.add("passwords", `${count}. Give one, or two while a rotation is under way, the newest first`);
    return;
  }
  passwords.forEach((password, at) => {
    if (password === UNKNOWN) return;
    if (typeof password !== "string") faults.add(`passwords[${at}]`, "is no string");
    else if (password.length < SHORTEST_PASSWORD) {
      const reason = `is ${password.length} characters long. Use ${SHORTEST_PASSWORD} or more, generated at random`;
      faults.add(`passwords[${at}]`, reason);
    }
  });
  if (typeof passwords[0] === "string" && passwords[0] === passwords[1]) {
    faults.add(
      "passwords[1]",
      "is the same as passwords[0]. Give each generation its own, or one password only",
    );
  }
}

function checkRequire(require: Maybe, faults: Faults): void {
  if (require === UNKNOWN || require === "SSL" || require === "X509") return;
  if (isObject(require) && Object.keys(require).every((key) => key === "subject" || key === "issuer")) {
    for (const part of ["subject", "issuer"] as const) {
      const given = require[part];
      if (given === UNKNOWN || (typeof given === "string" && DISTINGUISHED_NAME.test(given))) continue;
      faults.add(`require.${part}`, `is ${show(given)}. Write it as OpenSSL does, for example /CN=svc_crm`);
    }
    return;
  }
  const fix = 'Use "SSL", "X509" for any client certificate, or { subject, issuer } for one of one client';
  faults.add("require", `is ${show(require)}. ${fix}`);
}

function checkCertificate({ clientCertificate, require, probe }: Properties, faults: Faults): void {
  if (clientCertificate === UNKNOWN) return;
  if (!isUnset(clientCertificate)) {
    // No value: it holds a private key.
    if (typeof clientCertificate !== "string" || !/^-----BEGIN /.test(clientCertificate))
      faults.add("clientCertificate", "is no PEM text of a private key and its certificate");
  } else if (!isUnset(probe) && (isObject(require) || require === "X509")) {
    faults.add("clientCertificate", "is missing: without it a new password cannot be tried");
  }
}

function checkConnections(connections: Maybe, faults: Faults): void {
  if (connections === UNKNOWN) return;
  if (
    typeof connections === "number" &&
    Number.isInteger(connections) &&
    connections >= 1 &&
    connections <= 20
  )
    return;
  faults.add("maxUserConnections", `is ${show(connections)}. Use a whole number from 1 to 20`);
}

function checkOtherHosts(hosts: Maybe, own: Maybe, faults: Faults): void {
  if (isUnset(hosts) || hosts === UNKNOWN) return;
  if (!isArray(hosts)) {
    faults.add("otherHosts", `is ${show(hosts)}. Give the list of hosts that are declared elsewhere`);
    return;
  }
  hosts.forEach((host, at) => {
    checkHost(`otherHosts[${at}]`, host, faults);
    if (typeof host === "string" && host === own)
      faults.add(`otherHosts[${at}]`, `is ${show(host)}, this account itself. Remove it`);
    if (typeof host === "string" && hosts.indexOf(host) < at)
      faults.add(`otherHosts[${at}]`, `is ${show(host)} once more. Remove it`);
  });
}

function checkGrants(grants: Maybe, faults: Faults): void {
  if (grants === UNKNOWN) return;
  if (!isArray(grants)) {
    faults.add("grants", `is ${show(grants)}. Give a list of { database, table?, privileges }`);
    return;
  }
  const seen = new Map<string, number>();
  grants.forEach((grant, at) => {
    const path = `grants[${at}]`;
    if (grant === UNKNOWN) return;
    if (!isObject(grant)) {
      faults.add(path, `is ${show(grant)}. Give { database, table?, privileges }`);
      return;
    }
    for (const key of Object.keys(grant)) {
      if (!["database", "table", "privileges"].includes(key)) {
        faults.add(`${path}.${key}`, "is no property of a grant. Known are database, table, privileges");
      }
    }
    checkObjectName(`${path}.database`, grant.database, faults);
    if (!isUnset(grant.table)) checkObjectName(`${path}.table`, grant.table, faults);
    checkPrivileges(`${path}.privileges`, grant.privileges, isUnset(grant.table), faults);
    if (grant.database === UNKNOWN || grant.table === UNKNOWN) return;
    const key = JSON.stringify([grant.database, grant.table ?? null]);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, at);
    else faults.add(path, `is on the same object as grants[${first}]. Put all privileges into one of them`);
  });
}

function checkObjectName(path: string, name: Maybe, faults: Faults): void {
  if (name === UNKNOWN) return;
  const what = path.endsWith(".table") ? "table" : "database";
  if (typeof name !== "string" || name === "") faults.add(path, `is ${show(name)}. Name the ${what}`);
  else if (name === "*")
    faults.add(path, `is "*": a grant on every ${what}. Name one ${what}, or leave table out for all tables`);
  else if (!/^[A-Za-z0-9_$-]{1,64}$/.test(name)) {
    const wildcard = /[%\\]/.test(name) ? " Wildcards are escaped for you; write the plain name." : "";
    faults.add(path, `is ${show(name)}.${wildcard} Use up to 64 letters, digits, "_", "$" and "-"`);
  } else if (what === "database" && /^(mysql|sys|performance_schema|information_schema)$/i.test(name)) {
    faults.add(path, `is ${show(name)}, the server's own. A service gets nothing there`);
  }
}

function checkPrivileges(path: string, privileges: Maybe, onDatabase: boolean, faults: Faults): void {
  if (privileges === UNKNOWN) return;
  if (!isArray(privileges) || privileges.length === 0) {
    faults.add(path, `is ${show(privileges)}. List at least one privilege, for example SELECT`);
    return;
  }
  const valid = onDatabase ? DATABASE_PRIVILEGES : TABLE_PRIVILEGES;
  const seen = new Set<string>();
  privileges.forEach((given, at) => {
    if (given === UNKNOWN) return;
    const name = typeof given === "string" ? privilegeName(given) : "";
    const forbidden = forbiddenPrivilege(name);
    if (forbidden) faults.add(`${path}[${at}]`, `is ${show(given)}: ${forbidden}`);
    else if (!valid.has(name)) {
      const level = onDatabase ? "a database" : "a table";
      faults.add(
        `${path}[${at}]`,
        `is ${show(given)}, no privilege on ${level}. Valid are ${[...valid].join(", ")}`,
      );
    } else if (seen.has(name)) faults.add(`${path}[${at}]`, `is ${show(given)} once more. Remove it`);
    seen.add(name);
  });
}

/** Upper case, single spaces. DELETE VERSIONING ROWS is the former name of DELETE HISTORY. */
function privilegeName(given: string): string {
  const name = given.trim().replace(/\s+/g, " ").toUpperCase();
  return name === "DELETE VERSIONING ROWS" ? "DELETE HISTORY" : name;
}

function normaliseGrants(grants: Maybe): Value {
  if (!isArray(grants)) return grants ?? [];
  const normal = grants.map((grant): Value => {
    if (!isObject(grant) || !isArray(grant.privileges)) return grant;
    const privileges = grant.privileges.map((name) =>
      typeof name === "string" ? privilegeName(name) : name,
    );
    const { table, ...rest } = grant;
    return { ...rest, ...(isUnset(table) ? {} : { table }), privileges: sorted(privileges, String) };
  });
  return sorted(normal, (grant) =>
    isObject(grant) ? `${String(grant.database)}\n${String(grant.table ?? "")}` : "",
  );
}

/** Sorted where everything is known: unknown values keep the given order, so that a preview does not shuffle. */
function sorted(values: readonly Value[], key: (value: Value) => string): readonly Value[] {
  const unknown = values.some(
    (value) => value === UNKNOWN || (isObject(value) && Object.values(value).includes(UNKNOWN)),
  );
  if (unknown) return values;
  return [...values].sort((one, other) => (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0));
}

function isUnset(value: Maybe): value is null | undefined {
  return value === undefined || value === null;
}

function isArray(value: Maybe): value is readonly Value[] {
  return Array.isArray(value);
}

function isObject(value: Maybe): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: Maybe): string {
  if (value === undefined || value === null) return "missing";
  return typeof value === "symbol" ? "unknown" : JSON.stringify(value);
}
