import { describe, expect, it } from "vitest";
import { databases, redisUsers } from "../../../estate/catalogue";
import { keptUnder, savedOf } from "../../../estate/saved";
import { traitsOf } from "../../../estate/servers";
import { selectSaved } from "../../../ops/backup/select";

const declared = { databases, redisUsers };

describe("what is backed up", () => {
  it("is every database and every queue, under names of which there is one", () => {
    const names = savedOf(declared).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual([...databases.map(({ name }) => name), "svc_n8n", "svc_discourse"]);
  });

  it("is no cache, and a look-up says why", () => {
    expect(() => selectSaved(declared, ["mo_crm", "svc_crm"])).toThrow(
      "svc_crm is a cache, which no backup takes: what it holds is made anew from its database",
    );
    expect(() => selectSaved(declared, ["svc_n9n"])).toThrow("did you mean svc_n8n?");
    expect(selectSaved(declared, ["svc_n8n"])).toMatchObject([{ engine: "redis", server: "redis" }]);
  });

  it("is kept by what its host has", () => {
    expect(
      (["plesk", "postgres", "redis"] as const).map((host) => [traitsOf(host).engine, keptUnder(host)]),
    ).toEqual([
      ["mariadb", "daily"],
      ["postgres", "daily"],
      ["redis", "queue"],
    ]);
  });
});
