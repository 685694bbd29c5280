import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { databases, servers } from "../../../estate/catalogue";
import { databaseServers, declaredServer, serverFaults, traitsOf } from "../../../estate/servers";
import type { ServerDeclaration } from "../../../estate/types";
import { projectDirectory } from "../../support/run";

const ROOMS = [
  "components",
  "connect",
  "estate",
  "lab",
  "migrate",
  "ops",
  "policy",
  "provider",
  "test/drill",
];
/** `server === "plesk"`, `host !== "postgres"`. */
const COMPARED = /(?:server|host|name)\)? [!=]== "(?:plesk|mariadb|postgres|redis)"/i;

it("no code asks what a server is called", () => {
  const files = ROOMS.flatMap((room) =>
    readdirSync(path.join(projectDirectory, room), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => path.join(room, file)),
  );
  expect(files.length).toBeGreaterThan(300);
  expect(
    files.filter((file) => COMPARED.test(readFileSync(path.join(projectDirectory, file), "utf8"))),
  ).toEqual([]);
});

it("every database is on a server of its engine, and the web host is its panel's", () => {
  expect(databases.filter(({ server, engine }) => traitsOf(server).engine !== engine)).toEqual([]);
  expect(traitsOf("plesk")).toMatchObject({ management: "panel", changeLog: false, mostDatabases: 5 });
  expect(databaseServers()).not.toContain("redis");
  expect(declaredServer("constructor")).toBeUndefined();
  expect(() => traitsOf("constructor")).toThrow('the catalogue has no server "constructor"');
});

describe("the catalogue's servers", () => {
  const faults = (change: Record<string, Partial<ServerDeclaration> | undefined>) => {
    const changed = Object.entries({ ...servers, ...change }).flatMap(([name, server]) =>
      server ? [[name, { ...servers[name], ...server } as ServerDeclaration]] : [],
    );
    return serverFaults(Object.fromEntries(changed)).map(({ path, fix }) => `${path}: ${fix}`);
  };
  const fifth = { engine: "postgres", management: "provisioned", changeLog: true } as const;

  it("may be more", () => {
    expect(faults({})).toEqual([]);
    expect(faults({ "archive-2": { ...fifth, secretPrefix: "PG_ARCHIVE" } })).toEqual([]);
  });

  it.each([
    [
      { Archive_2: { ...fifth, secretPrefix: "PG2" } },
      "catalogue.servers: use up to 31 lower-case letters, digits and hyphens, beginning with a letter",
    ],
    [
      { archive: fifth },
      "catalogue.servers.archive.secretPrefix: applications have to find it: give a prefix such as PG",
    ],
    [
      { archive: { ...fifth, secretPrefix: "PG" } },
      "catalogue.servers.archive.secretPrefix: postgres has it already: every server has its own",
    ],
    [
      { archive: { ...fifth, secretPrefix: "GITHUB_PG" } },
      "catalogue.servers.archive.secretPrefix: use upper-case letters, digits and underscores; not GITHUB_ in front",
    ],
    [
      { archive: { ...fifth, secretPrefix: "SSH" } },
      "catalogue.servers.archive.secretPrefix: SSH_HOST is the operator's: choose another prefix",
    ],
    [
      { plesk: undefined },
      "catalogue.servers: one server, and no more, belongs to the web host's panel: it is the way in to the others",
    ],
    [
      { mariadb: { management: "panel" as const } },
      "catalogue.servers: one server, and no more, belongs to the web host's panel: it is the way in to the others",
    ],
    [
      { plesk: { engine: "postgres" as const } },
      "catalogue.servers.plesk.engine: the web host's own server is MariaDB",
    ],
    [
      { cache: { ...servers.redis, secretPrefix: "CACHE" } },
      "catalogue.servers: the estate has one Redis host, with an instance for each service",
    ],
    [{ redis: { changeLog: true } }, "catalogue.servers.redis.changeLog: Redis keeps none"],
  ])("are refused: %j", (change, fault) => expect(faults(change)).toEqual([fault]));
});
