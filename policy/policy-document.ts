import { isUnknown, list, object, objects, type Properties, parsed, show, type Value } from "./plain";

const ELEMENTS = new Set([
  ...[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
  ],
]);

export interface Document {
  statements: Properties[];
  /** What is wrong with its form: then nobody can say what the rest means. */
  faults: string[];
}

/** An IAM policy in a property, which may be text or an object; undefined: none, or not known yet. */
export function documentOf(policy: Value): Document | undefined {
  if (policy === undefined || policy === null || isUnknown(policy)) return undefined;
  if (typeof policy === "string" && keysIn(policy) !== keysOf(parsed(policy)))
    return { statements: [], faults: ["has a key twice: which of them counts, nobody can say"] };
  const { Statement, ...rest } = object(parsed(policy));
  const others = Object.keys(rest).filter((key) => key !== "Version" && key !== "Id");
  if (others.length > 0)
    return { statements: [], faults: [`has ${show(others[0])}, which is no part of a policy document`] };
  const all = objects(Array.isArray(Statement) ? Statement : [Statement]);
  if (all.length !== (Array.isArray(Statement) ? Statement.length : 1)) {
    return {
      statements: [],
      faults: ["is no policy document with statements: nobody can say what it allows"],
    };
  }
  const faults = all.flatMap((statement, index) => [
    ...Object.keys(statement)
      .filter((key) => !ELEMENTS.has(key))
      .map((key) => `Statement[${index}] has ${show(key)}, which is no element of a statement`),
    ...(["Allow", "Deny"].includes(String(statement.Effect))
      ? []
      : [`Statement[${index}].Effect is ${show(statement.Effect)}. Use "Allow" or "Deny"`]),
  ]);
  return { statements: all, faults };
}

/** Keys that a text of JSON writes. A string that is a value has no colon behind it. */
function keysIn(text: string): number {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length;
}

function keysOf(value: Value): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, one: Value) => sum + keysOf(one), 0);
  const entries = Object.values(object(value));
  return entries.reduce<number>((sum, one) => sum + 1 + keysOf(one), 0);
}

/** The statements of an IAM policy in a property; empty where it is not known yet. */
export function statements(policy: Value): Properties[] {
  return documentOf(policy)?.statements ?? [];
}

/** IAM writes one value as itself and several as a list. */
export function several(value: Value): readonly Value[] {
  return Array.isArray(value) ? list(value) : value === undefined ? [] : [value];
}

/** Does `Principal` mean anybody? */
export function isAnybody(principal: Value): boolean {
  if (principal === "*") return true;
  return Object.values(object(principal)).some((value) => several(value).includes("*"));
}

/** Who is named in `Principal`, with its kind: `AWS arn:aws:iam::1:root`, `Service s3.amazonaws.com`; `nobody` where nobody is. */
export function principalsOf({ Principal, NotPrincipal }: Properties): string[] {
  if (typeof Principal === "string") return [Principal];
  const named = Object.entries(object(Principal)).flatMap(([kind, value]) =>
    several(value).map((one) => `${kind} ${typeof one === "string" ? one : show(one)}`),
  );
  return named.length > 0 || NotPrincipal !== undefined ? named : ["nobody"];
}

/** One user or role of one of the accounts: no account as a whole, no root, no pattern. */
export function isOneIdentityOf(principal: string, accounts: readonly string[]): boolean {
  const [, account] = /^AWS arn:aws:iam::(\d{12}):(?:user|role)\/[\w+=,.@/-]+$/.exec(principal) ?? [];
  return account !== undefined && accounts.includes(account);
}
