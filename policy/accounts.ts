import { MARIADB_ACCOUNT, POSTGRES_LOGIN, RANDOM_PASSWORD, REDIS_USER } from "./kinds";
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
        generators: (madeFrom[property] ?? []).filter((source) => source.type === RANDOM_PASSWORD),
        service: `${type} ${String(props.worksAs ?? props.user ?? resource.name)}`,
      },
    ];
  });
}

export function generatorsOf(resources: readonly Standing[]): Standing[] {
  return resources.filter(({ type }) => type === RANDOM_PASSWORD);
}
