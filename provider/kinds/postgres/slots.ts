import {
  extraMemberships,
  FOREVER,
  isWorkMembership,
  type LoginInputs,
  type LoginState,
  membershipText,
  NOT_OURS,
  type RoleOnServer,
  type SlotDrift,
  UNREADABLE,
} from "./login";

/** One of the two slots as it stands. */
export interface FoundSlot {
  role: string;
  /** undefined: there is no such role. */
  found: RoleOnServer | undefined;
  /** Whether its verifier is one of the declared password. */
  isNewest: boolean;
  /** Open sessions. */
  sessions: number;
}

/** What becomes of the two slots. */
export interface SlotPlan {
  /** The slot for the declared password. */
  role: string;
  /** The other one, and whether a replaced password goes on logging in there. */
  other: string;
  keepsFormer: boolean;
  /** Whose open sessions end. */
  endSessionsOf: string[];
}

/**
 * Which slot takes the declared password. One that is replaced keeps its slot, so its successor goes to the other. A
 * slot that is in use is not overwritten while the other one is idle: then the newest password never got to the service.
 * @param before the last run's state; undefined: a new login
 */
export function planSlots(
  wanted: Pick<LoginInputs, "password" | "formerPassword" | "worksAs">,
  slots: readonly [FoundSlot, FoundSlot],
  before: Pick<LoginState, "role" | "password" | "former"> | undefined,
): SlotPlan {
  const refuses = wanted.formerPassword === "refuse";
  const changes = before !== undefined && ![wanted.password, NOT_OURS].includes(before.password);
  const current = slots.find(({ role }) => role === before?.role) ?? firstFree(slots);
  const second = slots.find((slot) => slot !== current) as FoundSlot;
  const newest = slots.find(({ isNewest }) => isNewest);
  const inUse = (second.found?.login ?? false) && second.sessions > 0 && current.sessions === 0;
  const target = newest ?? (changes && (refuses || !inUse) ? second : current);
  const other = target === current ? second : current;
  const open = other.found?.login ?? false;
  // What logs in at the other slot is a password of ours: the one being replaced, or one that was replaced before.
  const known = (changes && other === current) || (before?.former !== undefined && before.former !== "");
  const keepsFormer = !refuses && open && known;
  return {
    role: target.role,
    other: other.role,
    keepsFormer,
    endSessionsOf: [
      ...(open && !keepsFormer ? [other.role] : []),
      ...(refuses && changes && target.found?.login && !target.isNewest ? [target.role] : []),
    ],
  };
}

function firstFree(slots: readonly [FoundSlot, FoundSlot]): FoundSlot {
  return slots.find(({ found }) => !found?.login) ?? slots[0];
}

/** In what a slot differs from what is declared; undefined: in nothing. */
export function slotDrift(
  { role, found }: Pick<FoundSlot, "role" | "found">,
  state: Pick<LoginState, "worksAs" | "role" | "former" | "connectionLimit" | "settings">,
): SlotDrift | undefined {
  if (!found) return { missing: true };
  const { worksAs, connectionLimit } = state;
  const settings = settingsDrift(found, state);
  const works = found.memberships.some((membership) => isWorkMembership(membership, worksAs));
  const drift: SlotDrift = {
    ...(loginAsDeclared(role, found, state) ? {} : { login: found.login }),
    ...(found.connectionLimit === connectionLimit ? {} : { connectionLimit: found.connectionLimit }),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
    ...listDrift("attributes", found.attributes),
    ...(works ? {} : { worksAs: "not as declared" as const }),
    ...listDrift("memberships", extraMemberships(found, worksAs).map(membershipText).sort()),
    ...listDrift("members", found.members.map(membershipText).sort()),
    ...(found.validUntil === FOREVER ? {} : { validUntil: found.validUntil }),
  };
  return Object.keys(drift).length === 0 ? undefined : drift;
}

/** The slot in use is open. The other one is closed, or open to the password that was replaced. */
function loginAsDeclared(
  role: string,
  found: RoleOnServer,
  state: Pick<LoginState, "role" | "former">,
): boolean {
  if (role === state.role) return found.login;
  if (!found.login) return true;
  return state.former !== "" && verifierOf(found) === state.former;
}

/** What stands for a slot's password in the state. */
export function verifierOf({ verifier }: RoleOnServer): string {
  return verifier === undefined ? UNREADABLE : (verifier ?? "");
}

function listDrift<Name extends "attributes" | "memberships" | "members">(name: Name, values: string[]) {
  return values.length === 0 ? {} : { [name]: values };
}

function settingsDrift(
  found: RoleOnServer,
  { worksAs, settings }: Pick<LoginState, "worksAs" | "settings">,
): Record<string, string | null> {
  const wanted: Record<string, string> = { ...settings, role: worksAs };
  const drift: Record<string, string | null> = {};
  for (const { name, value, database } of found.settings) {
    if (database !== null) drift[`${name} in ${database}`] = value;
    else if (wanted[name] !== value) drift[name] = value;
  }
  const set = new Set(found.settings.filter(({ database }) => database === null).map(({ name }) => name));
  for (const name of Object.keys(wanted)) if (!set.has(name)) drift[name] = null;
  return drift;
}
