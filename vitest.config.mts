import { defineConfig } from "vitest/config";

const minutes = 60_000;

/** What a shell set up for the lab must not lend: its tunnel (throw-away servers are on this machine) and its secrets. */
const withoutLab = {
  ALL_PROXY: "",
  all_proxy: "",
  SSH_PRIVATE_KEY_FILE: "",
  PLESK_DB_ADMIN_PASSWORD_FILE: "",
  GITHUB_TOKEN: "",
  AWS_SHARED_CREDENTIALS_FILE: "",
};

/**
 * unit: pure, seconds. contract: provider kinds on throw-away servers, the engine on stacks of its own; two files at a time, for
 * test/run starts it beside lab.
 * lab: the running lab, one file at a time.
 */
export default defineConfig({
  test: {
    projects: [
      // A busy machine is no fault.
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          env: withoutLab,
          testTimeout: minutes / 2,
        },
      },
      {
        test: {
          name: "contract",
          include: ["test/contract/**/*.test.ts"],
          env: withoutLab,
          testTimeout: minutes,
          hookTimeout: 5 * minutes,
          maxWorkers: 2,
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
