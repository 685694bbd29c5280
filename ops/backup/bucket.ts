import { Readable } from "node:stream";
// Loaded at the first use: most commands have nothing to do with the bucket.
import type {
  ListObjectVersionsCommandInput,
  ListObjectVersionsCommandOutput,
  S3Client,
} from "@aws-sdk/client-s3";
import { awsClientSettings } from "../../connect/aws";
import type { BackupOutput } from "../../estate/outputs";
import { keptUnder } from "../../estate/saved";
import type { ServerName } from "../../estate/types";
import { couldNotTell, messageOf } from "../exit";
import { partKeys } from "./keys";
import { type Backup, parseManifest, type StoredManifest } from "./manifest";
import { dumpFault, manifestFault } from "./trust";
import { type Finding, firstVersions, type ListedVersion, type StoredObject } from "./versions";

/** What is looked at of the bucket at a time. */
const PARALLEL = 8;
const COLD_TIERS = ["GLACIER", "DEEP_ARCHIVE"];

/** An object is not there, or is not what was announced. */
export class MissingObject extends Error {}

/** An object lies in the cold tier, and was not fetched from there. */
export class ColdObject extends Error {}

/** The bucket as its reader sees it: the first version of each key, and never anything else's. */
export class BackupReader {
  /** What somebody has done to the bucket, as far as it was looked at; by key and kind. */
  private readonly noticed = new Map<string, Finding>();
  private client: Promise<S3Client> | undefined;
  /** First versions by key, as far as they were listed. */
  private readonly known = new Map<string, StoredObject>();
  /** By key: a run never changes, and one restore asks for the same one for each of its databases. */
  private readonly read = new Map<string, Promise<StoredManifest | undefined>>();

  constructor(private readonly output: BackupOutput) {}

  get retention(): BackupOutput["retention"] {
    return this.output.retention;
  }

  /** What no agent of ours has done, in order of the keys. */
  get findings(): Finding[] {
    return [...this.noticed.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  notice(finding: Finding): void {
    this.noticed.set(`${finding.kind} ${finding.key}`, finding);
  }

  /** First versions of what lies below a prefix, by key; what else there is becomes a finding. Throws "could not tell". */
  async list(prefix: string): Promise<StoredObject[]> {
    const { ListObjectVersionsCommand } = await import("@aws-sdk/client-s3");
    const listed: ListedVersion[] = [];
    let from: Pick<ListObjectVersionsCommandInput, "KeyMarker" | "VersionIdMarker"> | undefined = {};
    while (from) {
      const input: ListObjectVersionsCommandInput = { Bucket: this.output.bucket, Prefix: prefix, ...from };
      const page: ListObjectVersionsCommandOutput = await this.ask((s3) =>
        s3.send(new ListObjectVersionsCommand(input)),
      );
      for (const { Key, VersionId, LastModified, Size, StorageClass } of page.Versions ?? []) {
        if (!Key || !VersionId || !LastModified) continue;
        const cold = COLD_TIERS.includes(StorageClass ?? "");
        listed.push({ key: Key, versionId: VersionId, modified: LastModified, bytes: Size ?? 0, cold });
      }
      for (const { Key, VersionId, LastModified } of page.DeleteMarkers ?? []) {
        if (!Key || !VersionId || !LastModified) continue;
        listed.push({
          key: Key,
          versionId: VersionId,
          modified: LastModified,
          bytes: undefined,
          cold: false,
        });
      }
      from = page.IsTruncated
        ? {
            ...(page.NextKeyMarker && { KeyMarker: page.NextKeyMarker }),
            ...(page.NextVersionIdMarker && { VersionIdMarker: page.NextVersionIdMarker }),
          }
        : undefined;
    }
    const { objects, findings } = firstVersions(listed, this.output.retention);
    for (const object of objects) this.known.set(object.key, object);
    for (const finding of findings) this.notice(finding);
    return objects;
  }

  /** The first version of a key; undefined: there is none. Throws "could not tell". */
  async first(key: string): Promise<StoredObject | undefined> {
    return this.known.get(key) ?? (await this.list(key)).find((object) => object.key === key);
  }

  /** Names of a host's runs, newest first. Throws "could not tell". */
  async runs(host: ServerName): Promise<string[]> {
    const objects = await this.list(`${keptUnder(host)}/${host}/manifests/`);
    return objects
      .flatMap(({ parsed }) => (parsed.kind === "manifest" ? [parsed.run] : []))
      .sort()
      .reverse();
  }

  /** A small object as text; what is none was not listed. Throws MissingObject, "could not tell". */
  async text(key: string): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.object(key)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }

  /** undefined: what lies there is none, or is not what its name says; that is a finding. Throws "could not tell". */
  manifest(host: ServerName, run: string): Promise<StoredManifest | undefined> {
    const key = `${keptUnder(host)}/${host}/manifests/${run}.json`;
    const known = this.read.get(key) ?? this.readManifest(key);
    this.read.set(key, known);
    return known;
  }

  private async readManifest(key: string): Promise<StoredManifest | undefined> {
    const stored = await this.first(key);
    if (!stored) return undefined;
    const text = await this.text(key);
    try {
      const manifest = parseManifest(text, "it");
      const fault = manifestFault(manifest, stored);
      if (!fault) return { ...manifest, stored: stored.modified };
      this.notice({ key, kind: "forged", reason: `${fault}; it is not believed` });
    } catch (error) {
      this.notice({ key, kind: "forged", reason: `${messageOf(error)}; it is not believed` });
    }
    return undefined;
  }

  /** Manifests of a host, newest first, until `enough` of those read so far. */
  async manifests(
    host: ServerName,
    enough: (read: readonly StoredManifest[]) => boolean,
  ): Promise<StoredManifest[]> {
    const runs = await this.runs(host);
    const read: StoredManifest[] = [];
    for (let at = 0; at < runs.length && !enough(read); at += PARALLEL) {
      const next = await Promise.all(runs.slice(at, at + PARALLEL).map((run) => this.manifest(host, run)));
      read.push(...next.filter((manifest) => manifest !== undefined));
    }
    return read;
  }

  /** What is wrong with what the bucket holds of a dump; undefined: nothing. Throws "could not tell". */
  async dumpFault(backup: Backup): Promise<string | undefined> {
    return dumpFault(backup, await Promise.all(partKeys(backup).map((key) => this.first(key))));
  }

  /** A dump, one part after the other. Throws MissingObject, ColdObject, "could not tell"; the stream too. */
  async dump(backup: Backup, signal?: AbortSignal): Promise<Readable> {
    const fault = await this.dumpFault(backup);
    if (fault) throw new MissingObject(fault);
    const keys = partKeys(backup);
    const reader = this;
    async function* parts() {
      for (const key of keys) yield* await reader.object(key, signal);
    }
    // The first one here: what is wrong with it is an error of this call.
    return keys.length === 1
      ? this.object(backup.key, signal)
      : Readable.from(parts(), { objectMode: false });
  }

  /** The object as a stream. Throws MissingObject, ColdObject, "could not tell". */
  async object(key: string, signal?: AbortSignal): Promise<Readable> {
    const { GetObjectCommand } = await import("@aws-sdk/client-s3");
    const input = await this.version(key);
    const { Body } = await this.ask((s3) =>
      s3.send(new GetObjectCommand(input), signal ? { abortSignal: signal } : {}),
    );
    if (Body instanceof Readable) return Body;
    throw new MissingObject(`${key} came without content`);
  }

  /** How it stands with an object of the cold tier. Throws MissingObject, "could not tell". */
  async warmth(key: string): Promise<"warm" | "cold" | "underway"> {
    const { HeadObjectCommand } = await import("@aws-sdk/client-s3");
    const input = await this.version(key);
    const { StorageClass, Restore } = await this.ask((s3) => s3.send(new HeadObjectCommand(input)));
    if (!COLD_TIERS.includes(StorageClass ?? "")) return "warm";
    if (Restore === undefined) return "cold";
    return Restore.includes('ongoing-request="true"') ? "underway" : "warm";
  }

  /** Has an object fetched from the cold tier, where it then can be read for so many days. Throws MissingObject, "could not tell". */
  async fetchFromCold(key: string, days: number): Promise<void> {
    const { RestoreObjectCommand } = await import("@aws-sdk/client-s3");
    const input = {
      ...(await this.version(key)),
      RestoreRequest: { Days: days, GlacierJobParameters: { Tier: "Standard" as const } },
    };
    await this.ask((s3) => s3.send(new RestoreObjectCommand(input)));
  }

  async close(): Promise<void> {
    (await this.client?.catch(() => undefined))?.destroy();
  }

  private async version(key: string): Promise<{ Bucket: string; Key: string; VersionId: string }> {
    const { bucket } = this.output;
    const first = await this.first(key);
    if (!first) throw new MissingObject(`the bucket ${bucket} does not hold ${key}`);
    return { Bucket: bucket, Key: key, VersionId: first.versionId };
  }

  private async ask<T>(send: (s3: S3Client) => Promise<T>): Promise<T> {
    this.client ??= this.open();
    const s3 = await this.client;
    try {
      return await send(s3);
    } catch (error) {
      const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
      const { bucket, endpoint = "AWS" } = this.output;
      if (name === "NoSuchKey" || name === "NoSuchVersion" || name === "NotFound") {
        throw new MissingObject(`it is no longer in the bucket ${bucket}`);
      }
      if (name === "InvalidObjectState")
        throw new ColdObject("it lies in the cold tier and was not fetched from there");
      if (name === "AbortError") throw error;
      const refused = $metadata?.httpStatusCode === 403;
      throw couldNotTell(
        refused
          ? `the bucket ${bucket} at ${endpoint} refuses the reader's key of the stack's outputs (${name}). Run: pulumi up`
          : `the bucket ${bucket} at ${endpoint} does not answer: ${message || name}`,
      );
    }
  }

  private async open(): Promise<S3Client> {
    const { S3Client } = await import("@aws-sdk/client-s3");
    const { reader } = this.output;
    return new S3Client({
      ...awsClientSettings(this.output),
      credentials: { accessKeyId: reader.accessKeyId, secretAccessKey: reader.secretAccessKey },
      maxAttempts: 3,
    });
  }
}
