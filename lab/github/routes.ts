import type { Comment, Issue, Repository, Scope, Store, StoredSecret } from "./store";

/** `write` may change secrets, `read` may look at them, `outside` sees the repository alone. */
export type Rights = "write" | "read" | "outside";

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  text: string;
  /** undefined: no token, or one that nobody knows. */
  rights: Rights | undefined;
}

export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

const notFound: Answer = { status: 404, body: { message: "Not Found" } };
const forbidden: Answer = {
  status: 403,
  body: { message: "Resource not accessible by personal access token" },
};
const noContent: Answer = { status: 204 };

/** Longest value of a secret, in bytes. */
const LARGEST_SECRET = 48 * 1024;

export function answerRequest(store: Store, asked: Asked): Answer {
  if (!asked.rights) return { status: 401, body: { message: "Bad credentials" } };
  const found = findRepository(store, asked.path);
  if (!found) return notFound;
  const [repository, rest] = found;
  const [area, ...more] = rest;
  if (area === undefined) return asked.method === "GET" ? ok(repositoryJson(repository, asked)) : notFound;
  if (area === "actions" && more[0] === "secrets") return secrets(store, repository, more.slice(1), asked);
  if (area === "environments") return environments(store, repository, more, asked);
  if (area === "issues") return issues(store, repository, more, asked);
  return notFound;
}

/** The repository that a path is about, and the parts of the path after it. */
function findRepository(store: Store, path: string): [Repository, string[]] | undefined {
  const [root, ...parts] = path.split("/").filter(Boolean).map(decodeURIComponent);
  if (root === "repositories") {
    const repository = store.repositories.find(({ id }) => String(id) === parts[0]);
    return repository && [repository, parts.slice(1)];
  }
  const [owner, name] = parts;
  const repository = root === "repos" && owner && name ? store.find(owner, name) : undefined;
  return repository && [repository, parts.slice(2)];
}

function environments(store: Store, repository: Repository, parts: string[], asked: Asked): Answer {
  const [name, area, ...more] = parts;
  if (asked.rights === "outside") return forbidden;
  if (name === undefined) {
    const all = Object.keys(repository.environments).sort().map(environmentJson);
    return ok({ total_count: all.length, environments: all });
  }
  if (area === undefined && asked.method === "PUT") {
    if (asked.rights !== "write") return forbidden;
    store.ensure(repository.owner, repository.name, [name]);
    return ok(environmentJson(name));
  }
  const scope = repository.environments[name];
  if (!scope) return notFound;
  if (area === undefined) return ok(environmentJson(name));
  return area === "secrets" ? secrets(store, scope, more, asked) : notFound;
}

function secrets(store: Store, scope: Scope, parts: string[], asked: Asked): Answer {
  const [name] = parts;
  const { method, rights } = asked;
  if (rights === "outside") return forbidden;
  if (name === undefined) return ok(secretsJson(scope, asked.query));
  if (name === "public-key") return ok({ key_id: scope.key.id, key: scope.key.public });
  // GitHub keeps names in capitals.
  const key = name.toUpperCase();
  const known = scope.secrets[key];
  if (method === "GET") return known ? ok(secretJson(key, known)) : notFound;
  if (rights !== "write") return forbidden;
  if (method === "DELETE") return store.delete(scope, key) ? noContent : notFound;
  return method === "PUT" ? put(store, scope, key, asked.text) : notFound;
}

function put(store: Store, scope: Scope, name: string, text: string): Answer {
  const body = parseJson(text);
  if (!/^[A-Z_][A-Z0-9_]*$/.test(name) || name.startsWith("GITHUB_")) return refused("Secret names can only");
  const { encrypted_value: sealed, key_id: keyId } = body;
  if (typeof sealed !== "string" || typeof keyId !== "string") return refused("encrypted_value and key_id");
  if (sealed.length > (LARGEST_SECRET * 4) / 3) return refused("the value is longer than 48 KB");
  switch (store.putSealed(scope, name, sealed, keyId)) {
    case "created":
      return { status: 201, body: {} };
    case "updated":
      return noContent;
    case "unknown key":
      return refused("The key_id is not the one of the current public key");
    case "not sealed":
      return refused("The value is not sealed with the public key");
  }
}

function issues(store: Store, repository: Repository, parts: string[], asked: Asked): Answer {
  const [number, area, commentId] = parts;
  const { method } = asked;
  if (number === "comments" && method === "PATCH") return editComment(store, repository, area, asked);
  if (method !== "GET" && asked.rights === "outside") return forbidden;
  if (number === undefined) {
    if (method === "POST") return openIssue(store, repository, asked.text);
    const labels = asked.query.get("labels")?.split(",") ?? [];
    return ok(
      repository.issues.filter((one) => labels.every((label) => one.labels.includes(label))).map(issueJson),
    );
  }
  const issue = repository.issues.find((one) => String(one.number) === number);
  if (!issue || area !== "comments" || commentId !== undefined)
    return issue && !area ? ok(issueJson(issue)) : notFound;
  if (method === "GET") return ok(page(issue.comments, asked.query));
  const comment: Comment = { id: nextId(repository), body: textOf(parseJson(asked.text).body) };
  issue.comments.push(comment);
  store.save();
  return { status: 201, body: comment };
}

function openIssue(store: Store, repository: Repository, text: string): Answer {
  const { title, body, labels } = parseJson(text);
  if (typeof title !== "string") return refused("title is missing");
  const issue: Issue = {
    number: repository.issues.length + 1,
    title,
    body: textOf(body),
    labels: Array.isArray(labels) ? labels.map(String) : [],
    comments: [],
  };
  repository.issues.push(issue);
  store.save();
  return { status: 201, body: issueJson(issue) };
}

function editComment(store: Store, repository: Repository, id: string | undefined, asked: Asked): Answer {
  if (asked.rights === "outside") return forbidden;
  const comment = repository.issues.flatMap((issue) => issue.comments).find((one) => String(one.id) === id);
  if (!comment) return notFound;
  comment.body = textOf(parseJson(asked.text).body);
  store.save();
  return ok(comment);
}

function nextId(repository: Repository): number {
  return 1 + repository.issues.reduce((sum, issue) => sum + issue.comments.length, 0);
}

function repositoryJson({ id, owner, name }: Repository, { rights }: Asked) {
  const push = rights === "write";
  return {
    id,
    name,
    full_name: `${owner}/${name}`,
    private: true,
    owner: { login: owner },
    permissions: { admin: push, maintain: push, push, triage: push, pull: true },
  };
}

function environmentJson(name: string) {
  return { name, protection_rules: [] };
}

function secretJson(name: string, { createdAt, updatedAt }: StoredSecret) {
  return { name, created_at: createdAt, updated_at: updatedAt };
}

function secretsJson(scope: Scope, query: URLSearchParams) {
  const all = Object.entries(scope.secrets).sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    total_count: all.length,
    secrets: page(all, query).map(([name, secret]) => secretJson(name, secret)),
  };
}

function issueJson({ comments, labels, ...issue }: Issue) {
  return { ...issue, state: "open", comments: comments.length, labels: labels.map((name) => ({ name })) };
}

function page<T>(items: readonly T[], query: URLSearchParams): T[] {
  const size = Math.min(100, Number(query.get("per_page") ?? 30));
  const number = Number(query.get("page") ?? 1);
  return items.slice((number - 1) * size, number * size);
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function refused(message: string): Answer {
  return { status: 422, body: { message } };
}

function parseJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
