import type { IncomingMessage, RequestListener } from "node:http";
import type { GithubApi } from "./api";
import type { Fault } from "./faults";
import type { Scope } from "./store";

/**
 * For tests alone, and for the host's own loopback alone: what the service holds, in clear; what it is to fail at; and
 * changes of secrets that the program has not made.
 *
 *   GET    /secrets                              repository -> environment ("" of the repository itself) -> name -> value
 *   PUT    /secrets/OWNER/NAME/ENVIRONMENT/SECRET   the body is the value ("-" for the repository itself)
 *   DELETE /secrets/OWNER/NAME/ENVIRONMENT/SECRET
 *   POST   /faults                               a list of `Fault`
 *   DELETE /faults
 *   GET    /requests, DELETE /requests           what was asked
 *   GET    /issues/OWNER/NAME                    issues with their comments
 */
export function control(api: GithubApi): RequestListener {
  return async (request, response) => {
    let body = "";
    for await (const part of request as AsyncIterable<Buffer>) body += part.toString("utf8");
    const { status, answer } = act(api, request, body);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(answer));
  };
}

function act(api: GithubApi, request: IncomingMessage, body: string): { status: number; answer: unknown } {
  const [root, ...parts] = (request.url ?? "").split("/").filter(Boolean).map(decodeURIComponent);
  const done = (answer: unknown = {}) => ({ status: 200, answer });
  const { store, faults, requests } = api;
  switch (`${request.method} ${root}`) {
    case "GET secrets":
      return done(plainSecrets(api));
    case "PUT secrets":
    case "DELETE secrets": {
      const [owner = "", name = "", environment = "-", secret] = parts;
      const repository = store.find(owner, name);
      const scope = environment === "-" ? repository : repository?.environments[environment];
      if (!scope || !secret) return { status: 404, answer: { message: "no such place" } };
      if (request.method === "PUT") store.put(scope, secret, body);
      else store.delete(scope, secret);
      return done();
    }
    case "POST faults":
      faults.plan(JSON.parse(body) as Fault[]);
      return done();
    case "DELETE faults":
      faults.clear();
      return done();
    case "GET requests":
      return done(requests);
    case "DELETE requests":
      requests.length = 0;
      return done();
    case "GET issues":
      return done(store.find(parts[0] ?? "", parts[1] ?? "")?.issues ?? []);
    default:
      return { status: 404, answer: { message: "see lab/github/control.ts" } };
  }
}

function plainSecrets({ store }: GithubApi) {
  const values = ({ secrets }: Scope) =>
    Object.fromEntries(Object.entries(secrets).map(([name, { value }]) => [name, value]));
  return Object.fromEntries(
    store.repositories.map((repository) => [
      `${repository.owner}/${repository.name}`,
      {
        "": values(repository),
        ...Object.fromEntries(
          Object.entries(repository.environments).map(([name, scope]) => [name, values(scope)]),
        ),
      },
    ]),
  );
}
