import { quoteIdentifier as id, quoteString } from "../../../text/postgres";
import {
  extraMemberships,
  FOREVER,
  isWorkMembership,
  listItems,
  type RoleOnServer,
  type Slot,
  storedValue,
} from "./login";

/**
 * The statements that make a slot what is declared, only those that change something: a no-op rewrites the catalogue
 * row all the same, and an admin that is no superuser may not even say NOSUPERUSER.
 * @param verifier to write; null: none is to be left, undefined: what is there stays
 */
export function loginStatements(
  wanted: Slot,
  server: RoleOnServer | undefined,
  verifier: string | null | undefined,
): string[] {
  const { role, worksAs } = wanted;
  const password =
    verifier === undefined ? [] : [`PASSWORD ${verifier === null ? "NULL" : quoteString(verifier)}`];
  const settings = { ...wanted.settings, role: worksAs };
  if (!server) {
    return [
      `CREATE ROLE ${id(role)} WITH ${[...attributes(wanted), ...password].join(" ")}`,
      grantWork(wanted),
      ...Object.entries(settings).map(([name, value]) => setting(role, name, value)),
    ];
  }
  const changes = [...changedAttributes(wanted, server), ...password];
  return [
    ...(changes.length > 0 ? [`ALTER ROLE ${id(role)} WITH ${changes.join(" ")}`] : []),
    ...extraMemberships(server, worksAs).map(
      (extra) => `REVOKE ${id(extra.role)} FROM ${id(role)} GRANTED BY ${id(extra.grantor)} CASCADE`,
    ),
    ...server.members.map(
      (member) => `REVOKE ${id(role)} FROM ${id(member.role)} GRANTED BY ${id(member.grantor)} CASCADE`,
    ),
    ...(server.memberships.some((found) => isWorkMembership(found, worksAs)) ? [] : [grantWork(wanted)]),
    ...changedSettings(role, settings, server),
  ];
}

function attributes({ login, connectionLimit }: Slot): string[] {
  return [
    login ? "LOGIN" : "NOLOGIN",
    "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT",
    `CONNECTION LIMIT ${connectionLimit}`,
  ];
}

function changedAttributes({ login, connectionLimit }: Slot, server: RoleOnServer): string[] {
  return [
    ...(server.login === login ? [] : [login ? "LOGIN" : "NOLOGIN"]),
    ...server.attributes.map((found) => (found === "NOINHERIT" ? "INHERIT" : `NO${found}`)),
    ...(server.connectionLimit === connectionLimit ? [] : [`CONNECTION LIMIT ${connectionLimit}`]),
    ...(server.validUntil === FOREVER ? [] : ["VALID UNTIL 'infinity'"]),
  ];
}

/** INHERIT FALSE, SET TRUE: the slot can become the role, and is powerless until it does. */
function grantWork({ role, worksAs }: Slot): string {
  return `GRANT ${id(worksAs)} TO ${id(role)} WITH ADMIN FALSE, INHERIT FALSE, SET TRUE`;
}

function setting(role: string, name: string, value: string): string {
  const items = listItems(name, value) ?? [value];
  return `ALTER ROLE ${id(role)} SET ${settingName(name)} = ${items.map(quoteString).join(", ")}`;
}

function changedSettings(role: string, wanted: Record<string, string>, server: RoleOnServer): string[] {
  const kept = server.settings.filter(
    ({ database, name, value }) =>
      database === null && wanted[name] !== undefined && value === storedValue(name, wanted[name]),
  );
  const superfluous = server.settings.filter(
    ({ database, name }) => database !== null || wanted[name] === undefined,
  );
  const missing = Object.entries(wanted).filter(([name]) => !kept.some((found) => found.name === name));
  return [
    ...superfluous.map(({ database, name }) => {
      const where = database === null ? "" : ` IN DATABASE ${id(database)}`;
      return `ALTER ROLE ${id(role)}${where} RESET ${settingName(name)}`;
    }),
    ...missing.map(([name, value]) => setting(role, name, value)),
  ];
}

/** `statement_timeout`, or `pgaudit.log` of an extension: each part quoted by itself. */
function settingName(name: string): string {
  return name.split(".").map(id).join(".");
}
