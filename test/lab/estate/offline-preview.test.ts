import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyProject, type ProjectCopy } from "../../support/project";

describe("a preview where no server can be reached", () => {
  let project: ProjectCopy;
  let backend: string;
  beforeAll(async () => {
    project = await copyProject();
    backend = await mkdtemp(join(tmpdir(), "estate-backend-"));
  });
  afterAll(async () => {
    await project?.remove();
    await rm(backend, { recursive: true, force: true });
  });

  it.each([
    "prod",
    "staging",
  ])("of %s runs to the end without a server, a tunnel or a secret", async (stack) => {
    const environment = {
      PULUMI_BACKEND_URL: `file://${backend}`,
      PULUMI_CONFIG_PASSPHRASE: "only for this test",
      ALL_PROXY: "socks5://127.0.0.1:9",
      SSH_PRIVATE_KEY_FILE: "",
      PLESK_DB_ADMIN_PASSWORD_FILE: "",
      GITHUB_TOKEN: "",
      // Nor a cloud's: none from the shell, none from the files of whoever runs the test.
      AWS_SHARED_CREDENTIALS_FILE: "",
      PULUMI_HOME: process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"),
      HOME: backend,
    };
    const init = await project.pulumi(["stack", "init", stack], environment);
    expect(init.code, init.output).toBe(0);
    const preview = await project.pulumi(["preview", "--stack", stack, "--json"], environment);
    expect(preview.code, preview.output).toBe(0);
    const { steps } = JSON.parse(preview.stdout) as { steps: { op: string; urn: string }[] };
    expect(new Set(steps.map(({ op }) => op))).toEqual(new Set(["create"]));
    expect(
      steps.filter(({ urn }) => urn.endsWith("$aws:s3/bucketPolicy:BucketPolicy::backup-policy")),
    ).toHaveLength(1);
    expect(steps.filter(({ urn }) => /estate:component:(Mariadb|Postgres)Database::/.test(urn))).toHaveLength(
      20,
    );
  });
});
