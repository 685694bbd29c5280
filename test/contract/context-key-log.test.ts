import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectPostgres, type PostgresConnection } from "../../connect/postgres";
import { writeKeys } from "../../provider/kinds/row-security/keys";
import { startPostgres } from "../support/engines-postgres";

let server: Awaited<ReturnType<typeof startPostgres>>;
let admin: PostgresConnection;

beforeAll(async () => {
  server = await startPostgres("17");
  const { host, port, caCertificate } = server;
  admin = await connectPostgres(
    { host, port, proxy: "" },
    { caCertificate, serverName: "localhost" },
    server.admin,
  );
  await admin.query("CREATE SCHEMA context");
  await admin.query("CREATE TABLE context.keys (id text PRIMARY KEY, inner_pad bytea, outer_pad bytea)");
});
afterAll(async () => {
  await admin?.close();
  await server?.stop();
});

/** What stands for a key in the database, as it would show in a log. */
function innerPad(key: string): string {
  const block = Buffer.alloc(64);
  block.write(key);
  return Buffer.from(block.map((each) => each ^ 0x36)).toString("hex");
}

test("a server that logs every statement with its parameters writes no context key down", async () => {
  const [key, planted] = [randomBytes(32).toString("base64url"), randomBytes(32).toString("base64url")];
  await admin.transaction(() => writeKeys(admin, { k1: key }, {}));
  const [row] = await admin.query<{ pad: string }>(
    "SELECT encode(inner_pad, 'hex') AS pad FROM context.keys",
  );
  expect(row?.pad).toBe(innerPad(key));
  // The same by somebody who takes no care of it: afterwards everything is logged again.
  await admin.query("UPDATE context.keys SET inner_pad = $1::bytea", [`\\x${innerPad(planted)}`]);
  await expect.poll(() => server.log()).toContain(innerPad(planted));
  expect(server.log()).not.toContain(innerPad(key));
  expect(server.log()).not.toContain(key);
});
