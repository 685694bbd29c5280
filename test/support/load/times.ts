import { databases, redisUsers } from "../../../estate/catalogue";

/** Seconds that the engine spent on one service's rotation, by step. */
export interface RotationTimes {
  password: number;
  /** Written to the server, and tried there. */
  verifier: number;
  published: number;
}

const entries = [
  ...databases.map(({ name, server }) => ({ name, server, prefix: name })),
  ...redisUsers.map(({ name }) => ({ name, server: "redis", prefix: `redis-${name}` })),
];

/** What `up` printed for each finished step: ` ~  estate:mariadb:Account mo_crm-account updated (0.31s) [diff: ...]`. */
export function timesOf(output: string, names: readonly string[]): Map<string, RotationTimes> {
  const steps = [
    ...output.matchAll(
      /^ *(?:\S+ +)?(\S+:\S+:\S+) (\S+) (?:updated|replaced|created)(?: replacement)? \(([\d.]+)s\)/gm,
    ),
  ];
  const found = new Map<string, RotationTimes>();
  for (const { name, prefix } of entries) {
    if (!names.includes(name)) continue;
    const own = steps.filter(
      ([, , resource = ""]) => resource === prefix || resource.startsWith(`${prefix}-`),
    );
    const seconds = (type: RegExp) =>
      own.filter(([, kind = ""]) => type.test(kind)).reduce((sum, [, , , text]) => sum + Number(text), 0);
    const written = own.some(([, kind = ""]) => /^estate:(?!github:)/.test(kind));
    const published = own.some(([, kind = ""]) => /^estate:github:/.test(kind));
    if (!written || !published) continue;
    found.set(name, {
      password: seconds(/^random:/),
      verifier: seconds(/^estate:(?!github:)/),
      published: seconds(/^estate:github:/),
    });
  }
  return found;
}

export function renderTimes(times: ReadonlyMap<string, RotationTimes>): string {
  const lines = entries.flatMap(({ name, server }) => {
    const time = times.get(name);
    if (!time) return [];
    const steps = [
      time.password,
      time.verifier,
      time.published,
      time.password + time.verifier + time.published,
    ];
    return [
      `${name.padEnd(16)}${server.padEnd(10)}${steps.map((step) => step.toFixed(2).padStart(10)).join("")}`,
    ];
  });
  const head = `${"rotated".padEnd(16)}${"server".padEnd(10)}${["generate", "write+try", "publish", "seconds"].map((text) => text.padStart(10)).join("")}`;
  return [head, ...lines].join("\n");
}
