import {
  ESTATE_PROVIDER,
  MARIADB_ACCOUNT,
  POSTGRES_LOGIN,
  RANDOM_PASSWORD,
  REDIS_INSTANCE,
  REDIS_USER,
  REMOTE_COMMAND,
  ROW_SECURITY,
  SERVER_CERTIFICATE,
} from "./kinds";
import { list, UNKNOWN, type Value } from "./plain";
import type { Standing } from "./rule";

/** How somebody logs in: one account, login slot or Redis user. */
export interface Account {
  resource: Standing;
  /** Property that holds the passwords. */
  property: "passwords" | "password";
  /** One or two; UNKNOWN where not known yet. Secret: compared, never shown. */
  passwords: readonly Value[];
  /** Generators that the passwords come from. */
  generators: Standing[];
  /** The service it belongs to: the login slots of a service share it. */
  service: string;
}

export function accountsOf(resources: readonly Standing[]): Account[] {
  return resources.flatMap((resource) => {
    const { type, props, madeFrom } = resource;
    if (![MARIADB_ACCOUNT, POSTGRES_LOGIN, REDIS_USER].includes(type)) return [];
    const property = type === POSTGRES_LOGIN ? "password" : "passwords";
    // While its provider cannot be configured yet, a preview shows nothing of a resource: that is no empty password.
    const value = props[property] ?? UNKNOWN;
    return [
      {
        resource,
        property,
        passwords: Array.isArray(value) ? list(value) : [value],
        generators: generatorsIn(madeFrom[property]),
        service: `${type} ${String(props.worksAs ?? props.user ?? resource.name)}`,
      },
    ];
  });
}

export function generatorsOf(resources: readonly Standing[]): Standing[] {
  return resources.filter(({ type }) => type === RANDOM_PASSWORD);
}

/** Where admins of servers have their passwords: in what logs in as one, and in what makes one. */
export const ADMIN_PASSWORDS: Readonly<Record<string, readonly string[]>> = {
  [ESTATE_PROVIDER]: ["mariadb", "postgres", "redis"],
  [REDIS_INSTANCE]: ["admin"],
  [SERVER_CERTIFICATE]: ["admin"],
  [REMOTE_COMMAND]: ["stdin"],
};

/** Generators of the passwords of admins. */
export function adminGenerators(resources: readonly Standing[]): Set<Standing> {
  return new Set(
    resources.flatMap(({ type, madeFrom }) =>
      (ADMIN_PASSWORDS[type] ?? []).flatMap((property) => generatorsIn(madeFrom[property])),
    ),
  );
}

/** Generators of what an application gets: passwords of services, and the keys of contexts. */
export function serviceGenerators(resources: readonly Standing[]): Set<Standing> {
  const keys = resources.filter(({ type }) => type === ROW_SECURITY);
  return new Set([
    ...accountsOf(resources).flatMap(({ generators }) => generators),
    ...keys.flatMap(({ madeFrom }) => generatorsIn(madeFrom.keys)),
  ]);
}

function generatorsIn(sources: readonly Standing[] = []): Standing[] {
  return sources.filter(({ type }) => type === RANDOM_PASSWORD);
}
