import { describe, expect, it } from "vitest";
import { labDoors } from "../../../lab/firewall";
import { cloudPort, githubPort, hostNamed, hosts, operator } from "../../../lab/hosts";

describe("the ways into hosts that the program does not close", () => {
  it("are none for a stranger", () => {
    const { ipv4, ipv6 } = hostNamed("stranger");
    const doors = hosts.flatMap(labDoors);
    expect(doors.length).toBeGreaterThan(10);
    expect(doors.filter(({ from }) => from === ipv4 || from === ipv6 || from.includes("/"))).toEqual([]);
  });

  it("lead by SSH to the web host and the cloud, for the operator alone", () => {
    expect(labDoors(hostNamed("plesk"))).toEqual([
      { port: 22, from: operator.ipv4 },
      { port: 22, from: operator.ipv6 },
    ]);
    const ssh = labDoors(hostNamed("cloud")).filter(({ port }) => port === 22);
    expect(ssh).toEqual(labDoors(hostNamed("plesk")));
  });

  it("lead to the cloud's services for every host that the program knows", () => {
    for (const port of [cloudPort, githubPort]) {
      const sources = labDoors(hostNamed("cloud")).flatMap((door) => (door.port === port ? [door.from] : []));
      expect(sources).toEqual([
        "10.77.0.1",
        "10.77.0.11",
        "10.77.0.12",
        "10.77.0.13",
        "10.77.0.14",
        "10.77.0.16",
      ]);
    }
  });

  it("are the program's business on its own hosts", () => {
    expect(["mariadb", "postgres", "redis", "spare"].flatMap((name) => labDoors(hostNamed(name)))).toEqual(
      [],
    );
  });
});
