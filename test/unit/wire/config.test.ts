import { describe, expect, it, vi } from "vitest";
import { checkEstateConfig, closeEstateConfig, makeEstateConfig } from "../../../provider/config";
import { UNKNOWN } from "../../../provider/wire/kind";

const server = { host: "db", port: 3306, user: "admin", password: "canary", caCertificate: "PEM" };
const faults = (news: Parameters<typeof checkEstateConfig>[0]) =>
  checkEstateConfig(news).failures.map(({ property, reason }) => `${property}: ${reason}`);

describe("the provider's configuration", () => {
  it("is one server, or none, or not known yet", () => {
    expect(faults({ mariadb: JSON.stringify(server) })).toEqual([]);
    expect(faults({})).toEqual([]);
    expect(faults({ postgres: UNKNOWN })).toEqual([]);
    expect(faults({ ssh: JSON.stringify({ host: "h", port: 22, user: "root" }) })).toEqual([]);
  });

  it("names every fault at once, and no value of a server", () => {
    const bad = JSON.stringify({ ...server, host: "", caCertificate: undefined, port: 70000 });
    expect(faults({ mariadb: bad, redis: "canary", oracle: "x" })).toEqual([
      "oracle: is no server of this provider; it knows mariadb, postgres, redis, ssh",
      ": mariadb and redis are set: a provider instance serves one server, make one for each",
      "mariadb.host: is missing; it must be a string",
      "mariadb.caCertificate: is missing; it must be a string",
      "mariadb.port: must be a whole number from 1 to 65535",
      "redis: must be the server as a JSON object in a string",
    ]);
  });

  it("makes the one server that is set, opens nothing, and closes it whatever the others do", async () => {
    const config = makeEstateConfig({ mariadb: JSON.stringify(server) });
    expect(Object.keys(config)).toEqual(["mariadb", "github"]);
    expect(makeEstateConfig({ ssh: '{"host":"h","port":22,"user":"root"}' }).ssh?.host).toBe("h");

    const { redis } = makeEstateConfig({ redis: JSON.stringify(server) });
    const closed = vi.spyOn(redis as object as { close(): Promise<void> }, "close");
    const { mariadb } = config;
    vi.spyOn(mariadb as object as { close(): Promise<void> }, "close").mockRejectedValue(new Error("gone"));
    await closeEstateConfig({ mariadb, redis });
    expect(closed).toHaveBeenCalledOnce();
  });

  it("takes what Redis is shown, by port", () => {
    const clientCertificates = { "6381": "canary" };
    expect(faults({ redis: JSON.stringify({ ...server, clientCertificates }) })).toEqual([]);
    const { redis } = makeEstateConfig({ redis: JSON.stringify({ ...server, clientCertificates }) });
    expect(redis).toMatchObject({ clientCertificates });
    expect(redis?.at(6381)).toMatchObject({ clientCertificates });
  });
});
