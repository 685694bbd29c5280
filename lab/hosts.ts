/** The root file system a host boots from. `blank` is a freshly installed Debian 13 and nothing else. */
export type LabImage = "blank" | "web" | "cloud" | "stranger";

/** One machine of the local data centre. */
export interface LabHost {
  name: LabHostName;
  /** Address in 10.77.0.0/24. */
  ipv4: string;
  /** Address in fd77::/64. */
  ipv6: string;
  /** The name that every host knows it by. */
  fqdn: string;
  image: LabImage;
  purpose: string;
}

export type LabHostName = "plesk" | "mariadb" | "postgres" | "redis" | "spare" | "cloud" | "stranger";

export const domain = "lab.internal";

/** The operator's own end of the lab network: the only address of the lab in the root namespace. */
export const operator = { ipv4: "10.77.0.1", ipv6: "fd77::1", prefix4: 24, prefix6: 64 } as const;

/** Where `estate tunnel` listens for SOCKS clients, on 127.0.0.1. */
export const tunnelPort = 17077;

/** Port of S3, KMS and IAM on the host `cloud`. */
export const cloudPort = 5000;

/** Port of GitHub's API there, and of what tests steer it by: on the host's own loopback. */
export const githubPort = 8443;
export const githubControlPort = 8444;

export const hosts: readonly LabHost[] = [
  host("plesk", 11, "web", "web host: tier-1 MariaDB 10.11, and the way in"),
  host("mariadb", 12, "blank", "external MariaDB server"),
  host("postgres", 13, "blank", "PostgreSQL server"),
  host("redis", 14, "blank", "Redis server"),
  host("spare", 16, "blank", "a machine that nobody uses yet"),
  host("cloud", 15, "cloud", "S3, KMS, IAM and GitHub's API"),
  host("stranger", 66, "stranger", "an attacker: no door may open for it"),
];

function host(name: LabHostName, number: number, image: LabImage, purpose: string): LabHost {
  return {
    name,
    ipv4: `10.77.0.${number}`,
    ipv6: `fd77::${number}`,
    fqdn: `${name}.${domain}`,
    image,
    purpose,
  };
}

/** The host of that name. Errors: an unknown name, with the names there are. */
export function hostNamed(name: string): LabHost {
  const found = hosts.find((candidate) => candidate.name === name);
  if (!found)
    throw new Error(`"${name}" is no host of the lab. The hosts are: ${hosts.map((h) => h.name).join(", ")}`);
  return found;
}

/**
 * The /etc/hosts of one host. Its own name comes from the same table, so every host agrees on every address. They lead
 * to IPv4 alone, where everything listens: behind a firewall the other address would be silent, and whoever tries it
 * first would wait.
 */
export function hostsFile(self: LabHost): string {
  const lines = hosts.map((h) => `${h.ipv4} ${h.fqdn} ${h.name}`);
  return [
    "127.0.0.1 localhost",
    "::1 localhost ip6-localhost ip6-loopback",
    `# this is ${self.fqdn}`,
    ...lines,
    "",
  ].join("\n");
}
