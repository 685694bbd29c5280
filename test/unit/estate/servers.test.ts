import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { expect, it } from "vitest";
import { databases } from "../../../estate/catalogue";
import { traitsOf } from "../../../estate/servers";
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
  expect(traitsOf("plesk")).toMatchObject({ provisioned: false, changeLog: false, mostDatabases: 5 });
  expect(traitsOf("redis")).toBeUndefined();
  expect(traitsOf("constructor")).toBeUndefined();
});
