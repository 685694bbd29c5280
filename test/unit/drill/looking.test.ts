import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { loadStackConfig } from "../../../estate/load";
import { databaseServer } from "../../../estate/servers";
import { EXIT } from "../../../ops/exit";
import { keptOf } from "../../drill/fill/clean";
import { mustRefuse } from "../../drill/negative/refused";
import { checkFaults } from "../../drill/prove/pages";
import { structureFaults, structuresOf } from "../../drill/prove/structure";
import { refusal } from "../../drill/refuse";
import { momentOf } from "../../drill/run";
import { projectDirectory } from "../../support/run";

describe("a drill elsewhere than in the lab", () => {
  const { servers } = loadStackConfig("local", projectDirectory);
  const env = { PULUMI_BACKEND_URL: "file:///run/estate-lab/pulumi" };

  it("is not refused in the lab", () => expect(refusal("local", servers, env)).toBeUndefined());

  it("is refused by the stack's name", () =>
    expect(refusal("prod", servers, env)).toMatch(/works on the lab alone; stack prod is not the lab's/));

  it("is refused where one host has another address, which is named", () => {
    const mariadb = databaseServer(servers, "mariadb");
    const moved = {
      ...servers,
      mariadb: { ...mariadb, ssh: { ...mariadb.ssh, host: "10.1.2.3" } },
    };
    expect(refusal("local", moved, env)).toMatch(
      /servers\.mariadb\.ssh\.host is 10\.1\.2\.3, which is no host of the lab/,
    );
  });

  it("is refused where the state lies elsewhere", () => {
    expect(refusal("local", servers, { PULUMI_BACKEND_URL: "s3://state" })).toMatch(/eval "\$\(make env\)"/);
    expect(refusal("local", servers, {})).toMatch(/its environment is missing/);
  });
});

describe("the drill's command", () => {
  const drill = (...args: string[]) =>
    spawnSync(process.execPath, ["--require", "./toolchain/start.cjs", "test/drill/main.ts", ...args], {
      cwd: projectDirectory,
      encoding: "utf8",
      env: { PATH: process.env.PATH },
    });

  it.each([
    [
      "prod",
      "drill: the drill destroys hosts and works on the lab alone; stack prod is not the lab's (local)\n",
    ],
    [
      "local",
      'drill: the drill destroys hosts and works on the lab alone; its environment is missing. Run: eval "$(make env)"\n',
    ],
    ["nowhere", "there is no Pulumi.nowhere.yaml in the project"],
  ])("destroys nothing of stack %s, which is not the lab's", (stack, message) => {
    const { status, stdout, stderr } = drill("--stack", stack);
    expect(stderr).toContain(message);
    expect({ status, stdout }).toEqual({ status: EXIT.unknown, stdout: "" });
  });

  it("helps, and takes no option that it does not know", () => {
    expect(drill("--help")).toMatchObject({ status: EXIT.done, stderr: "" });
    expect(drill("--stak", "local")).toMatchObject({ status: EXIT.unknown, stdout: "" });
  });
});

describe("structures", () => {
  const of = (text: string) => new Map(structuresOf(text));

  it("are a database's lines, without what a dump says of itself", () => {
    const text = [
      "-- structure of a",
      "-- Dumped by x",
      "\\restrict token",
      "CREATE TABLE `t` (",
      ") ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4;",
      "",
      "\\unrestrict token",
      "-- structure of b",
      "CREATE POLICY p;",
    ];
    expect([...of(text.join("\n"))]).toEqual([
      ["a", "CREATE TABLE `t` (\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;"],
      ["b", "CREATE POLICY p;"],
    ]);
  });

  it("that differ are told by their first line", () => {
    const was = new Map([
      ["a", "one\ntwo"],
      ["b", "x"],
      ["c", "y"],
    ]);
    const is = new Map([
      ["a", "one"],
      ["b", "x"],
    ]);
    expect(structureFaults(is, was)).toEqual(['a: line 2 is ""; it was "two"', "c is missing"]);
    expect(structureFaults(new Map([["a", "one\nmore"]]), new Map([["a", "one"]]))).toEqual([
      'a: line 2 is "more"; it was ""',
    ]);
  });
});

describe("what mariadb-check says", () => {
  it("is a fault unless it is OK; a sequence cannot be checked", () => {
    const said = [
      "mo_crm.drill_rows                                  OK",
      "mo_crm.drill_numbers",
      "note     : The storage engine for the table doesn't support check",
      "mo_crm.drill_log",
      "error    : Corrupt",
    ];
    expect(checkFaults(said.join("\n"))).toEqual(["mo_crm.drill_log: error    : Corrupt"]);
  });
});

describe("what is kept", () => {
  it("is told apart by database", () => {
    expect(keptOf("-- kept a\nINSERT 1;\n-- kept b\n")).toEqual([
      ["a", "\nINSERT 1;\n"],
      ["b", "\n"],
    ]);
  });
});

describe("a refusal", () => {
  const answer = { code: 1, stdout: "", stderr: "it is no longer in the bucket b\n", seconds: 1 };

  it("counts with its code and its reason alone", () => {
    expect(mustRefuse(answer, 1, /no longer in the bucket/)).toEqual([]);
    expect(mustRefuse({ ...answer, code: 0 }, 1, /no longer/)[0]).toMatch(/^it ended with 0, not 1/);
    expect(mustRefuse(answer, 1, /does not open/)[0]).toMatch(/^it said nothing like does not open/);
  });
});

it("a run's name tells its moment", () => {
  for (const run of ["20260131T020003Z", "20260131T020003Z-c909aae7"])
    expect(momentOf(run)).toBe(Date.parse("2026-01-31T02:00:03Z"));
});
