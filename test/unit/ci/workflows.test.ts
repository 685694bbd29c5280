import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { projectDirectory } from "../../support/run";
import { actions, githubFiles, type Job, type Step, workflows } from "../../support/workflows";

/** Workflows and actions; the settings of an auditor are neither. */
const files = [...githubFiles()].filter(([file]) => file.includes("/"));
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
    ]);
    expect([...actions().keys()]).toEqual(["prepare", "up"]);
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
    for (const name of ["deploy", "rotate"]) {
      const workflow = workflows().get(name);
      expect(workflow, name).not.toHaveProperty("concurrency");
      for (const stack of ["staging", "prod"]) {
        const job = workflow?.jobs[stack];
        expect(job?.concurrency).toEqual({ group: `estate-${stack}`, "cancel-in-progress": false });
        expect(upOf(job)).toMatchObject({ stack, target: name });
      }
    }
    expect(workflows().get("preview")?.concurrency?.["cancel-in-progress"]).toBe(true);
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

/** What a job hands to the action `up`. */
function upOf(job: Job | undefined): Record<string, unknown> | undefined {
  return job?.steps?.find(({ uses }) => uses === "./.github/actions/up")?.with;
}

describe("who reaches a credential", () => {
  /** A job's own text, with that of the actions it uses: where anything that is not public comes from. */
  const text = (job: Job) => JSON.stringify(job);
  const holds = (job: Job) =>
    /\b(secrets|vars)\./.test(text(job)) || job.permissions?.["id-token"] === "write";

  it("is in an environment, each job in its own", () => {
    const environments = Object.fromEntries(
      jobs.filter(([, job]) => holds(job)).map(([name, job]) => [name, environmentsOf(job)]),
    );
    expect(environments).toEqual({
      "backup-check.prod": ["backup-check"],
      "deploy.prod": ["production"],
      "deploy.staging": ["staging"],
      "preview.plan": ["preview-staging", "preview-production"],
      "rotate.prod": ["production-rotation"],
      "rotate.staging": ["staging-rotation"],
    });
  });

  it("and every environment's rule is written down: main alone, or reviewers before a branch's code", () => {
    const docs = readFileSync(join(projectDirectory, "docs/github-secrets.md"), "utf8");
    const table = docs.slice(docs.indexOf("### What has to be there"));
    for (const [name, job] of jobs) {
      for (const environment of environmentsOf(job)) {
        const row = new RegExp(`^\\| \`${environment}\`.*$`, "m").exec(table)?.[0] ?? "";
        const ofBranch = Object.keys(workflows().get(name.split(".")[0] ?? "")?.on ?? {}).includes(
          "pull_request",
        );
        expect(row, environment).toMatch(ofBranch ? /`refs\/pull\/\*\/merge` \| yes/ : /\| `main` \|/);
      }
    }
  });

  it("code of a pull request meets one only behind an environment with reviewers", () => {
    const ofPullRequests = all.filter(([, { on }]) => "pull_request" in on).map(([name]) => name);
    expect(ofPullRequests).toEqual(["check", "preview"]);
    for (const [name, job] of jobs) {
      if (!ofPullRequests.includes(name.split(".")[0] ?? "") || !holds(job)) continue;
      for (const environment of environmentsOf(job)) expect(environment, name).toMatch(/^preview-/);
      expect(text(job), name).not.toContain("secrets.");
    }
  });

  it("no step checks out what an event, an input or an entry names", () => {
    for (const [file, { uses, with: inputs }] of steps) {
      if (uses?.startsWith("actions/checkout@")) expect(inputs, file).not.toHaveProperty("ref");
      if (uses?.startsWith("actions/checkout@")) expect(inputs, file).not.toHaveProperty("repository");
    }
    for (const [file, content] of files)
      expect(content, file).not.toMatch(/workflow_run|repository_dispatch|deployments/);
  });

  it("a secret is handed over by its name, to the one action that makes an `up`", () => {
    for (const [name, job] of jobs) {
      expect(job.secrets, name).toBeUndefined();
      const { steps: own = [], ...rest } = job;
      expect(JSON.stringify(rest), name).not.toContain("secrets.");
      for (const step of own) {
        if (step.uses !== "./.github/actions/up")
          expect(JSON.stringify(step), name).not.toContain("secrets.");
      }
      const up = upOf(job);
      if (!up) continue;
      expect(Object.values(up).filter((value) => String(value).includes("secrets."))).toEqual([
        expression("secrets.ESTATE_APP_PRIVATE_KEY"),
        expression("secrets.SSH_PRIVATE_KEY"),
        expression("secrets.PLESK_DB_ADMIN_PASSWORD"),
      ]);
    }
  });

  it("the app's token is for one repository and for secrets of its environments, and is refused without a name", () => {
    const up = actions().get("up") ?? [];
    const at = up.findIndex(({ uses }) => uses?.startsWith("actions/create-github-app-token@"));
    const { with: inputs = {} } = up[at] ?? {};
    expect(inputs.repositories).toBe(expression("inputs.secrets-repository"));
    expect(Object.entries(inputs).filter(([name]) => name.startsWith("permission-"))).toEqual([
      ["permission-environments", "write"],
      ["permission-secrets", "read"],
    ]);
    expect(up[at - 1]).toMatchObject({
      run: 'test -n "$REPOSITORY"',
      env: { REPOSITORY: expression("inputs.secrets-repository") },
    });
    expect(steps.filter(([, { uses }]) => uses?.includes("github-app-token"))).toHaveLength(1);
  });

  it("a rotation runs what the stack's own history names, from main with all of its history", () => {
    for (const [name, job] of jobs.filter(([name]) => /^rotate\.(staging|prod)$/.test(name))) {
      expect(upOf(job), name).toMatchObject({ deployed: true });
      expect(job.steps?.[0]?.with, name).toMatchObject({ "fetch-depth": 0 });
    }
    const up = actions().get("up") ?? [];
    const at = (command: string) => up.findIndex(({ run }) => run?.includes(command));
    expect(up[at("check-out-deployed")]?.if).toBe("inputs.deployed == 'true'");
    expect(at("check-out-deployed")).toBeGreaterThan(-1);
    expect(at("check-out-deployed")).toBeLessThan(at("make "));
    for (const name of ["staging", "prod"]) {
      expect(upOf(workflows().get("deploy")?.jobs[name])).not.toHaveProperty("deployed");
    }
  });
});

function environmentsOf({ environment, strategy }: Job): string[] {
  if (environment === undefined) return [];
  if (environment !== expression("matrix.environment")) return [environment];
  return strategy?.matrix.include?.map((each) => each.environment ?? "") ?? [];
}
