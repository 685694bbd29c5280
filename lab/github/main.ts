import { readFileSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { OPERATOR_SECRETS } from "../../estate/naming";
import { GithubApi } from "./api";
import { control } from "./control";
import { labRepository, labTokens } from "./lab";
import { Store } from "./store";

/**
 * The service on the host `cloud`: github-api ADDRESS PORT CONTROL_PORT DIRECTORY
 * DIRECTORY has cert.pem and key.pem, and keeps the secrets.
 */
async function main([address, port, controlPort, directory]: string[]): Promise<void> {
  if (!address || !port || !controlPort || !directory) throw new Error("ADDRESS PORT CONTROL_PORT DIRECTORY");
  const store = await Store.open(`${directory}/repositories.json`);
  const { owner, name, environments } = labRepository;
  const repository = store.ensure(owner, name, environments);
  // What an operator has put there by hand before the program's first run.
  const absent = OPERATOR_SECRETS.filter((secret) => !(secret in repository.secrets));
  for (const secret of absent) store.put(repository, secret, "the operator's own");
  const api = new GithubApi(store, labTokens);
  const tls = { cert: readFileSync(`${directory}/cert.pem`), key: readFileSync(`${directory}/key.pem`) };
  https.createServer(tls, api.listener).listen(Number(port), address);
  http.createServer(control(api)).listen(Number(controlPort), "127.0.0.1");
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`github-api: ${String(error)}\n`);
  process.exit(1);
});
