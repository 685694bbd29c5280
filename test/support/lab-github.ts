import type { SeenRequest } from "../../lab/github/api";
import type { Fault } from "../../lab/github/faults";
import { labRepository } from "../../lab/github/lab";
import { githubControlPort } from "../../lab/hosts";
import { onHost } from "./lab";

const repository = `${labRepository.owner}/${labRepository.name}`;
/** The local stack's environment. */
const environment = "staging";

/** What GitHub holds for the local stack: names and values, opened. */
export async function publishedSecrets(): Promise<Record<string, string>> {
  const all = JSON.parse(await control("GET", "secrets")) as Record<
    string,
    Record<string, Record<string, string>>
  >;
  const found = all[repository]?.[environment];
  if (!found) throw new Error(`the lab's GitHub has no environment ${environment} of ${repository}`);
  return found;
}

/** Changes a secret behind the program's back; undefined: deletes it. */
export async function changeByHand(name: string, value: string | undefined): Promise<void> {
  const path = `secrets/${repository}/${environment}/${name}`;
  await (value === undefined ? control("DELETE", path) : control("PUT", path, value));
}

/** Plans failures; an empty list takes back those that are still planned. */
export async function planFaults(faults: readonly Fault[]): Promise<void> {
  if (faults.length === 0) await control("DELETE", "faults");
  else await control("POST", "faults", JSON.stringify(faults));
}

/** What was asked since the last call. */
export async function takeRequests(): Promise<SeenRequest[]> {
  const requests = JSON.parse(await control("GET", "requests")) as SeenRequest[];
  await control("DELETE", "requests");
  return requests;
}

/** The lab's own door to the service, on the loopback of the host `cloud`. The body goes over standard input. */
function control(method: string, path: string, body = ""): Promise<string> {
  const url = `http://127.0.0.1:${githubControlPort}/${path}`;
  return onHost("cloud", ["curl", "-sf", "-X", method, "--data-binary", "@-", url], body);
}
