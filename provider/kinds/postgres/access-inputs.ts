import {
  type AccessOnServer,
  byKey,
  type Grants,
  type Holding,
  holdingKey,
  type ObjectOnServer,
  targets,
} from "./access";
import { formatGrantKey, type GrantKey, parseDefaultGrantKey, parseGrantKey } from "./grant-key";
import { expand, parsePrivilege, privilegeKind, privilegeText, sortPrivileges } from "./privileges";

/**
 * What would have to be declared to have exactly what is there, in the words of what was declared: what is as declared
 * keeps its line. `"svc_x on tables in public"` keeps SELECT as long as one table has it; a table without it gets
 * a line `"svc_x on table public.users": ["lacks SELECT"]`. What nobody declared gets lines of its own.
 */
export function grantsAsDeclared(declared: Grants, server: AccessOnServer): Grants {
  const lines = new Lines();
  const there = byKey(server.holdings);
  const covered = new Set<string>();
  for (const [text, texts] of Object.entries(declared)) {
    const key = parseGrantKey(text);
    if (key) keepLine(text, key, texts);
  }
  for (const holding of unshared(there, covered, server, lines)) lines.addHolding(holding);
  return lines.toGrants();

  function keepLine(text: string, key: GrantKey, texts: readonly string[]): void {
    const known = texts.filter((each) => parsePrivilege(each) !== undefined);
    const found = targets(key, server);
    const onAll = key.object.kind === "all";
    const holding = found.filter(({ owner }) => owner !== key.grantee);
    // Nothing there to be granted on, or nothing that could be missing: the line holds as it is.
    const schemaThere = key.object.kind === "all" && server.schemas.includes(key.object.schema);
    if (holding.length === 0) {
      if (found.length > 0 || schemaThere) lines.add(text, known);
      return;
    }
    let complete = true;
    const kept: string[] = [];
    for (const privilege of expand(known, privilegeKind(key.object), server.version)) {
      const held = (each: ObjectOnServer) => ({ grantee: key.grantee, object: each.object, privilege });
      const lacking = holding.filter((each) => !there.has(holdingKey(held(each))));
      for (const each of holding) covered.add(holdingKey(held(each)));
      if (lacking.length === holding.length) complete = false;
      else {
        kept.push(privilegeText(privilege));
        if (onAll)
          for (const each of lacking)
            lines.add(lineOf(key.grantee, each), [`lacks ${privilegeText(privilege)}`]);
      }
    }
    lines.add(text, complete && known.includes("ALL") ? ["ALL"] : kept);
  }
}

/** The same of default privileges, where every line stands for itself. */
export function defaultGrantsAsDeclared(declared: Grants, server: AccessOnServer): Grants {
  const lines = new Lines();
  const there = byKey(server.defaultHoldings);
  for (const [text, texts] of Object.entries(declared)) {
    const key = parseDefaultGrantKey(text);
    if (key?.object.kind !== "default" || !texts.includes("ALL")) continue;
    const { grantee, object } = key;
    const all = expand(["ALL"], privilegeKind(object), server.version);
    const keys = all.map((privilege) => holdingKey({ grantee, object, privilege }));
    if (!keys.every((each) => there.has(each))) continue;
    lines.add(text, ["ALL"]);
    for (const each of keys) there.delete(each);
  }
  for (const holding of there.values()) lines.addHolding(holding);
  return lines.toGrants();
}

/** What is not covered by a declared line; what every object of a schema has alike goes to `lines` as one line. */
function unshared(
  there: Map<string, Holding>,
  covered: Set<string>,
  server: AccessOnServer,
  lines: Lines,
): Holding[] {
  const rest: Holding[] = [];
  const shared = new Map<string, { key: GrantKey; holdings: Holding[] }>();
  for (const [key, holding] of there) {
    if (covered.has(key)) continue;
    const { grantee, object, privilege } = holding;
    const ordinary =
      privilege.column === undefined && !privilege.grantOption && privilege.grantor === undefined;
    if (!ordinary || object.kind === "database" || object.kind === "schema" || object.kind === "default") {
      rest.push(holding);
      continue;
    }
    const scope: GrantKey = { grantee, object: { kind: "all", of: object.kind, schema: object.schema } };
    const name = `${formatGrantKey(scope)}: ${privilege.name}`;
    const found = shared.get(name) ?? { key: scope, holdings: [] };
    found.holdings.push(holding);
    shared.set(name, found);
  }
  for (const { key, holdings } of shared.values()) {
    const everywhere = holdings.length > 1 && holdings.length === targets(key, server).length;
    if (everywhere)
      lines.add(
        formatGrantKey(key),
        holdings.slice(0, 1).map(({ privilege }) => privilege.name),
      );
    else rest.push(...holdings);
  }
  return rest;
}

function lineOf(grantee: string, { object }: ObjectOnServer): string {
  return formatGrantKey({ grantee, object });
}

class Lines {
  private readonly lines = new Map<string, Set<string>>();

  add(key: string, privileges: readonly string[]): void {
    const line = this.lines.get(key) ?? new Set();
    for (const privilege of privileges) line.add(privilege);
    this.lines.set(key, line);
  }

  addHolding({ grantee, object, privilege }: Holding): void {
    this.add(formatGrantKey({ grantee, object }), [privilegeText(privilege)]);
  }

  toGrants(): Grants {
    const filled = [...this.lines].filter(([, privileges]) => privileges.size > 0);
    return Object.fromEntries(
      filled
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([key, privileges]) => [key, sortPrivileges(privileges)]),
    );
  }
}
