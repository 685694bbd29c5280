import { once } from "node:events";
import * as fs from "node:fs";
import * as net from "node:net";
import * as tls from "node:tls";
import { KMSClient, ListKeysCommand } from "@aws-sdk/client-kms";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it } from "vitest";
import { attempt, must } from "../../../lab/command";
import { cloudPort, githubPort, hostNamed, hosts, type LabHostName, operator } from "../../../lab/hosts";
import { onConsole } from "../../../lab/machine";
import { mirrorPackages } from "../../../lab/packages";
import { checkout, run } from "../../../lab/paths";
import { bucketClient, clientSettings, operatorKey, refusal } from "../../support/backup";

const lab = `${checkout}/lab/lab`;

const on = async (name: LabHostName, script: string, input?: string) => {
  const result = await onConsole(hostNamed(name), ["sh", "-c", script], { input });
  return { ...result, text: result.stdout.trim() };
};

/** From the host `from`: does that port accept within two seconds? */
const opens = async (from: LabHostName, to: string, port: number) =>
  (await on(from, `timeout 2 python3 -c 'import socket; socket.create_connection(("${to}", ${port}), 2)'`))
    .code === 0;

beforeAll(async () => {
  await must(lab, ["up"]);
}, 600_000);

describe("every host", () => {
  it("is a machine of its own, with systemd and its own identity", async () => {
    const found = await Promise.all(
      hosts.map(async (host) => {
        const { text } = await on(
          host.name,
          "cat /proc/1/comm /etc/machine-id; hostname; cut -d' ' -f2 /etc/ssh/*.pub",
        );
        const [init, machine, name, hostKey] = text.split("\n");
        expect([host.name, init, name]).toEqual([host.name, "systemd", host.name]);
        return [machine, hostKey];
      }),
    );
    expect(new Set(found.flat()).size).toBe(2 * hosts.length);
  });

  it("reaches the others by name, and those that let it in", async () => {
    expect((await on("stranger", "getent ahostsv4 postgres.lab.internal")).text).toContain("10.77.0.13");
    expect(await opens("plesk", "cloud.lab.internal", cloudPort)).toBe(true);
    expect(await opens("redis", "cloud.lab.internal", cloudPort)).toBe(true);
    expect(await opens("cloud", "fd77::66", 22)).toBe(true);
  });

  it("lets no stranger in, nor a neighbour to where it has no business", async () => {
    type Door = Parameters<typeof opens>;
    const wrong = [hostNamed("plesk"), hostNamed("cloud")].flatMap(({ ipv4, ipv6 }): Door[] => [
      ...[22, cloudPort, githubPort].flatMap((port) =>
        [ipv4, ipv6].map((address): Door => ["stranger", address, port]),
      ),
      ["redis", ipv4, 22],
    ]);
    const answers = await Promise.all(wrong.map(async (door) => [door, await opens(...door)] as const));
    expect(answers.filter(([, open]) => open)).toEqual([]);
  });

  it("has no way out", async () => {
    for (const { name } of hosts) {
      const routes = (await on(name, "ip -4 route; ip -6 route")).text;
      expect(routes, name).not.toContain("default");
      expect(routes, name).not.toContain("via");
    }
  });

  it("cannot change the settings of the kernel below, but those of its network", async () => {
    expect((await on("redis", "echo 7 >/proc/sys/vm/swappiness")).code).not.toBe(0);
    expect((await on("redis", "echo 7 >/proc/sys/kernel/panic")).code).not.toBe(0);
    expect((await on("redis", "echo 1 >/proc/sys/net/ipv4/tcp_syncookies")).code).toBe(0);
  });

  it("sees no process and no mount of the machine below", async () => {
    const { text } = await on("redis", "cat /proc/self/mountinfo; ls /.old-root 2>&1");
    expect(text).not.toContain("estate-lab/secrets");
    expect(text).not.toContain("/run/netns");
    expect(text).toContain("No such file");
  });
});

describe("a blank host", () => {
  it("can install every package that the components ask for, from its mirror", async () => {
    await on("redis", "apt-get -q update");
    const simulated = await on("redis", `apt-get -q -y --simulate install ${mirrorPackages.join(" ")}`);
    expect(simulated.stderr).toBe("");
    expect(simulated.code).toBe(0);
    expect(simulated.stdout).toMatch(/Inst mariadb-server .*\n/);
    expect(simulated.stdout).toMatch(/Inst postgresql-17-partman .*\n/);
  });

  it("cannot write to the mirror", async () => {
    expect((await on("redis", "touch /var/lib/lab-mirror/x")).stderr).toContain("Read-only");
  });
});

describe("the operator", () => {
  it("logs in by key, to hosts whose keys are known beforehand", async () => {
    const options = ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-F", "none"];
    const known = ["-o", `UserKnownHostsFile=${run.knownHosts}`];
    for (const host of hosts) {
      const login = await attempt("ssh", [
        ...options,
        ...known,
        "-i",
        run.sshKey,
        `root@${host.ipv4}`,
        "hostname",
      ]);
      expect([login.stdout.trim(), login.stderr]).toEqual([host.name, ""]);
    }
  });

  it("is the only one who gets in", async () => {
    const key = [
      "-o",
      "BatchMode=yes",
      "-o",
      "StrictHostKeyChecking=yes",
      "-F",
      "none",
      "-o",
      "IdentitiesOnly=yes",
    ];
    const known = ["-o", `UserKnownHostsFile=${run.knownHosts}`, "-i", "/dev/null"];
    expect((await attempt("ssh", [...key, ...known, "root@10.77.0.11", "true"])).stderr).toContain(
      "Permission denied",
    );
  });

  it("keeps the lab's secrets to root", () => {
    for (const file of ["/run/estate-lab", run.secrets, run.ssh])
      expect(fs.statSync(file).mode & 0o077, file).toBe(0);
    for (const file of [run.sshKey, run.pleskAdmin]) expect(fs.statSync(file).mode & 0o177, file).toBe(0);
  });

  it("serves nothing to the lab from the root namespace", async () => {
    const listeners = await must("ss", ["-Hltn", "src", operator.ipv4]);
    expect(listeners).toBe("");
  });
});

describe("the web host", () => {
  it("has MariaDB 10.11 on localhost only", async () => {
    expect((await on("plesk", "mariadb -BNe 'select @@version'")).text).toMatch(/^10\.11\./);
    expect((await on("plesk", "ss -Hltn sport = :3306")).text).toMatch(/127\.0\.0\.1:3306/);
    expect(await opens("stranger", "10.77.0.11", 3306)).toBe(false);
    expect(await opens("stranger", "fd77::11", 3306)).toBe(false);
  });

  it("lets its administrator in over verified TLS and not without", async () => {
    const login = (flags: string) =>
      on(
        "plesk",
        `MYSQL_PWD=$(cat) mariadb -BN -h 127.0.0.1 -u estate_admin ${flags} -e "show status like 'Ssl_version'; show grants"`,
        fs.readFileSync(run.pleskAdmin, "utf8"),
      );
    const verified = await login("--ssl-ca=/etc/mysql/tls/server-cert.pem --ssl-verify-server-cert");
    expect(verified.stdout).toContain("TLSv1.3");
    expect(verified.stdout).toContain("WITH GRANT OPTION");
    expect((await login("--skip-ssl")).stderr).toContain("Access denied");
  });

  it("has a certificate for its name whose key never left it", async () => {
    const text = (await on("plesk", "openssl x509 -in /etc/mysql/tls/server-cert.pem -noout -text")).text;
    expect(text).toContain("DNS:plesk.lab.internal");
    expect(text).toContain("IP Address:127.0.0.1");
    expect((await on("plesk", "stat -c '%a %U' /etc/mysql/tls/server-key.pem")).text).toBe("400 mysql");
  });

  it("forwards for the operator", async () => {
    expect((await on("plesk", "sshd -T | grep -i allowtcpforwarding")).text).toBe("allowtcpforwarding yes");
  });
});

describe("the cloud", () => {
  const { ipv4, fqdn } = hostNamed("cloud");
  const certificate = () => fs.readFileSync(`${run.tls}/cloud.pem`, "utf8");

  it("answers S3 over TLS, on its own address only, with a certificate for its name", async () => {
    expect((await on("cloud", `ss -Hltn sport = :${cloudPort}`)).text).toContain(`${ipv4}:${cloudPort}`);
    await expect(fetch(`http://${ipv4}:${cloudPort}/`)).rejects.toThrow("fetch failed");
    const socket = tls.connect({ host: ipv4, port: cloudPort, servername: fqdn, ca: certificate() });
    await once(socket, "secureConnect");
    socket.destroy();
    expect((await on("cloud", "stat -c '%a %U' /var/lib/estate-cloud/key.pem")).text).toBe(
      "600 estate-cloud",
    );
  });

  it("knows its operator, and nobody else", async () => {
    const place = {
      region: "eu-central-1",
      endpoint: `https://${ipv4}:${cloudPort}`,
      caCertificate: certificate(),
    };
    const kms = new KMSClient(clientSettings(place, operatorKey()));
    expect(await kms.send(new ListKeysCommand({}))).toHaveProperty("Keys");
    const stranger = bucketClient(place, { accessKeyId: "AKIASTRANGER", secretAccessKey: "none" });
    expect(await refusal(stranger.send(new ListBucketsCommand({})))).toBe("InvalidAccessKeyId");
  });

  it("keeps what it holds when the lab is brought up again", async () => {
    const process = async () => (await on("cloud", "systemctl show --property MainPID estate-cloud")).text;
    const before = await process();
    await must(lab, ["up"]);
    expect(await process()).toBe(before);
  });
});

describe("lab exec", () => {
  it("passes options, output and the exit code on", async () => {
    const result = await attempt(lab, ["exec", "redis", "--", "sh", "-c", "echo --json; exit 7"]);
    expect([result.stdout, result.code]).toEqual(["--json\n", 7]);
  });
});

describe("lab up", () => {
  it("is refused while another command changes the lab", async () => {
    const holder = net.createServer();
    await new Promise<void>((resolve) => holder.listen("\0estate-lab", resolve));
    const refused = await attempt(lab, ["up"]);
    await new Promise((resolve) => holder.close(resolve));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("another lab command is at work");
  });

  it("leaves what runs alone", async () => {
    const before = (await on("redis", "cat /proc/sys/kernel/random/boot_id /proc/1/stat")).text.split(
      " ",
    )[21];
    const again = await attempt(lab, ["up"]);
    expect(again.stderr).toContain("every host was running already");
    expect((await on("redis", "cat /proc/sys/kernel/random/boot_id /proc/1/stat")).text.split(" ")[21]).toBe(
      before,
    );
  });
});
