import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import type { Manifest } from "../../../ops/backup/manifest";
import { type Drill, judge } from "../context";
import { lastLines } from "../operator";
import { run } from "../process";
import { COPY, dropCopy, entryOf } from "../stages/point-in-time";
import type { LabBucket } from "./bucket";
import { mustRefuse } from "./refused";

const DATABASE = "mo_consent";

/** Backups that are not what they were, and a key that is not theirs: each must be refused, for its own reason. */
export async function damagedDumps(drill: Drill, bucket: LabBucket): Promise<void> {
  const manifest = await newestManifest(bucket, entryOf(DATABASE).server);
  const half = (sealed: Buffer) => sealed.subarray(0, Math.floor(sealed.length / 2));
  const cases = [
    {
      run: runOfNow(1),
      what: "a dump that was cut off",
      words: /has \d+ bytes; its manifest says \d+/,
      damage: half,
      honest: false,
    },
    {
      run: runOfNow(2),
      what: "a dump that was cut off before it was sent",
      words: /cannot be decrypted, so it was cut off/,
      damage: half,
      honest: true,
    },
    {
      run: runOfNow(3),
      what: "a dump with one changed byte",
      words: /not those that were sent/,
      damage: flipped,
      honest: false,
    },
  ];
  for (const { run, what, words, damage, honest } of cases) {
    await bucket.putDamaged({ manifest, database: DATABASE, run }, damage, honest);
    const asked = await drill.operator.ask(`npx estate restore ${DATABASE} --run ${run} --into ${COPY}`);
    judge(
      drill,
      "refusals",
      what,
      [...mustRefuse(asked, 1, words), ...(await mustNotBe(drill))],
      lastLines(asked, 1),
    );
  }
  const object = manifest.objects.find(({ database }) => database === DATABASE);
  const show = await bucket.hide(object?.key ?? "");
  try {
    const gone = await drill.operator.ask(`npx estate backup verify ${DATABASE} --run ${manifest.run}`);
    judge(
      drill,
      "refusals",
      "a dump that was deleted is still read, and the deletion is told",
      [...mustRefuse(gone, 1, /DELETED daily\//), ...mustRefuse(gone, 1, / whole$/m)],
      lastLines(gone, 1),
    );
  } finally {
    await show();
  }
  await wrongKey(drill);
}

/** A name that no agent gives: its random part counts. */
function runOfNow(n: number): string {
  return `${new Date().toISOString().slice(0, 19).replace(/[-:]/g, "")}Z-0000000${n}`;
}

async function wrongKey(drill: Drill): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), "estate-drill-key-"));
  try {
    const file = path.join(directory, "key");
    const made = await run("age-keygen", ["-o", file]);
    if (made.code !== 0) throw new Error(made.stderr);
    const asked = await drill.operator.ask(`npx estate restore ${DATABASE} --into ${COPY}`, {
      BACKUP_KEY_FILE: file,
    });
    const faults = [
      ...mustRefuse(asked, 1, /the key in BACKUP_KEY_FILE does not open it/),
      ...(await mustNotBe(drill)),
    ];
    judge(drill, "refusals", "a key that is not the one", faults, lastLines(asked, 1));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Nothing of a refused backup may stay on the host. */
async function mustNotBe(drill: Drill): Promise<string[]> {
  const there = await drill.servers(entryOf(DATABASE).server)(`SHOW DATABASES LIKE '${COPY}';`);
  if (there === "") return [];
  await dropCopy(drill, DATABASE);
  return [`the database ${COPY} was made all the same`];
}

async function newestManifest(bucket: LabBucket, host: string): Promise<Manifest> {
  const keys = (await bucket.list(`daily/${host}/manifests/`)).reverse();
  for (const key of keys) {
    const manifest = JSON.parse((await bucket.read(key)).toString()) as Manifest;
    if (manifest.objects.some(({ database }) => database === DATABASE)) return manifest;
  }
  throw new Error(`no run of ${host} holds ${DATABASE}`);
}

function flipped(sealed: Buffer): Buffer {
  const changed = Buffer.from(sealed);
  const at = Math.floor(sealed.length / 2);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}
