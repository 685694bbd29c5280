import { Readable } from "node:stream";
// Loaded at the first use: most commands have nothing to do with the bucket.
import type { S3Client } from "@aws-sdk/client-s3";
import { awsClientSettings } from "../../connect/aws";
import type { BackupOutput } from "../../estate/outputs";
import { couldNotTell, messageOf } from "../exit";
import { type Manifest, parseManifest } from "./manifest";

/** What is looked at of the bucket at a time. */
const PARALLEL = 8;

/** An object is not there, or is not what was announced. */
export class MissingObject extends Error {}

/** The bucket as its reader sees it: never anything else's key. */
export class BackupReader {
  private client: Promise<S3Client> | undefined;
  /** By key: a run never changes, and one restore asks for the same one for each of its databases. */
  private readonly read = new Map<string, Promise<Manifest>>();

  constructor(private readonly output: BackupOutput) {}

  /** What lies below a prefix, by key. Throws "could not tell". */
  async list(prefix: string): Promise<{ key: string; modified: Date }[]> {
    const { ListObjectsV2Command } = await import("@aws-sdk/client-s3");
    const found: { key: string; modified: Date }[] = [];
    let token: string | undefined;
    do {
      const page = await this.ask((s3) =>
        s3.send(
          new ListObjectsV2Command({
            Bucket: this.output.bucket,
            Prefix: prefix,
            ...(token && { ContinuationToken: token }),
          }),
        ),
      );
      for (const { Key, LastModified } of page.Contents ?? []) {
        if (Key && LastModified) found.push({ key: Key, modified: LastModified });
      }
      token = page.NextContinuationToken;
    } while (token);
    return found;
  }

  /** Names of a host's runs, newest first. Throws "could not tell". */
  async runs(host: string): Promise<string[]> {
    const prefix = `daily/${host}/manifests/`;
    return (await this.list(prefix))
      .map(({ key }) => key.slice(prefix.length).replace(/\.json$/, ""))
      .sort()
      .reverse();
  }

  /** A small object as text. Throws MissingObject, "could not tell". */
  async text(key: string): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.object(key)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }

  /** Throws "could not tell". */
  manifest(host: string, run: string): Promise<Manifest> {
    const key = `daily/${host}/manifests/${run}.json`;
    const known = this.read.get(key) ?? this.readManifest(key);
    this.read.set(key, known);
    return known;
  }

  private async readManifest(key: string): Promise<Manifest> {
    const text = await this.text(key);
    try {
      return parseManifest(text, key);
    } catch (error) {
      throw couldNotTell(`the bucket's ${messageOf(error)}`);
    }
  }

  /** Manifests of a host, newest first, until `enough` of those read so far. */
  async manifests(host: string, enough: (read: readonly Manifest[]) => boolean): Promise<Manifest[]> {
    const runs = await this.runs(host);
    const read: Manifest[] = [];
    for (let at = 0; at < runs.length && !enough(read); at += PARALLEL) {
      read.push(...(await Promise.all(runs.slice(at, at + PARALLEL).map((run) => this.manifest(host, run)))));
    }
    return read;
  }

  /** Size in bytes; undefined: there is no such object. */
  async size(key: string): Promise<number | undefined> {
    const { HeadObjectCommand } = await import("@aws-sdk/client-s3");
    try {
      const head = await this.ask((s3) =>
        s3.send(new HeadObjectCommand({ Bucket: this.output.bucket, Key: key })),
      );
      return head.ContentLength;
    } catch (error) {
      if (error instanceof MissingObject) return undefined;
      throw error;
    }
  }

  /** The object as a stream. Throws MissingObject, "could not tell". */
  async object(key: string, signal?: AbortSignal): Promise<Readable> {
    const { GetObjectCommand } = await import("@aws-sdk/client-s3");
    const { Body } = await this.ask((s3) =>
      s3.send(
        new GetObjectCommand({ Bucket: this.output.bucket, Key: key }),
        signal ? { abortSignal: signal } : {},
      ),
    );
    if (Body instanceof Readable) return Body;
    throw new MissingObject(`${key} came without content`);
  }

  async close(): Promise<void> {
    (await this.client?.catch(() => undefined))?.destroy();
  }

  private async ask<T>(send: (s3: S3Client) => Promise<T>): Promise<T> {
    this.client ??= this.open();
    const s3 = await this.client;
    try {
      return await send(s3);
    } catch (error) {
      const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
      const { bucket, endpoint = "AWS" } = this.output;
      if (name === "NoSuchKey" || name === "NotFound") {
        throw new MissingObject(`it is no longer in the bucket ${bucket}`);
      }
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
