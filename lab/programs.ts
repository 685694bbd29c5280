import * as fs from "node:fs";
import * as path from "node:path";
import { attempt, lastLines } from "./command";
import type { Progress } from "./progress";

/**
 * What the lab, the tests, the bench, the drill and what makes the schemas call on this machine, by the Debian package that has it.
 * An absolute path is a file. All other tools come from Debian roots: see lab/images.ts and test/support/debian-root.ts.
 */
const needed: Record<string, readonly string[]> = {
  debootstrap: ["debootstrap"],
  "debian-archive-keyring": ["/usr/share/keyrings/debian-archive-keyring.gpg"],
  "ca-certificates": ["/etc/ssl/certs/ca-certificates.crt"],
  apt: ["apt-get"],
  // Who checks the signature of a release; some versions of debootstrap know no other.
  gpgv: ["gpgv"],
  dpkg: ["dpkg-deb"],
  tar: ["tar"],
  bash: ["bash"],
  coreutils: ["chmod", "chroot", "mkfifo", "mknod", "sha256sum", "timeout"],
  git: ["git"],
  iproute2: ["ip", "ss"],
  nftables: ["nft"],
  mount: ["mount", "umount"],
  "util-linux": ["findmnt", "flock", "nsenter", "setpriv", "unshare"],
  "openssh-client": ["ssh", "ssh-add", "ssh-agent", "ssh-keygen"],
  openssl: ["openssl"],
  age: ["age", "age-keygen"],
  zstd: ["zstd"],
  jq: ["jq"],
};

/** Programs and files of that table that this machine lacks, by their package. */
export function missingPrograms(
  env: NodeJS.ProcessEnv = process.env,
  exists: (file: string) => boolean = fs.existsSync,
): Record<string, string[]> {
  const places = (env.PATH ?? "").split(":").filter(Boolean);
  const found = (program: string) =>
    path.isAbsolute(program) ? exists(program) : places.some((place) => exists(path.join(place, program)));
  const missing = Object.entries(needed).map(
    ([name, programs]) => [name, programs.filter((program) => !found(program))] as const,
  );
  return Object.fromEntries(
    missing.filter(([, programs]) => programs.length > 0).map(([n, p]) => [n, [...p]]),
  );
}

/** All programs of the table. */
export function neededPrograms(): string[] {
  return Object.values(needed).flat();
}

/** What is missing and what to install, in one sentence; undefined: nothing is. */
export function describeMissing(missing: Record<string, string[]>): string | undefined {
  const packages = Object.keys(missing);
  if (packages.length === 0) return undefined;
  return `the programs ${Object.values(missing).flat().join(", ")}. Install the packages: ${packages.join(" ")}`;
}

/** Throws one message with all that is missing, and installs nothing. */
export function requirePrograms(): void {
  const missing = describeMissing(missingPrograms());
  if (missing) throw new Error(`this machine lacks ${missing}`);
}

/** Installs what is missing where that can be done (root, apt). Resolves to the fault that is left. */
export async function installPrograms(progress: Progress): Promise<string | undefined> {
  const missing = missingPrograms();
  const advice = describeMissing(missing);
  if (!advice) return undefined;
  const apt = fs.existsSync("/usr/bin/apt-get");
  if (process.getuid?.() !== 0 || !apt) return advice;
  const packages = Object.keys(missing);
  return progress.stage(`installing ${packages.join(", ")}`, async () => {
    const install = [
      "env",
      "DEBIAN_FRONTEND=noninteractive",
      "apt-get",
      "-q",
      "-y",
      "--no-install-recommends",
    ];
    // The lists may be older than what the mirror still has, or not be there at all.
    const script = `${install.join(" ")} install "$@" || { apt-get -q update && ${install.join(" ")} install "$@"; }`;
    const { code, stdout, stderr } = await attempt("sh", ["-c", script, "sh", ...packages]);
    const left = describeMissing(missingPrograms());
    if (code === 0 && !left) return undefined;
    return `${left ?? advice} (apt-get tried it and failed:\n${lastLines(stderr || stdout, 4)})`;
  });
}
