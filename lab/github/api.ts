import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { type Fault, Faults } from "./faults";
import { type Answer, answerRequest, type Rights } from "./routes";
import type { Store } from "./store";

/** Requests larger than this are refused, as at GitHub; in bytes. */
const LARGEST_REQUEST = 1024 * 1024;

export interface SeenRequest {
  method: string;
  path: string;
  /** 0: it got no answer. */
  status: number;
}

/** The part of GitHub's REST API that the estate uses, over a store, with failures on demand. */
export class GithubApi {
  readonly faults = new Faults();
  /** Every request since the start, or since somebody emptied it. */
  readonly requests: SeenRequest[] = [];

  /** `tokens`: what each may do; any other is refused. */
  constructor(
    readonly store: Store,
    private readonly tokens: Readonly<Record<string, Rights>>,
  ) {}

  /** For `http.createServer` and `https.createServer`. */
  readonly listener: RequestListener = (request, response) => {
    this.serve(request, response).catch((error: unknown) => {
      process.stderr.write(`${request.method} ${request.url}: ${String(error)}\n`);
      if (!response.headersSent) send(response, { status: 500, body: { message: "Server Error" } });
    });
  };

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://github");
    // GitHub's own name serves the API at the root, an enterprise server below /api/v3.
    const path = pathname.replace(/^\/api\/v3(?=\/|$)/, "");
    const method = request.method ?? "GET";
    const seen: SeenRequest = { method, path, status: 0 };
    this.requests.push(seen);
    const text = await bodyOf(request);
    const fault = this.faults.next(method, path);
    const token = /^(?:token|bearer) (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const asked = { method, path, query: searchParams, text, rights: token ? this.tokens[token] : undefined };
    const answer = fault && !fault.done ? undefined : answerRequest(this.store, asked);
    if (fault?.kind === "hang") return;
    if (fault?.kind === "drop") {
      request.socket.destroy();
      return;
    }
    const given = fault ? failure(fault) : (answer as Answer);
    seen.status = given.status;
    send(response, given);
  }
}

function failure({ kind, status, retryAfter = 1 }: Fault): Answer {
  if (kind !== "limit") return { status: status ?? 500, body: { message: "Server Error" } };
  const reset = Math.ceil(Date.now() / 1000) + retryAfter;
  return {
    status: status ?? 429,
    body: { message: "API rate limit exceeded" },
    headers: {
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset": String(reset),
      // The primary limit (403) tells the time of day, the secondary one the seconds to wait.
      ...(status === 403 ? {} : { "retry-after": String(retryAfter) }),
    },
  };
}

function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  response.writeHead(status, { ...headers, "content-type": "application/json; charset=utf-8" });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > LARGEST_REQUEST) throw new Error("the request is too large");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
