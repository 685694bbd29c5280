import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { GithubApi } from "../../lab/github/api";
import { Store } from "../../lab/github/store";

export interface LoopbackGithub {
  api: GithubApi;
  /** `http://127.0.0.1:PORT/` */
  baseUrl: string;
  /** The values that an environment of `owner/applications` holds, opened. */
  held(environment: string): Record<string, string>;
  stop(): Promise<void>;
}

/** Tokens of the service, by what they may do. */
export const tokens = {
  write: "a-token-that-writes",
  read: "a-token-that-reads",
  outside: "a-token-without",
};

/** The lab's GitHub API on 127.0.0.1 and a random port, with the repository owner/applications. */
export async function startGithub(): Promise<LoopbackGithub> {
  const store = await Store.open();
  const repository = store.ensure("owner", "applications", ["staging", "production"]);
  const api = new GithubApi(store, {
    [tokens.write]: "write",
    [tokens.read]: "read",
    [tokens.outside]: "outside",
  });
  const server = http.createServer(api.listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    api,
    baseUrl: `http://127.0.0.1:${port}/`,
    held: (environment) =>
      Object.fromEntries(
        Object.entries(repository.environments[environment]?.secrets ?? {}).map(([name, { value }]) => [
          name,
          value,
        ]),
      ),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // Requests that hang on purpose would keep it open.
        server.closeAllConnections();
      }),
  };
}
