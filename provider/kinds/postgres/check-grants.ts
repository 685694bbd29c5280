import { keyPath } from "../../wire/diff";
import { type CheckFailure, UNKNOWN, type Value } from "../../wire/kind";
import { formatGrantKey, type GrantKey, parseDefaultGrantKey, parseGrantKey } from "./grant-key";
import { declaredPrivilege, sortPrivileges } from "./privileges";

/** Lists that the keys may name; UNKNOWN in a preview. */
export interface GrantLimits {
  schemas: readonly Value[] | typeof UNKNOWN;
  owners: readonly Value[] | typeof UNKNOWN;
}

const EXAMPLES = {
  grants:
    '"svc_x on database", "svc_x on schema public", "svc_x on tables in public" (sequences, functions, types alike), ' +
    '"svc_x on table public.users"',
  defaultGrants:
    '"svc_x on tables by owner_x in public" (sequences, functions, types alike), "svc_x on schemas by owner_x"',
};

/** Checks one of the two maps and brings it into the form in which it is read back. All faults at once. */
export function checkGrants(
  property: "grants" | "defaultGrants",
  value: Value,
  limits: GrantLimits,
): { value: Value; failures: CheckFailure[] } {
  if (value === UNKNOWN) return { value, failures: [] };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const reason = `must be a map from ${EXAMPLES[property]} to lists of privileges`;
    return { value, failures: [{ property, reason }] };
  }
  const failures: CheckFailure[] = [];
  const checked: Record<string, Value> = {};
  for (const [text, privileges] of Object.entries(value)) {
    const fail = (reason: string) => failures.push({ property: keyPath(property, text), reason });
    const key = property === "grants" ? parseGrantKey(text) : parseDefaultGrantKey(text);
    if (!key) {
      fail(`is no key; write ${EXAMPLES[property]}. Names with other characters stand in double quotes`);
      continue;
    }
    for (const fault of keyFaults(key, limits)) fail(fault);
    const name = formatGrantKey(key);
    if (name in checked) fail("stands for the same as another line; keep one");
    checked[name] = checkPrivileges(privileges, key, fail);
  }
  return { value: checked, failures };
}

function keyFaults({ grantee, object }: GrantKey, limits: GrantLimits): string[] {
  const faults: string[] = [];
  if (grantee === "public") {
    faults.push(
      "gives it to everybody who can connect (PUBLIC), which is never granted; name the roles that need it",
    );
  }
  const schema = "schema" in object ? object.schema : undefined;
  if (schema !== undefined && !allows(limits.schemas, schema)) {
    faults.push(`schema "${schema}" is not in schemas; add it there`);
  }
  if (object.kind === "default" && !allows(limits.owners, object.owner)) {
    faults.push(`owner "${object.owner}" is not in owners; add it there`);
  }
  return faults;
}

function allows(list: GrantLimits["schemas"], name: string): boolean {
  return list === UNKNOWN || list.includes(UNKNOWN) || list.includes(name);
}

function checkPrivileges(
  privileges: Value | undefined,
  key: GrantKey,
  fail: (reason: string) => void,
): Value {
  if (privileges === UNKNOWN) return privileges;
  if (!isList(privileges) || privileges.length === 0) {
    fail('must be a list of privileges, ["SELECT"]; take the line out to grant nothing');
    return privileges ?? null;
  }
  if (privileges.includes(UNKNOWN)) return privileges;
  const checked = privileges.map((privilege) => {
    if (typeof privilege !== "string") return { fault: "a privilege is a string such as SELECT" };
    return declaredPrivilege(privilege, key.object);
  });
  for (const each of checked) if ("fault" in each) fail(each.fault);
  const known = checked.flatMap((each) => ("privilege" in each ? [each.privilege] : []));
  return known.includes("ALL") ? ["ALL"] : sortPrivileges(known);
}

function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}
