import { endpointOf } from "../../connect/address";
import { parseHostKey } from "../../connect/ssh";
import { failed } from "../exit";
import type { DeclaredEndpoint } from "./endpoints";

/** What the web host has to be told so that the user of the way in forwards to declared endpoints and does nothing else. */

/** Prints that it is not available, and ends. */
const NO_SHELL = "/usr/sbin/nologin";

/**
 * Lines of authorized_keys, one for each public key in `text`. They hold for these keys alone, and have no word against a Unix socket that
 * the host is asked to listen on: `sshdConfig` has, and holds for the user.
 * Errors: a line that is no public key; it is not repeated, for it may be of a private one.
 */
export function authorizedKeys(text: string, file: string, endpoints: readonly DeclaredEndpoint[]): string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
  if (lines.length === 0) throw failed(`${file} holds no public key`);
  const restrictions = [
    "restrict",
    "port-forwarding",
    ...endpoints.map(({ host, port }) => `permitopen="${endpointOf(host, port)}"`),
    // Forwarding to the host cannot be left out here. A port below 1024 is one that this user may not listen on.
    'permitlisten="localhost:1"',
    `command="${NO_SHELL}"`,
  ].join(",");
  return lines.map((line, index) => `${restrictions} ${publicKey(line, `${file}:${index + 1}`)}\n`).join("");
}

function publicKey(line: string, where: string): string {
  const [type = "", key = "", ...comment] = line.trim().split(/\s+/);
  try {
    parseHostKey(`${type} ${key}`, "");
  } catch {
    throw failed(`${where} is no public key. Name a file with lines such as "ssh-ed25519 AAAA... who"`);
  }
  return [type, key, comment.join(" ").replace(/[^ -~]/g, "?")].filter(Boolean).join(" ");
}

/** A file for /etc/ssh/sshd_config.d. It holds for every key of the user. */
export function sshdConfig(user: string, endpoints: readonly DeclaredEndpoint[]): string {
  return [
    "# The way in of operators: forwards to declared endpoints and does nothing else (estate tunnel --sshd-config).",
    `Match User ${user}`,
    "  AuthenticationMethods publickey",
    "  AllowTcpForwarding local",
    `  PermitOpen ${endpoints.map(({ host, port }) => endpointOf(host, port)).join(" ")}`,
    "  PermitListen none",
    "  AllowStreamLocalForwarding no",
    "  AllowAgentForwarding no",
    "  X11Forwarding no",
    "  PermitTunnel no",
    "  PermitTTY no",
    "  PermitUserRC no",
    `  ForceCommand ${NO_SHELL}`,
    "Match all",
    "",
  ].join("\n");
}
