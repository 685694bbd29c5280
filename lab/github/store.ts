import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import type * as Sodium from "libsodium-wrappers";

/** One secret as the service keeps it: opened, so that a test can compare it with what logs in. */
export interface StoredSecret {
  value: string;
  /** `2026-01-31T10:20:30Z`: whole seconds, as at GitHub. */
  createdAt: string;
  updatedAt: string;
}

/** Where secrets live: a repository, or one of its environments. Each has a key of its own. */
export interface Scope {
  key: { id: string; public: string; private: string };
  secrets: Record<string, StoredSecret>;
}

export interface Comment {
  id: number;
  body: string;
}

export interface Issue {
  number: number;
  title: string;
  body: string;
  labels: string[];
  comments: Comment[];
}

export interface Repository extends Scope {
  id: number;
  owner: string;
  name: string;
  environments: Record<string, Scope>;
  issues: Issue[];
}

/** What a put of a secret came to. */
export type Put = "created" | "updated" | "unknown key" | "not sealed";

/** The repositories with their secrets. Kept in a file if one is named, so that a restart of the service loses nothing. */
export class Store {
  readonly repositories: Repository[];

  private constructor(
    private readonly sodium: typeof Sodium,
    private readonly file: string | undefined,
  ) {
    const kept = file && fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "[]";
    this.repositories = JSON.parse(kept) as Repository[];
  }

  static async open(file?: string): Promise<Store> {
    const { default: sodium } = await import("libsodium-wrappers");
    await sodium.ready;
    return new Store(sodium, file);
  }

  /** The repository, made if it is not there, with these environments at least. */
  ensure(owner: string, name: string, environments: readonly string[] = []): Repository {
    let repository = this.find(owner, name);
    if (!repository) {
      const id = 1_000 + this.repositories.length;
      repository = { ...this.scope(), id, owner, name, environments: {}, issues: [] };
      this.repositories.push(repository);
    }
    for (const environment of environments) repository.environments[environment] ??= this.scope();
    this.save();
    return repository;
  }

  /** Names of owners and repositories do not tell capitals from small letters. */
  find(owner: string, name: string): Repository | undefined {
    const key = `${owner}/${name}`.toLowerCase();
    return this.repositories.find((one) => `${one.owner}/${one.name}`.toLowerCase() === key);
  }

  /** Opens the sealed box with the scope's key and keeps what is in it. */
  putSealed(scope: Scope, name: string, sealed: string, keyId: string): Put {
    if (keyId !== scope.key.id) return "unknown key";
    const { sodium } = this;
    let value: string;
    try {
      const { key } = scope;
      const box = sodium.from_base64(sealed, sodium.base64_variants.ORIGINAL);
      const [publicKey, privateKey] = [Buffer.from(key.public, "base64"), Buffer.from(key.private, "base64")];
      value = sodium.to_string(sodium.crypto_box_seal_open(box, publicKey, privateKey));
    } catch {
      return "not sealed";
    }
    return this.put(scope, name, value);
  }

  put(scope: Scope, name: string, value: string): "created" | "updated" {
    const now = `${new Date().toISOString().slice(0, 19)}Z`;
    const known = scope.secrets[name];
    scope.secrets[name] = { value, createdAt: known?.createdAt ?? now, updatedAt: now };
    this.save();
    return known ? "updated" : "created";
  }

  delete(scope: Scope, name: string): boolean {
    const known = name in scope.secrets;
    delete scope.secrets[name];
    this.save();
    return known;
  }

  save(): void {
    if (!this.file) return;
    const fresh = `${this.file}.new`;
    fs.writeFileSync(fresh, JSON.stringify(this.repositories), { mode: 0o600 });
    fs.renameSync(fresh, this.file);
  }

  private scope(): Scope {
    const pair = this.sodium.crypto_box_keypair();
    return {
      key: {
        id: randomBytes(9).toString("hex"),
        public: Buffer.from(pair.publicKey).toString("base64"),
        private: Buffer.from(pair.privateKey).toString("base64"),
      },
      secrets: {},
    };
  }
}
