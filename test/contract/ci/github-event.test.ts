import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { currentRun, keepComment, type Run, reportFailure } from "../../../ops/ci/github-event";
import { type LoopbackGithub, startGithub, tokens } from "../../support/github";

let github: LoopbackGithub;
let run: Run;

beforeAll(async () => {
  github = await startGithub();
  run = currentRun({
    GITHUB_REPOSITORY: "owner/applications",
    GITHUB_TOKEN: tokens.write,
    GITHUB_API_URL: github.baseUrl,
    GITHUB_SERVER_URL: "https://github.test",
    GITHUB_RUN_ID: "7",
    GITHUB_SHA: "abc",
  });
});
afterAll(() => github?.stop());

const issues = () => github.api.store.find("owner", "applications")?.issues ?? [];

describe("a pull request's comment", () => {
  test("is written once and edited from then on, also behind a hundred others", async () => {
    await run.github.ask("POST", `repos/${run.repository}/issues`, { title: "a pull request" });
    for (let index = 0; index < 101; index++) {
      await run.github.ask("POST", `repos/${run.repository}/issues/1/comments`, { body: `other ${index}` });
    }
    await keepComment(run, 1, "<!-- plan of prod -->", "<!-- plan of prod -->\nfirst");
    await keepComment(run, 1, "<!-- plan of staging -->", "<!-- plan of staging -->\nother stack");
    await keepComment(run, 1, "<!-- plan of prod -->", "<!-- plan of prod -->\nsecond");
    const bodies = issues()[0]?.comments.map(({ body }) => body) ?? [];
    expect(bodies).toHaveLength(103);
    expect(bodies.slice(-2)).toEqual([
      "<!-- plan of prod -->\nsecond",
      "<!-- plan of staging -->\nother stack",
    ]);
  });
});

describe("a failure on schedule", () => {
  test("opens one issue, and each further one is a comment on it", async () => {
    await reportFailure(run, "rotation of prod failed", "rotation", "first");
    await reportFailure(run, "rotation of prod failed", "rotation", "second");
    await reportFailure(run, "rotation of staging failed", "rotation", "third");
    const opened = issues().filter(({ labels }) => labels.includes("rotation"));
    expect(opened.map(({ title, body, comments }) => [title, body, comments.map((one) => one.body)])).toEqual(
      [
        ["rotation of prod failed", "first", ["second"]],
        ["rotation of staging failed", "third", []],
      ],
    );
  });

  test("names its run, and says which variable is missing", () => {
    expect(run.url).toBe("https://github.test/owner/applications/actions/runs/7");
    expect(() => currentRun({ GITHUB_REPOSITORY: "o/r" })).toThrow("GITHUB_TOKEN is not set");
  });
});
