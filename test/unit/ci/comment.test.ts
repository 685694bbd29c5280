import { describe, expect, it } from "vitest";
import { marker, renderPlan } from "../../../ops/ci/comment";

const plan = {
  stack: "prod",
  text: "",
  failed: false,
  commit: "0123456789abcdef0123456789abcdef01234567",
  url: "https://github.test/run/1",
};

describe("the comment with a plan", () => {
  it("begins with its marker, says what changes in numbers, and shows the plan", () => {
    const text = [
      "Previewing update (prod):",
      " ~  estate:mariadb:Account mo_crm-account update [diff: ~passwords]",
      "Resources:",
      "    + 2 to create",
      "    ~ 1 to update",
      "    +-1 to replace",
      "    223 unchanged",
      "",
    ].join("\n");
    const body = renderPlan({ ...plan, text });
    expect(body.startsWith(marker("prod"))).toBe(true);
    expect(body).toContain("### Plan for `prod`: 2 to create, 1 to update, 1 to replace\n");
    expect(body).toContain("Of 0123456789ab, [the whole log](https://github.test/run/1).");
    expect(body).toContain("mo_crm-account update [diff: ~passwords]");
    expect(renderPlan({ ...plan, text: "Resources:\n    223 unchanged\n" })).toContain(
      "`prod`: no changes\n",
    );
    expect(renderPlan({ ...plan, text, failed: true })).toContain("`prod`: refused\n");
  });

  it("fits into what GitHub takes, and keeps the end, from the beginning of a line", () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} of a plan`);
    const body = renderPlan({ ...plan, text: lines.join("\n") });
    expect(body.length).toBeLessThan(60_000);
    expect(body).toContain("line 19999 of a plan");
    expect(body).toContain("<summary>the end of the plan</summary>");
    expect(body).toMatch(/diff\nline \d+ of a plan\n/);
  });

  it("has no colours, and no text in it can leave the fence", () => {
    const body = renderPlan({ ...plan, text: "\u001b[32m+\u001b[0m created\r\n```\n# not a title" });
    expect(body).toContain("````diff\n+ created\n```\n# not a title\n````");
  });

  it("holds none of the run's own secrets, not a line of them", () => {
    const key = "-----BEGIN KEY-----\nc2VjcmV0IGxpbmU\n-----END KEY-----";
    const text = "token a-very-secret-token and c2VjcmV0IGxpbmU, ok";
    expect(renderPlan({ ...plan, text }, ["a-very-secret-token", key, "ok", ""])).toContain(
      "token [secret] and [secret], ok",
    );
  });
});
