import { spawn } from "node:child_process";
import { projectDirectory } from "./run";

/** What a host had open to the network while it was watched, and what stood before it. */
export interface Exposure {
  /** Looks at the host; some dozens a second. */
  samples: number;
  /** Every address but sshd's and the loopback's that was listened on, `10.77.0.12:3306`. */
  listened: string[];
  /** Of these, what was listened on while the kernel let everybody in, on IPv4 or IPv6. */
  unguarded: string[];
}

/** One line a look: whether both families drop what no rule lets in, and who listens. Ends with its standard input. */
const LOOK = `
while read -t 0.02 _; [ $? -gt 128 ]; do
  listening=$(ss -Hltn | awk '$4 !~ /^(127\\.|\\[::1\\])/ && $4 !~ /:22$/ { print $4 }' | sort | paste -sd' ')
  closed=no
  # Asked after the listeners: what appears between the two looks counts as guarded only if it was so before.
  if iptables -S INPUT 2>/dev/null | grep -qx -- '-P INPUT DROP' &&
    ip6tables -S INPUT 2>/dev/null | grep -qx -- '-P INPUT DROP'; then closed=yes; fi
  echo "$closed $listening"
done
`;

/** Watches a host of the lab until `stop`. Throws where the host cannot be watched. */
export function watchExposure(host: string): { stop(): Promise<Exposure> } {
  const child = spawn("lab/lab", ["exec", host, "--", "bash", "-c", LOOK], {
    cwd: projectDirectory,
    stdio: ["pipe", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return {
    async stop() {
      child.stdin.end();
      const code = await ended;
      if (code !== 0) throw new Error(`watching ${host} ended with ${code}`);
      return exposureOf(printed);
    },
  };
}

export function exposureOf(printed: string): Exposure {
  const looks = printed
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [closed, ...listening] = line.split(" ").filter(Boolean);
      return { closed: closed === "yes", listening };
    });
  const distinct = (open: typeof looks) => [...new Set(open.flatMap(({ listening }) => listening))].sort();
  return {
    samples: looks.length,
    listened: distinct(looks),
    unguarded: distinct(looks.filter(({ closed }) => !closed)),
  };
}
