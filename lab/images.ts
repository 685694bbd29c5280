import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { endGroup, groupDirectory, makeGroup } from "./cgroups";
import { attempt, lastLines } from "./command";
import { debianMirror } from "./debian-mirror";
import type { LabImage } from "./hosts";
import {
  blankPackages,
  cloudPackages,
  githubPackages,
  mirrorPackages,
  strangerPackages,
  webPackages,
} from "./packages";
import { cacheDirectory, scripts } from "./paths";
import type { Progress } from "./progress";

/** Directories of the finished images: what hosts boot from. */
export interface Images {
  /** The overlay's lower directories of each kind of host, uppermost first. */
  lower: Record<LabImage, string[]>;
  /** The package repository, mounted in every host. */
  mirror: string;
}

type ImageName = LabImage | "packages";

interface Recipe {
  name: ImageName;
  script: string;
  /** Arguments before the work directory, then those after it. */
  before: string[];
  after: string[];
}

/**
 * The images, built as far as the cache does not hold them. Each is named by a digest of all it is made from, so a
 * changed recipe is another image; it gets its name when it is complete, so an interrupted build leaves none.
 */
export async function ensureImages(progress: Progress): Promise<Images> {
  const cache = cacheDirectory();
  fs.mkdirSync(cache, { recursive: true });
  try {
    await endBuilds(); // A killed command's builds go on without it.
    return await buildAll(cache, progress);
  } finally {
    await endBuilds(); // One that failed ends the others.
  }
}

/** Kills what builds there are. */
export function endBuilds(): Promise<number> {
  return endGroup(groupDirectory("build"));
}

async function buildAll(cache: string, progress: Progress): Promise<Images> {
  const build = (recipe: Recipe) => ensureImage(cache, recipe, progress);
  // The web host stands on a Debian of its own; the other images all need the blank one.
  const web = build(root("web", "bookworm", webPackages));
  web.catch(() => undefined); // Reported where it is awaited below.
  const blank = await build(root("blank", "trixie", blankPackages));
  const mirror = await build({
    name: "packages",
    script: "fetch-packages.sh",
    before: [blank, debianMirror(), "trixie"],
    after: unique([...mirrorPackages, ...cloudPackages, ...githubPackages, ...strangerPackages]),
  });
  const [cloud, stranger] = await Promise.all([
    build(layer("cloud", blank, mirror, [...cloudPackages, ...githubPackages])),
    build(layer("stranger", blank, mirror, strangerPackages)),
  ]);
  return {
    lower: { blank: [blank], web: [await web], cloud: [cloud, blank], stranger: [stranger, blank] },
    mirror,
  };
}

function root(name: LabImage, suite: string, packages: readonly string[]): Recipe {
  const before = [suite, unique(packages).join(","), debianMirror(), finishScript(name)];
  return { name, script: "build-root.sh", before, after: [] };
}

function layer(name: LabImage, blank: string, mirror: string, packages: readonly string[]): Recipe {
  return {
    name,
    script: "build-layer.sh",
    before: [blank, mirror, finishScript(name)],
    after: unique(packages),
  };
}

function finishScript(name: LabImage): string {
  return path.join(scripts, `finish-${name}.sh`);
}

async function ensureImage(cache: string, recipe: Recipe, progress: Progress): Promise<string> {
  const name = `${recipe.name}-${digest(recipe)}`;
  const image = path.join(cache, name);
  if (fs.existsSync(image)) return image;
  await progress.stage(`image ${recipe.name}`, async () => {
    const work = path.join(cache, `.build-${name}`);
    fs.rmSync(work, { recursive: true, force: true });
    fs.mkdirSync(work);
    await buildIn(work, recipe);
    fs.renameSync(path.join(work, "root"), image);
    fs.rmSync(work, { recursive: true, force: true });
  });
  return image;
}

/** The build has its own mount and PID namespaces and its own cgroup: `down` finds it, and its mounts die with it. */
async function buildIn(work: string, { name, script, before, after }: Recipe): Promise<void> {
  const group = makeGroup("build");
  const { code, stdout, stderr } = await attempt("sh", [
    "-c",
    'echo $$ > "$0/cgroup.procs" && exec unshare --mount --pid --fork --kill-child sh "$@"',
    group,
    path.join(scripts, script),
    ...before,
    work,
    ...after,
  ]);
  fs.writeFileSync(path.join(work, "log"), stdout + stderr);
  if (code === 0) return;
  throw new Error(
    `building the image ${name} failed with exit code ${code}; the whole log is ${path.join(work, "log")}.\n${lastLines(
      stdout + stderr,
      15,
    )}\nThe packages come from ${debianMirror()}; ESTATE_DEBIAN_MIRROR names another mirror.`,
  );
}

/** Paths in the cache are named by digests themselves, so a new blank root makes new layers too. */
function digest({ script, before, after }: Recipe): string {
  const hash = createHash("sha256").update(fs.readFileSync(path.join(scripts, script)));
  for (const argument of [...before, "--", ...after]) {
    const isScript = argument.startsWith(scripts);
    hash.update(isScript ? fs.readFileSync(argument) : path.basename(argument)).update("\0");
  }
  return hash.digest("hex").slice(0, 10);
}

/** Removes images that neither the present recipes nor a host's layer use, and what interrupted builds left. */
export function pruneImages(images: Images, inUse: readonly string[]): string[] {
  const cache = cacheDirectory();
  const keep = new Set([...Object.values(images.lower).flat(), images.mirror, ...inUse]);
  const old = fs.readdirSync(cache).map((name) => path.join(cache, name));
  const removable = old.filter((directory) => !keep.has(directory));
  for (const directory of removable) fs.rmSync(directory, { recursive: true, force: true });
  return removable;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
