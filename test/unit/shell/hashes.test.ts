import { join } from "node:path";
import { expect, it } from "vitest";
import { mariadbAdminSql, postgresAdminSql } from "../../../components/plans/admin";
import { projectDirectory, succeed } from "../../support/run";

const settings = join(projectDirectory, "components/scripts/settings.sh");
const shown = (text: string) =>
  succeed("bash", ["-euo", "pipefail", "-c", 'source "$0"; without_hashes', settings], { input: text });

it("what a server's log quotes of the admin's SQL is shown without a hash", async () => {
  const password = "canary-of-an-admin-0123456789-abcdefgh";
  const quoted = [mariadbAdminSql(password, "10.0.0.11"), postgresAdminSql(password)].join("\n");
  const hash = /\*[0-9A-F]{40}|SCRAM-SHA-256\$/;
  expect(quoted).toMatch(hash);
  const text = await shown(quoted);
  expect(text).not.toMatch(hash);
  expect(text).not.toMatch(/[0-9A-Fa-f]{32}|4096:/);
  expect(text).toContain("ALTER ROLE estate_admin WITH LOGIN SUPERUSER PASSWORD '...");
});
