import { setTimeout as sleep } from "node:timers/promises";
import { runScript } from "../../../connect/host-script";
import { openSsh, type SshConnection, type SshTarget } from "../../../connect/ssh";
import { planFirewall, type Wanted } from "./plan";
import type { Endpoint } from "./rule";
import { CONFIRM, GUARDED, READ } from "./scripts";
import { type FirewallState, parseState } from "./state";

/** Where a host keeps what it would go back to; gone after a confirmed change. */
const STATE = "/var/lib/estate-firewall";

/** Rules, and what they must not cut the host off from. */
interface Guarded extends Wanted {
  needs: readonly Endpoint[];
}

export interface ApplyOptions {
  /** After this many seconds without a confirmation the host takes its former rules back by itself. */
  rollbackSeconds: number;
  signal: AbortSignal;
}

/** The firewall of the host behind an open connection; undefined: it has no ufw. */
export async function readFirewall(ssh: SshConnection, user: string): Promise<FirewallState | undefined> {
  return parseState(await run(ssh, user, "reading the firewall", READ));
}

/**
 * Brings a host's firewall to what is wanted, and proves by a new connection that the host can still be reached. Until that
 * is proven a timer on the host is ready to take the former rules back, which needs nobody: not us, not the network.
 * Errors: ufw is missing or refuses a rule; nobody gets in any more, or the host does not get out to what it needs and reached
 * before (the former rules are back then); the rules do not hold.
 */
export async function applyFirewall(
  target: SshTarget,
  wanted: Guarded,
  options: ApplyOptions,
): Promise<void> {
  const { rollbackSeconds, signal } = options;
  const ssh = await openSsh(target, { signal });
  try {
    const state = await readFirewall(ssh, target.user);
    if (!state) throw new Error(`${target.host} has no ufw. Install it there: apt-get install ufw`);
    const plan = planFirewall(state, wanted);
    if (plan.length === 0) return;
    const needs = wanted.needs.map(({ host, port }) => `${host} ${port}`).join("\n");
    const variables = {
      STATE,
      ROLLBACK_SECONDS: String(rollbackSeconds),
      PLAN: plan.join("\n"),
      NEEDS: needs,
    };
    await run(ssh, target.user, "changing the firewall", GUARDED, variables);
    await confirm(target, wanted, options);
  } finally {
    ssh.close();
  }
}

/** What it printed. Errors: it ends with another code than 0; the message ends with what it printed on standard error. */
async function run(
  ssh: SshConnection,
  user: string,
  what: string,
  text: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout, stderr, code } = await runScript(ssh, user, text, variables);
  if (code === 0) return stdout;
  throw new Error(`${what} ended with ${code}: ${stderr.trim() || stdout.trim() || "it says nothing"}`);
}

/** A connection that was open before says nothing: established ones pass every rule set. */
async function confirm(target: SshTarget, wanted: Wanted, options: ApplyOptions): Promise<void> {
  const { rollbackSeconds, signal } = options;
  // Two attempts fit well before the rollback.
  const login = { timeoutMs: Math.min(10_000, (rollbackSeconds * 1000) / 4), patienceMs: 1_000, signal };
  let ssh: SshConnection;
  try {
    ssh = await openSsh(target, login).catch(() => openSsh(target, login));
  } catch (error) {
    throw await lockedOut(target, error, options);
  }
  try {
    const left = planFirewall((await readFirewall(ssh, target.user)) ?? nothing, wanted);
    if (left.length > 0) {
      throw new Error(
        `${target.host} does not keep the firewall rules; its former ones come back within ${rollbackSeconds} s. ` +
          `Still to do: ${left.join("; ")}`,
      );
    }
    await run(ssh, target.user, "confirming the firewall", CONFIRM, { STATE });
  } finally {
    ssh.close();
  }
}

const nothing: FirewallState = { incoming: "allow", outgoing: "allow", rules: {}, faults: [] };

/** Waits for the rollback, so that the message can say how the host was left. */
async function lockedOut(target: SshTarget, cause: unknown, options: ApplyOptions): Promise<Error> {
  const { rollbackSeconds, signal } = options;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const end = Date.now() + (rollbackSeconds + 15) * 1000;
  let back = false;
  while (!back && Date.now() < end && !signal.aborted) {
    await sleep(500);
    back = await openSsh(target, { timeoutMs: 2_000, patienceMs: 0, signal }).then(
      (ssh) => {
        ssh.close();
        return true;
      },
      () => false,
    );
  }
  const outcome = back
    ? "The host has taken its former rules back and can be reached again"
    : `The host takes its former rules back ${rollbackSeconds} s after the change`;
  return new Error(
    `these firewall rules lock us out of ${target.host}: no new SSH connection got through (${reason}). ${outcome}. ` +
      "Is the address that you connect from in access.operators?",
  );
}
