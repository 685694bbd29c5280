import * as fs from "node:fs";
import * as path from "node:path";

/**
 * The Debian mirror that packages and images come from: `ESTATE_DEBIAN_MIRROR`, else the one that this machine's own apt
 * is set to. Errors: neither names one.
 */
export function debianMirror(env: NodeJS.ProcessEnv = process.env, apt = "/etc/apt"): string {
  const named = env.ESTATE_DEBIAN_MIRROR || mirrorIn(sources(apt));
  if (named) return named;
  throw new Error(
    `no Debian mirror is known: ${apt} names none. Set ESTATE_DEBIAN_MIRROR to one, a URL that ends with /debian`,
  );
}

/** The first mirror of an apt source in either format, one-line or deb822; undefined: none. */
export function mirrorIn(text: string): string | undefined {
  for (const line of text.split("\n")) {
    const found = /^\s*(?:deb\s|URIs:).*?\b(https?:\/\/\S+\/debian)\/?(?:\s|$)/.exec(line)?.[1];
    if (found) return found;
  }
  return undefined;
}

function sources(apt: string): string {
  const parts = path.join(apt, "sources.list.d");
  const files = fs.existsSync(parts) ? fs.readdirSync(parts).sort() : [];
  return [path.join(apt, "sources.list"), ...files.map((file) => path.join(parts, file))]
    .filter((file) => fs.existsSync(file))
    .map((file) => fs.readFileSync(file, "utf8"))
    .join("\n");
}
