import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { projectDirectory } from "../../support/run";
import { githubFiles, type Job, type Step, workflows } from "../../support/workflows";

const files = [...githubFiles()];
const all = [...workflows()];
const jobs = all.flatMap(([file, { jobs }]) =>
  Object.entries(jobs).map(([name, job]): [string, Job] => [`${file}.${name}`, job]),
);
const steps = files.flatMap(([file, text]) => {
  const { jobs = {}, runs } = parse(text) as { jobs?: Record<string, Job>; runs?: { steps: Step[] } };
  return [...Object.values(jobs), ...(runs ? [runs] : [])].flatMap(({ steps = [] }) =>
    steps.map((step): [string, Step] => [file, step]),
  );
});
const commands = steps.flatMap(([file, { run }]) => (run ? [[file, run] as const] : []));

/** As a workflow writes it. */
const expression = (text: string) => `$\{{ ${text} }}`;

describe("the workflows", () => {
  it("are these", () => {
    expect(all.map(([name]) => name)).toEqual([
      "backup-check",
      "check",
      "deploy",
      "drill",
      "preview",
      "rotate",
      "up",
    ]);
    expect(commands.length).toBeGreaterThan(8);
  });

  it("pin every action by its full commit, with the version beside it, and one version of each", () => {
    const pins = new Map<string, string>();
    for (const [file, text] of files) {
      for (const [, action = "", rest = ""] of text.matchAll(/^\s*(?:- )?uses: ([^\s@]+)(.*)$/gm)) {
        if (action.startsWith("./")) continue;
        expect(rest, `${file}: ${action}`).toMatch(/^@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
        expect(pins.get(action) ?? rest, `${file}: ${action}`).toBe(rest);
        pins.set(action, rest);
      }
    }
    expect(pins.size).toBe(5);
  });

  it("grant nothing by default, and to each job what it names", () => {
    for (const [file, { permissions }] of all) {
      expect(permissions, file).toEqual(file === "check" ? { contents: "read" } : {});
    }
    const writes = jobs.map(([name, { permissions = {} }]) => [
      name,
      Object.keys(permissions).filter((key) => permissions[key] === "write"),
    ]);
    expect(Object.fromEntries(writes.filter(([, names]) => names?.length))).toEqual({
      "backup-check.prod": ["id-token", "issues"],
      "deploy.prod": ["id-token"],
      "deploy.staging": ["id-token"],
      "drill.drill": ["issues"],
      "preview.plan": ["id-token", "pull-requests"],
      "rotate.prod": ["id-token"],
      "rotate.report": ["issues"],
      "rotate.staging": ["id-token"],
      "up.up": ["id-token"],
    });
  });

  it("give a fork nothing", () => {
    for (const [file, { on }] of all) expect(on, file).not.toHaveProperty("pull_request_target");
    const preview = new Map(jobs).get("preview.plan");
    expect(preview?.if).toBe("github.event.pull_request.head.repo.full_name == github.repository");
    const inCheck = files.find(([file]) => file === "workflows/check.yml")?.[1];
    expect(inCheck).not.toMatch(/secrets\.|vars\.|github\.token|id-token/);
  });

  it("hold no long-lived key of AWS, and ask for a role", () => {
    for (const [file, text] of files)
      expect(text, file).not.toMatch(/aws-(access-key|secret)|AWS_(ACCESS|SECRET)/i);
    expect(steps.filter(([, { uses }]) => uses?.startsWith("aws-actions/"))).toHaveLength(1);
  });

  it("put no expression into a command: a title or a branch would be run as one", () => {
    for (const [file, run] of commands) expect(run, file).not.toContain("${{");
  });

  it("leave no credential of the checkout behind", () => {
    for (const [file, text] of files) {
      const checkouts = text.match(/uses: actions\/checkout@/g)?.length ?? 0;
      expect(text.match(/persist-credentials: false/g)?.length ?? 0, file).toBe(checkouts);
    }
  });

  it("never cut an `up` short, and never run two of a stack at once", () => {
    const up = new Map(jobs).get("up.up");
    expect(up?.concurrency).toEqual({
      group: `estate-${expression("inputs.stack")}`,
      "cancel-in-progress": false,
    });
    for (const name of ["deploy", "rotate"]) {
      const workflow = workflows().get(name);
      expect(workflow, name).not.toHaveProperty("concurrency");
      const stacks = Object.values(workflow?.jobs ?? {}).filter((job) => job.with?.stack);
      expect(stacks.map((job) => [job.uses, job.with?.target])).toEqual(
        ["staging", "prod"].map(() => ["./.github/workflows/up.yml", name]),
      );
    }
    expect(workflows().get("preview")?.concurrency?.["cancel-in-progress"]).toBe(true);
  });

  it("rotate what was deployed, never what only is on main", () => {
    const { staging, prod } = workflows().get("rotate")?.jobs ?? {};
    expect(staging?.with?.ref).toBe(expression("needs.deployed.outputs.staging"));
    expect(prod?.with?.ref).toBe(expression("needs.deployed.outputs.production"));
  });

  it("run files that are there and targets that the Makefile has", () => {
    const makefile = readFileSync(join(projectDirectory, "Makefile"), "utf8");
    const text = commands.map(([, run]) => run).join("\n");
    for (const [, file = ""] of text.matchAll(/npx tsx (\S+)/g)) {
      expect(existsSync(join(projectDirectory, file)), file).toBe(true);
    }
    for (const target of ["check", "test", "preview", "install", "deploy", "rotate"]) {
      expect(makefile).toMatch(new RegExp(`^${target}:`, "m"));
    }
  });
});
