import { describe, expect, it } from "vitest";
import { databases } from "../../../estate/catalogue";
import { serversOf } from "../../../estate/servers";
import type { Linted } from "../../../ops/lint/run";
import { postgres } from "../../support/lab";
import { type RunOptions, run } from "../../support/run";

describe("estate lint", () => {
  const lint = async (names: string[] = [], options: RunOptions = {}) => {
    const finished = await run("ops/estate", ["lint", "--stack", "local", "--json", ...names], options);
    const report = finished.code === 2 ? undefined : (JSON.parse(finished.stdout) as { results: Linted[] });
    return { ...finished, results: report?.results ?? [] };
  };

  it("finds nothing on the whole estate", async () => {
    const { code, results } = await lint();
    expect(results.filter(({ findings, error }) => findings.length > 0 || error)).toEqual([]);
    const live = databases.filter(({ engine, state }) => engine === "postgres" && state === "live");
    expect(results.map(({ name }) => name)).toEqual([
      "postgres",
      ...live.map(({ name }) => name),
      ...serversOf("mariadb"),
    ]);
    expect(code).toBe(0);
  });

  it("finds what somebody opens by hand, names the place and how to mend it", async () => {
    await postgres(
      "ncy8",
      "GRANT TRUNCATE ON public.tasks TO svc_ncy8; ALTER TABLE public.tasks NO FORCE ROW LEVEL SECURITY",
    );
    try {
      const { code, results } = await lint(["ncy8"]);
      expect(code).toBe(1);
      expect(results.flatMap(({ findings }) => findings.map(({ rule, at }) => `${rule} ${at}`))).toEqual([
        "row-security-not-forced ncy8.public.tasks",
        "grant-around-rows ncy8.public.tasks",
      ]);
      const shown = await run("ops/estate", ["lint", "--stack", "local", "ncy8"]);
      expect(shown.code).toBe(1);
      expect(shown.stdout).toMatch(
        /critical grant-around-rows: ncy8\.public\.tasks\n {2}svc_ncy8 has TRUNCATE.*\n {2}mend: /,
      );
    } finally {
      await postgres(
        "ncy8",
        "REVOKE TRUNCATE ON public.tasks FROM svc_ncy8; ALTER TABLE public.tasks FORCE ROW LEVEL SECURITY",
      );
    }
    expect((await lint(["ncy8"])).code).toBe(0);
  });

  it("says that it could not tell where there is no way in", async () => {
    const { code, stderr } = await lint([], { env: { ALL_PROXY: "socks5://127.0.0.1:1" } });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^estate: the tunnel is closed: .*estate tunnel --stack local --background/);
  });
});
