import { redisUsers } from "../../estate/catalogue";
import { cloudPort, githubPort, hosts, operator } from "../../lab/hosts";
import { onHost } from "./lab";
import { succeed } from "./run";

export const ports = [22, 80, 3306, cloudPort, 5432, 6379, ...redisUsers.map(({ port }) => port), githubPort];

export const sources = ["operator", ...hosts.map(({ name }) => name)] as const;
type Source = (typeof sources)[number];

/** `open`: a connection came about; `refused`: the host says no; `silent`: nothing comes back. */
export type Answer = "open" | "refused" | "silent";

/** Answers by `stranger -> mariadb:3306` and `stranger -> mariadb:3306 on IPv6`. */
export type Doors = ReadonlyMap<string, Answer>;

/** Tries every port of every host from every host, and from the operator, on IPv4 and IPv6. Takes some seconds. */
export async function tryEveryDoor(from: readonly Source[] = sources): Promise<Doors> {
  const found = await Promise.all(from.map(tryFrom));
  return new Map(found.flat());
}

async function tryFrom(source: Source): Promise<[string, Answer][]> {
  const tries = hosts
    .filter(({ name }) => name !== source)
    .flatMap(({ name, ipv4, ipv6 }) =>
      ports.flatMap((port) => [
        { door: `${source} -> ${name}:${port}`, address: ipv4, port },
        { door: `${source} -> ${name}:${port} on IPv6`, address: ipv6, port },
      ]),
    );
  // Code 124: `timeout` had to end it.
  const lines = tries.map(
    ({ door, address, port }) =>
      `{ timeout 2 bash -c 'exec 3<>/dev/tcp/${address}/${port}' 2>/dev/null; echo "$? ${door}"; } &`,
  );
  const script = [...lines, "wait"].join("\n");
  const said =
    source === "operator"
      ? await succeed("bash", [], { input: script })
      : await onHost(source, ["bash"], script);
  return said
    .trim()
    .split("\n")
    .map((line) => {
      const [code, ...door] = line.split(" ");
      return [door.join(" "), code === "0" ? "open" : code === "124" ? "silent" : "refused"];
    });
}

/** The doors that are open, sorted. */
export function openDoors(doors: Doors): string[] {
  return [...doors].flatMap(([door, answer]) => (answer === "open" ? [door] : [])).sort();
}

const SIGNS: Readonly<Record<Answer, string>> = { open: "O", refused: "r", silent: "." };

/** A table to read: a line for each source and target, IPv4 and IPv6 side by side. */
export function renderDoors(doors: Doors): string {
  const sign = (door: string) => SIGNS[doors.get(door) ?? "silent"];
  const cell = (text: string) => text.padEnd(7);
  const lines = sources.flatMap((source) =>
    hosts
      .filter(({ name }) => name !== source)
      .map(({ name }) => {
        const pairs = ports.map((port) => {
          const door = `${source} -> ${name}:${port}`;
          return cell(`${sign(door)} ${sign(`${door} on IPv6`)}`);
        });
        return `${source.padEnd(9)} -> ${name.padEnd(9)} ${pairs.join("")}`;
      }),
  );
  const head = `${"".padEnd(23)}${ports.map((port) => cell(String(port))).join("")}`;
  const key = `each IPv4, IPv6: O open, r refused, . no answer; the operator is ${operator.ipv4}, ${operator.ipv6}`;
  return [key, head, ...lines, ""].join("\n");
}
