import * as path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { attempt, must } from "../../../lab/command";
import { hosts } from "../../../lab/hosts";
import { cacheDirectory, checkout } from "../../../lab/paths";

const lab = path.join(checkout, "lab/lab");

/** Shell functions for the scripts below. `remains` prints every trace of a lab; nothing, when it is gone. */
const prelude = `
cd ${checkout}
# Of the lab outside; Node would tell at each start that it is not there.
unset NODE_EXTRA_CA_CERTS
remains() {
  ip netns list
  grep -E 'estate-lab|/run/netns' /proc/self/mountinfo
  ip -o link | grep estate
  find /sys/fs/cgroup -maxdepth 2 -name estate-lab
  ls -d /run/estate-lab 2>/dev/null
  cat /proc/[0-9]*/comm 2>/dev/null | grep -E 'systemd|unshare|debootstrap|mariadbd|sshd|nsenter'
}
killed_after() { # SECONDS
  lab/lab up >/dev/null 2>&1 & id=$!
  sleep "$1"
  kill -9 $id; wait $id 2>/dev/null
}
`;

/** Runs a script on a machine in the machine: the lab that others use is not touched. Gives all output. */
async function alone(script: string): Promise<string> {
  const sandbox = path.join(__dirname, "sandbox.sh");
  const { stdout, stderr } = await attempt("sh", [
    sandbox,
    path.dirname(cacheDirectory()),
    `{ ${prelude}${script}\n} 2>&1`,
  ]);
  return stdout + stderr;
}

// Makes the images where the cache lacks them; the machine in the machine has no network.
beforeAll(async () => {
  await must(lab, ["up"]);
}, 600_000);

describe("lab down", () => {
  it("leaves nothing of a running lab", async () => {
    const said = await alone(
      "lab/lab up 2>/dev/null; lab/lab down; echo down $?; echo [$(remains)]; lab/lab down",
    );
    expect(said).toContain("redis     10.77.0.14  fd77::14  running");
    expect(said).toMatch(/removed processes: \d\d/);
    expect(said).toContain("the lab is down\ndown 0\n[]\nthe lab is down: there was nothing to remove");
  });

  it("leaves nothing after an `up` that was killed, whenever", async () => {
    const moments = ["0.3", "0.4", "0.5", "0.7", "0.9", "1.2"];
    const said = await alone(`for t in ${moments.join(" ")}; do
      killed_after $t; lab/lab down >/dev/null; echo "$t: $? [$(remains)]"
    done`);
    expect(said.trim().split("\n")).toEqual(moments.map((moment) => `${moment}: 0 []`));
  });

  it("leaves nothing of an image build that was killed", async () => {
    // A mirror that never answers keeps the build at work.
    const said = await alone(`
      node -e 'require("net").createServer().listen(8099, "127.0.0.1")' & mirror=$!
      export ESTATE_CACHE=/run/empty-cache ESTATE_DEBIAN_MIRROR=http://127.0.0.1:8099/debian
      killed_after 2
      grep -qs '^debootstrap' /proc/[0-9]*/comm && echo building
      lab/lab down | grep -v ' processes'; kill $mirror; wait $mirror 2>/dev/null
      echo "[$(remains)]"`);
    expect(said).toContain("building\n");
    expect(said).toContain("the lab is down\n[]");
  });

  it("ends the tunnel, and no other SSH client", async () => {
    const said = await alone(`
      lab/lab up >/dev/null 2>&1
      ssh -F none -i /run/estate-lab/ssh/id_ed25519 -o UserKnownHostsFile=/run/estate-lab/ssh/known_hosts \\
        -N -D 127.0.0.1:17077 root@10.77.0.11 & tunnel=$!
      ln -s $(command -v sleep) /run/ssh; /run/ssh 60 & other=$!
      sleep 1
      kill -0 $tunnel && echo open; lab/lab down >/dev/null
      kill -0 $tunnel 2>/dev/null && echo "still open"; kill -0 $other && echo "other lives"; kill $other`);
    expect(said).toContain("open\nother lives");
    expect(said).not.toContain("still open");
  });
});

describe("lab up", () => {
  it("goes on where it was killed", async () => {
    const said = await alone("killed_after 0.4; killed_after 0.6; lab/lab up 2>/dev/null; echo up $?");
    expect(said.match(/ {2}yes {2}/g)).toHaveLength(hosts.length);
    expect(said).toContain("up 0");
  });

  it("starts a dead host on its own disk, and reset gives it a blank one", async () => {
    const said = await alone(
      `lab/lab up >/dev/null 2>&1
      lab/lab exec redis -- sh -c 'echo mine >/root/marker; cat /etc/machine-id' >/run/first
      kill -9 $(grep -las '^/lib/systemd/systemd' /proc/[0-9]*/cmdline | cut -d/ -f3 | sort -n | head -n 1); sleep 0.3
      lab/lab status >/run/status; echo "status $?"; grep -c ' off ' /run/status
      lab/lab up >/dev/null 2>&1
      for host in plesk mariadb postgres redis cloud stranger; do lab/lab exec $host -- hostname; done
      lab/lab exec redis -- cat /root/marker
      ip netns exec estate-redis nft add table inet rules-of-an-earlier-life
      lab/lab reset redis
      lab/lab exec redis -- ls -A /root
      ip netns exec estate-redis nft list tables
      lab/lab exec redis -- cat /etc/machine-id | cmp -s - /run/first || echo "another machine"
      ssh -F none -i /run/estate-lab/ssh/id_ed25519 -o StrictHostKeyChecking=yes \\
        -o UserKnownHostsFile=/run/estate-lab/ssh/known_hosts root@redis true; echo "ssh $?"`.replace(
        "root@redis",
        "root@10.77.0.14",
      ),
    );
    expect(said).toContain("status 1\n1\n");
    expect(said).toContain("plesk\nmariadb\npostgres\nredis\ncloud\nstranger\nmine\n");
    expect(said.split("blank host redis (")[1]).not.toMatch(/marker|earlier-life/);
    expect(said).toContain("another machine");
    expect(said).toContain("ssh 0");
  });

  it("refuses a machine where another checkout's lab runs, and clears a dead one away", async () => {
    const said = await alone(`lab/lab up >/dev/null 2>&1
      echo /other/checkout >/run/estate-lab/owner
      lab/lab up; echo "up $?"
      for group in /sys/fs/cgroup/*/estate-lab /sys/fs/cgroup/estate-lab; do
        [ ! -e $group/cgroup.kill ] || echo 1 >$group/cgroup.kill
      done
      sleep 0.5
      lab/lab up >/dev/null 2>&1; echo "up $?"; cat /run/estate-lab/owner`);
    expect(said).toContain("a lab already, which belongs to /other/checkout (running: plesk,");
    expect(said).toContain("Take it down first: /other/checkout/lab/lab down\nup 1\nup 0\n");
    expect(said.trim().endsWith(checkout)).toBe(true);
  });

  it("says in one message all that is missing", async () => {
    const empty =
      await alone(`mkdir /run/bin; for tool in node sh readlink dirname; do ln -s $(command -v $tool) /run/bin; done
      mount -t tmpfs nothing /usr/sbin
      PATH=/run/bin lab/lab up; echo "up $?"`);
    expect(empty).toContain("the lab cannot run on this machine. Missing:");
    for (const program of ["debootstrap", "nft", "unshare", "ssh", "age-keygen", "zstd", "jq"])
      expect(empty).toMatch(new RegExp(`^  - the programs .*\\b${program}\\b`, "m"));
    expect(empty).toMatch(/Install the packages: debootstrap .*\bopenssh-client\b/);
    expect(empty).toContain("up 1");
    const user = await attempt("setpriv", [
      "--reuid=65534",
      "--clear-groups",
      // The checkout may lie where nobody else gets in.
      "--inh-caps=-all,+dac_read_search",
      "--ambient-caps=+dac_read_search",
      "sh",
      "-c",
      `cd /; ${lab} up; exit $?`,
    ]);
    expect(user.code).toBe(1);
    expect(user.stderr).toContain("root: the lab and the servers of tests have roots of their own");
  });
});
