import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../../ops/program";
import { id, type Portal, type PortalDatabase, startPortal } from "../../support/mcp-portal";
import { recordedIo } from "../../unit/ops/support";

let portal: Portal;
let database: PortalDatabase;
let directory: string;
const secret = "fixture: guards nothing";

beforeAll(async () => {
  portal = await startPortal("17");
  database = await portal.open({ name: "mcp_portal" });
  directory = mkdtempSync(path.join(tmpdir(), "estate-keys-"));
});
afterAll(async () => {
  await portal?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** `estate keys ...` of a stack that has these outputs. */
async function keys(args: string[], wrappingSecrets: string[] = [secret]) {
  const { host, port, admin, caCertificate } = portal.bench.engine;
  const login = { host, port, ...admin, caCertificate, serverName: "localhost" };
  const outputs = {
    connections: {},
    redis: {},
    admins: { postgres: login },
    wrappingSecrets: { mcp_portal: wrappingSecrets },
  };
  writeFileSync(path.join(directory, "outputs.json"), JSON.stringify(outputs));
  writeFileSync(path.join(directory, "pulumi"), `#!/bin/sh\ncat ${directory}/outputs.json\n`);
  chmodSync(path.join(directory, "pulumi"), 0o755);
  const io = recordedIo({ env: { PATH: `${directory}:/usr/bin:/bin` } });
  const exitCode = await run(["keys", ...args, "--stack", "prod"], io);
  return { exitCode, out: io.stdout, err: io.stderr };
}

test("status, rotate, status: in words and for programs", async () => {
  const before = await keys(["status"]);
  expect(before).toMatchObject({ exitCode: 0, err: "" });
  expect(before.out).toMatch(/^mcp_portal\s+1\s+active\s+4\s/m);
  const rotated = await keys(["rotate", "--batch", "3"]);
  expect(rotated).toEqual({
    exitCode: 0,
    out: "mcp_portal: made version 2, 4 settings sealed anew, version 1 destroyed\n",
    err: "",
  });
  const again = await keys(["rotate", "--json", "--database", "mcp_portal"]);
  expect(JSON.parse(again.out)).toEqual({
    stack: "prod",
    ok: true,
    databases: [
      {
        database: "mcp_portal",
        version: 3,
        resumed: false,
        resealed: 4,
        retired: [2],
        broken: [],
        finished: true,
      },
    ],
  });
});

test("another secret than the stack's: nothing begins, and no secret is in the message", async () => {
  const { exitCode, err } = await keys(["rotate"], ["not the secret"]);
  expect(exitCode).toBe(1);
  expect(err).toMatch(
    /^estate: mcp_portal: key version 3 was wrapped with a663764b79e4d41e, and the stack has/,
  );
  expect(err).not.toContain("not the secret");
  const status = await keys(["status"], ["not the secret"]);
  expect(status.exitCode).toBe(1);
  expect(status.out).toContain("give the stack that secret back");
});

test("a setting that does not open is named, and the exit code says so", async () => {
  await database.admin.query(
    `UPDATE user_server_configs SET encrypted_config = '\\x00' WHERE id = '${id("ea1")}'`,
  );
  const { exitCode, out } = await keys(["rotate"]);
  expect(exitCode).toBe(1);
  expect(out).toContain(`setting ${id("ea1")} does not open`);
});

test("stack without the outputs, database without the tables: what to run", async () => {
  const lacking = await keys(["rotate"], []);
  expect(lacking).toMatchObject({ exitCode: 2 });
  expect(lacking.err).toContain("lack the wrapping secret of mcp_portal. Run: pulumi up --stack prod");
  await database.admin.query("ALTER TABLE encryption_keys RENAME TO hidden");
  const bare = await keys(["status"]);
  expect(bare).toMatchObject({ exitCode: 1, err: expect.stringContaining("migrations are not applied") });
  await database.admin.query("ALTER TABLE hidden RENAME TO encryption_keys");
});

test("no key, no secret and no plain text is in what the server wrote down", async () => {
  for (const setting of ["log_parameter_max_length", "log_parameter_max_length_on_error"]) {
    await portal.bench.sql(`ALTER SYSTEM SET ${setting} = 0`);
  }
  await portal.bench.sql("SELECT pg_reload_conf()");
  const from = portal.bench.engine.log().length;
  await database.admin.query(`DELETE FROM user_server_configs WHERE id = '${id("ea1")}'`);
  // The first ends what the broken setting held up, the second seals everything anew.
  for (const _time of [1, 2]) expect((await keys(["rotate"])).exitCode).toBe(0);
  const written = portal.bench.engine.log().slice(from);
  expect(written).toContain("UPDATE public.user_server_configs");
  expect(written).not.toMatch(/\\x[0-9a-f]{16}/);
  expect(written).not.toContain("secret of 0ea2");
  expect(written).not.toContain(secret);
});
