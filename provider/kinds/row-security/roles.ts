import type { PostgresConnection } from "../../../connect/postgres";
import { quoteIdentifier as id } from "../../../text/postgres";
import { isWorkMembership, type Membership, membershipText, type RoleOnServer } from "../postgres/login";
import { readRole } from "../postgres/read-role";
import type { IdentityRole, RowSecurityInputs } from "./inputs";

type Declared = Pick<RowSecurityInputs, "identities" | "owner" | "service">;

/** The roles that row security stands on, as they are. */
export interface RolesOnServer {
  identities: Map<string, RoleOnServer>;
  owner: RoleOnServer | undefined;
  service: RoleOnServer | undefined;
}

export async function readRoles(connection: PostgresConnection, declared: Declared): Promise<RolesOnServer> {
  const identities = new Map<string, RoleOnServer>();
  for (const role of Object.keys(declared.identities)) {
    const found = await readRole(connection, role);
    if (found) identities.set(role, found);
  }
  return {
    identities,
    owner: await readRole(connection, declared.owner),
    service: await readRole(connection, declared.service),
  };
}

/** What would have to be declared to have these roles. */
export function rolesAsDeclared(
  declared: Declared,
  found: RolesOnServer,
): Pick<RowSecurityInputs, "identities" | "ownerMembers" | "serviceMemberOf"> {
  return {
    identities: Object.fromEntries(
      [...found.identities].map(([role, on]): [string, IdentityRole] => [
        role,
        {
          members: on.members.map(membershipText).sort(),
          memberOf: on.memberships.map(membershipText).sort(),
          attributes: [...(on.login ? ["LOGIN"] : []), ...on.attributes].sort(),
        },
      ]),
    ),
    ownerMembers: (found.owner?.members ?? []).map(membershipText).sort(),
    serviceMemberOf: foreign(declared, found).map(membershipText).sort(),
  };
}

/** Memberships of the service in roles that are no identities. */
function foreign({ identities }: Declared, { service }: RolesOnServer): Membership[] {
  return (service?.memberships ?? []).filter(({ role }) => !Object.hasOwn(identities, role));
}

/** The statements that make the roles what is declared. */
export function roleStatements(declared: Declared, found: RolesOnServer): string[] {
  return [
    ...Object.entries(declared.identities).flatMap(([role, { members }]) =>
      identityStatements(role, members, found.identities.get(role)),
    ),
    ...(found.owner?.members ?? []).map((member) => revoke(declared.owner, member.role, member)),
    ...foreign(declared, found).map((membership) => revoke(membership.role, declared.service, membership)),
  ];
}

function identityStatements(role: string, members: string[], found: RoleOnServer | undefined): string[] {
  if (!found) {
    return [
      `CREATE ROLE ${id(role)} WITH NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT`,
      ...members.map((member) => take(role, member)),
    ];
  }
  const attributes = [
    ...(found.login ? ["NOLOGIN"] : []),
    ...found.attributes.map((each) => (each === "NOINHERIT" ? "INHERIT" : `NO${each}`)),
  ];
  const right = members.map((member) => found.members.find((each) => isWorkMembership(each, member)));
  const wrong = found.members.filter((each) => !right.includes(each));
  const missing = members.filter((_member, index) => right[index] === undefined);
  return [
    ...(attributes.length > 0 ? [`ALTER ROLE ${id(role)} WITH ${attributes.join(" ")}`] : []),
    ...found.memberships.map((membership) => revoke(membership.role, role, membership)),
    ...wrong.map((member) => revoke(role, member.role, member)),
    ...missing.map((member) => take(role, member)),
  ];
}

/** The member has nothing of the role until it takes it, for one transaction. */
function take(role: string, member: string): string {
  return `GRANT ${id(role)} TO ${id(member)} WITH ADMIN FALSE, INHERIT FALSE, SET TRUE`;
}

function revoke(role: string, member: string, { grantor }: Membership): string {
  return `REVOKE ${id(role)} FROM ${id(member)} GRANTED BY ${id(grantor)} CASCADE`;
}
