import { defineConfig } from "vitest/config";

const minutes = 60_000;

/** Throw-away servers are on this machine: a shell with the lab's tunnel open must not lead there. */
const withoutTunnel = { ALL_PROXY: "", all_proxy: "" };

/** unit: pure, seconds. contract: provider kinds on throw-away servers. lab: the running lab, one file at a time. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], env: withoutTunnel } },
      {
        test: {
          name: "contract",
          include: ["test/contract/**/*.test.ts"],
          env: withoutTunnel,
          testTimeout: minutes,
          hookTimeout: 5 * minutes,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "lab",
          include: ["test/lab/**/*.test.ts"],
          testTimeout: 5 * minutes,
          hookTimeout: 10 * minutes,
          fileParallelism: false,
        },
      },
    ],
  },
});
