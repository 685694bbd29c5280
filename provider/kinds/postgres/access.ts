import { formatGrantKey, type GrantKey, type GrantObject, objectText } from "./grant-key";
import { expand, type Privilege, privilegeKind, privilegeText, tooOldFor } from "./privileges";

/** Keys as in grant-key.ts, values as in privileges.ts. */
export type Grants = Record<string, string[]>;

/** Who may do what in one database, as it is declared and as it is kept in the state. */
export interface AccessInputs {
  database: string;
  schemas: string[];
  /** `read` adds what nobody declared, and `lacks SELECT` to the one table that misses what all tables should have. */
  grants: Grants;
  defaultGrants: Grants;
  owners: string[];
}

/** One privilege of one grantee on one object. */
export interface Holding {
  grantee: string;
  object: GrantObject;
  privilege: Privilege;
}

export interface ObjectOnServer {
  object: GrantObject;
  owner: string;
}

/** Everything an Access owns, as it stands. Without what owners have by being owners, and without extensions' objects. */
export interface AccessOnServer {
  /** 170006: 17.6 */
  version: number;
  /** Those of the declared schemas and owners that exist. */
  schemas: string[];
  owners: string[];
  /** Every role of the server. */
  roles: Set<string>;
  objects: ObjectOnServer[];
  holdings: Holding[];
  defaultHoldings: Holding[];
}

/** Equal for equal holdings, and no others. */
export function holdingKey({ grantee, object, privilege }: Holding): string {
  return `${formatGrantKey({ grantee, object })}: ${privilegeText(privilege)}`;
}

export function byKey(holdings: readonly Holding[]): Map<string, Holding> {
  return new Map(holdings.map((holding) => [holdingKey(holding), holding]));
}

/** The existing objects that a key of `grants` is about; of a whole schema those the grantee does not own anyway. */
export function targets({ grantee, object }: GrantKey, server: AccessOnServer): ObjectOnServer[] {
  if (object.kind === "all") {
    return server.objects.filter(
      (found) =>
        found.object.kind === object.of && found.object.schema === object.schema && found.owner !== grantee,
    );
  }
  const text = objectText(object);
  return server.objects.filter((found) => objectText(found.object) === text);
}

/** What is declared, object by object; and everything that stands in its way, in words. */
export function wantedHoldings(
  grants: Grants,
  parse: (key: string) => GrantKey | undefined,
  server: AccessOnServer,
): { holdings: Holding[]; faults: string[] } {
  const holdings: Holding[] = [];
  const faults = new Set<string>();
  for (const [text, texts] of Object.entries(grants)) {
    const key = parse(text);
    if (!key) throw new Error(`"${text}" is no key`);
    if (!server.roles.has(key.grantee)) faults.add(`role "${key.grantee}" does not exist: create it first`);
    for (const old of texts.map((privilege) => tooOldFor(privilege, server.version))) {
      if (old) faults.add(`"${text}": ${old}`);
    }
    const privileges = expand(texts, privilegeKind(key.object), server.version);
    for (const { object, owner } of key.object.kind === "default"
      ? [defaultObject(key.object)]
      : existing(key)) {
      if (owner === key.grantee) continue;
      holdings.push(...privileges.map((privilege) => ({ grantee: key.grantee, object, privilege })));
    }
  }
  return { holdings, faults: [...faults] };

  function existing(key: GrantKey): ObjectOnServer[] {
    const found = targets(key, server);
    if (found.length === 0 && key.object.kind !== "all") {
      faults.add(
        `${objectText(key.object)} does not exist: create it first (a migration), or take the line out`,
      );
    }
    return found;
  }
}

function defaultObject(object: GrantObject & { kind: "default" }): ObjectOnServer {
  return { object, owner: object.owner };
}
