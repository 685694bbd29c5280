import { existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cacheDirectory } from "./debian-root";
import { python } from "./python";

const version = "1.32.0";
const wheel = `zizmor-${version}-py3-none-manylinux_2_28_x86_64.whl`;
const digest = "84a6acb975accc13408786a2bd274b572537ca19c933ebbc13e78f3988562071";

/** The pinned zizmor, an auditor of workflows, from its published wheel; kept in the cache. Gives the program's path. */
export async function zizmor(): Promise<string> {
  const program = join(cacheDirectory(), "zizmor", version, "zizmor");
  if (existsSync(program)) return program;
  const work = await mkdtemp(join(tmpdir(), "zizmor-"));
  try {
    const requirements = join(work, "requirements.txt");
    await writeFile(requirements, `zizmor==${version} --hash=sha256:${digest}\n`);
    const only = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", requirements];
    await python("-m", "pip", "--quiet", "download", ...only, "--dest", work);
    await python("-m", "zipfile", "--extract", join(work, wheel), work);
    const unpacked = join(work, `zizmor-${version}.data/scripts/zizmor`);
    await mkdir(dirname(program), { recursive: true });
    const beside = `${program}.${process.pid}`;
    await cp(unpacked, beside);
    await chmod(beside, 0o755);
    await rename(beside, program);
    return program;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
