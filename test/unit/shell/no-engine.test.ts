import { join } from "node:path";
import { expect, it } from "vitest";
import { projectDirectory, run } from "../../support/run";

it("a host without PostgreSQL is told at once, and not looked for it again and again", async () => {
  const agent = (name: string) => join(projectDirectory, "components/agent", name);
  const script = [
    `ESTATE_MARK=estate; PORT=5432; source ${agent("errors.sh")}; source ${agent("postgres-session.sh")}`,
    "find() { :; }; runuser() { echo asked; }",
    'on_server -c "SELECT 1"; echo went on',
  ].join("\n");
  const { code, stdout, stderr } = await run("timeout", ["10", "bash", "-euo", "pipefail", "-c", script]);
  expect({ code, stdout, stderr }).toEqual({
    code: 1,
    stdout: "",
    stderr: "estate: there is no PostgreSQL on this host. Run: pulumi up\n",
  });
});
