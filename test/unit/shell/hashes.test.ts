import { expect, it } from "vitest";
import { mariadbAdminSql, postgresAdminSql } from "../../../components/plans/admin";
import { mendScript } from "../../../provider/kinds/host/settings-scripts";
import { succeed } from "../../support/run";

/** The function as it stands in what runs on hosts. */
const [WITHOUT_HASHES = ""] = /^without_hashes\(\) .*$/m.exec(mendScript("postgres")) ?? [];
const shown = (text: string) =>
  succeed("bash", ["-euo", "pipefail", "-c", `${WITHOUT_HASHES}\nwithout_hashes`], { input: text });

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
