import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PostgresConnection } from "../../../connect/postgres";
import { newDataKey, teamKey, unwrap, WrongKey, wrap, wrappingKey } from "../../../ops/keys/crypto";
import { AlreadyRotating, type KeySession, type RotateOptions, rotateKeys } from "../../../ops/keys/rotate";
import { addKey, readKeys } from "../../../ops/keys/store";
import { id, type Portal, type PortalDatabase, startPortal } from "../../support/mcp-portal";

const wrapping = wrappingKey("mcp_portal", "fixture: guards nothing");
const hex = (bytes: Buffer) => `\\x${bytes.toString("hex")}`;
const sessionOn = (connection: PostgresConnection): KeySession => ({
  connection,
  transaction: (work) => connection.transaction(work),
});

describe.each(["16", "17"] as const)("rotation of mcp_portal's keys on PostgreSQL %s", (version) => {
  let portal: Portal;
  let database: PortalDatabase;
  let admin: PostgresConnection;
  beforeAll(async () => {
    portal = await startPortal(version);
  });
  afterAll(() => portal?.stop());
  beforeEach(async () => {
    database = await portal.open();
    admin = database.admin;
    // As many as make rotation take several batches: 40 members of alpha with one setting each.
    await admin.query(
      `INSERT INTO users (id, team_id, azure_oid, email)
       SELECT ('00000000-0000-4000-8000-1' || lpad(n::text, 11, '0'))::uuid, '${id("a0")}', 'many-' || n, n || '@many.example'
       FROM generate_series(1, 40) AS n`,
    );
    await admin.query(
      `INSERT INTO team_members (team_id, user_id)
       SELECT team_id, id FROM users WHERE azure_oid LIKE 'many-%'`,
    );
    for (let n = 1; n <= 40; n++) await write(admin, n, `plain ${n}`, 1);
  });

  const many = (n: number) => `00000000-0000-4000-8000-1${String(n).padStart(11, "0")}`;
  const keyOf = async (connection: PostgresConnection, keyVersion: number, team = id("a0")) => {
    const stored = (await readKeys(connection)).find((key) => key.version === keyVersion);
    if (!stored?.wrapped) throw new Error(`version ${keyVersion} is gone`);
    return hex(teamKey(unwrap(wrapping, keyVersion, stored.wrapped), team));
  };
  /** As the service writes: under the version that it holds for active. The id of a setting is its user's. */
  const write = async (connection: PostgresConnection, n: number, plain: string, keyVersion: number) => {
    await connection.query(
      `INSERT INTO user_server_configs (id, team_id, user_id, server_id, encrypted_config, key_version)
       VALUES ($1, $2, $1, $3, seal_secret($4, $5::bytea, $1, $6), $6)
       ON CONFLICT (id) DO UPDATE SET encrypted_config = excluded.encrypted_config, key_version = excluded.key_version`,
      [many(n), id("a0"), id("f01"), plain, await keyOf(connection, keyVersion), keyVersion],
    );
  };
  /** As the service reads: the row says which key it needs. */
  const read = async (connection: PostgresConnection, config: string, team = id("a0")) => {
    const rows = await connection.query<{ key_version: number }>(
      "SELECT key_version FROM user_server_configs WHERE id = $1",
      [config],
    );
    const keyVersion = rows[0]?.key_version ?? 0;
    const [row] = await connection.query<{ plain: string }>(
      "SELECT open_secret(encrypted_config, $1::bytea, id, $2) AS plain FROM user_server_configs WHERE id = $3",
      [await keyOf(connection, keyVersion, team), keyVersion, config],
    );
    return row?.plain;
  };
  const versions = async () =>
    (await readKeys(admin)).map((key) => `${key.version} ${key.state} ${key.settings}`);
  const rotate = async (options: Partial<RotateOptions> = {}, connection?: PostgresConnection) =>
    rotateKeys(sessionOn(connection ?? (await database.connect())), [wrapping], {
      batch: 10,
      signal: new AbortController().signal,
      onProgress: () => {},
      ...options,
    });

  test("the next version takes over, every setting opens under it, the old key is destroyed", async () => {
    const progress: [number, number][] = [];
    const done = await rotate({ onProgress: (count, total) => progress.push([count, total]) });
    expect(done).toEqual({
      version: 2,
      resumed: false,
      resealed: 44,
      retired: [1],
      broken: [],
      finished: true,
    });
    expect(progress[0]).toEqual([0, 44]);
    expect(progress.at(-1)).toEqual([44, 44]);
    expect(await versions()).toEqual(["1 retired 0", "2 active 44"]);
    expect((await readKeys(admin))[0]?.wrapped).toBeUndefined();
    for (let n = 1; n <= 40; n++) expect(await read(admin, many(n))).toBe(`plain ${n}`);
    expect(await read(admin, id("eb1"), id("b0"))).toBe('{"token":"secret of 0eb1"}');
    const events = await admin.query(
      "SELECT action, count(*)::int AS n FROM audit_logs WHERE action IN ('config_reencrypted', 'key_created', 'key_rotated', 'key_retired') GROUP BY 1 ORDER BY 1",
    );
    expect(events).toEqual([
      { action: "config_reencrypted", n: 44 },
      { action: "key_created", n: 2 },
      { action: "key_rotated", n: 1 },
      { action: "key_retired", n: 1 },
    ]);
  });

  test("an empty database gets its first key", async () => {
    const empty = await portal.open({ empty: true });
    const done = await rotate({}, empty.admin);
    expect(done).toMatchObject({ version: 1, resealed: 0, retired: [] });
    expect((await readKeys(empty.admin)).map((key) => key.state)).toEqual(["active"]);
  });

  test("stopped between two batches it goes on later, without a further version", async () => {
    const stop = new AbortController();
    const first = await rotate({ signal: stop.signal, onProgress: (count) => count >= 20 && stop.abort() });
    expect(first).toMatchObject({ version: 2, resealed: 20, retired: [], finished: false });
    expect(await versions()).toEqual(["1 retiring 24", "2 active 20"]);
    // Both open meanwhile.
    for (const n of [1, 20, 40]) expect(await read(admin, many(n))).toBe(`plain ${n}`);
    const second = await rotate();
    expect(second).toMatchObject({ version: 2, resumed: true, resealed: 24, retired: [1], finished: true });
    expect(await versions()).toEqual(["1 retired 0", "2 active 44"]);
  });

  test("killed in the middle of a batch, the batch is undone and the lock is free", async () => {
    const victim = await database.connect();
    const [backend] = await victim.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    let batches = 0;
    const killed = rotateKeys(
      {
        connection: victim,
        transaction: (work) =>
          victim.transaction(async () => {
            const result = await work();
            if (++batches === 3) await admin.query("SELECT pg_terminate_backend($1)", [backend?.pid ?? 0]);
            return result;
          }),
      },
      [wrapping],
      { batch: 10, signal: new AbortController().signal, onProgress: () => {} },
    );
    await expect(killed).rejects.toThrow();
    // Its client hears of it before it has let go of its locks.
    const left = () => admin.query("SELECT 1 FROM pg_stat_activity WHERE pid = $1", [backend?.pid ?? 0]);
    await expect.poll(left, { timeout: 10_000 }).toEqual([]);
    expect(await versions()).toEqual(["1 retiring 34", "2 active 10"]);
    expect(await rotate()).toMatchObject({ resumed: true, resealed: 34, finished: true });
  });

  test("writers and readers go on while it runs: nothing is lost, nothing fails to open", async () => {
    const writer = await database.connect();
    const reader = await database.connect();
    const expected = new Map<number, string>();
    let rotating = true;
    let reads = 0;
    const writes = (async () => {
      for (let round = 0; rotating; round++) {
        const n = (round % 40) + 1;
        // A service that has not heard of the new version still writes under the old one.
        const held = round % 2 === 0 ? 1 : 2;
        const plain = `written ${round}`;
        try {
          await write(writer, n, plain, held);
        } catch (error) {
          // Told so, it takes the active one.
          if (!/is gone|user_server_configs_key_fkey/.test(String(error))) throw error;
          await write(writer, n, plain, held === 1 ? 2 : 1);
        }
        expected.set(n, plain);
      }
    })();
    const readings = (async () => {
      while (rotating) {
        const n = (reads++ % 40) + 1;
        await reader.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
        expect(await read(reader, many(n))).toMatch(/^(plain|written) \d+$/);
        await reader.query("COMMIT");
      }
    })();
    const done = await rotate({ batch: 3 }).finally(() => {
      rotating = false;
    });
    await Promise.all([writes, readings]);
    expect(done).toMatchObject({ version: 2, retired: [1], broken: [], finished: true });
    expect(expected.size).toBeGreaterThan(5);
    expect(reads).toBeGreaterThan(5);
    for (const [n, plain] of expected) expect(await read(admin, many(n))).toBe(plain);
    expect(await versions()).toEqual(["1 retired 0", "2 active 44"]);
  });

  test("a writer that is still open when the old key is to go: it is waited for, and its setting is found", async () => {
    const writer = await database.connect();
    await writer.query("BEGIN");
    await write(writer, 1, "the last under the old key", 1);
    let finished = false;
    const rotating = rotate({ batch: 100 }).finally(() => {
      finished = true;
    });
    const waiting =
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while ((await admin.query(waiting)).length === 0) await new Promise((next) => setTimeout(next, 20));
    expect(finished).toBe(false);
    await writer.query("COMMIT");
    expect(await rotating).toMatchObject({ retired: [1], broken: [] });
    expect(await read(admin, many(1))).toBe("the last under the old key");
  });

  test("a setting that does not open is named, the others move, and its key stays", async () => {
    await admin.query("UPDATE user_server_configs SET encrypted_config = '\\x00' WHERE id = $1", [many(7)]);
    const done = await rotate();
    expect(done).toMatchObject({ resealed: 43, broken: [many(7)], retired: [] });
    expect(await versions()).toEqual(["1 retiring 1", "2 active 43"]);
    await write(admin, 7, "written anew", 2);
    expect(await rotate()).toMatchObject({ resumed: true, retired: [1], broken: [] });
  });

  test("two at once: the second says so and changes nothing", async () => {
    const first = await database.connect();
    await first.query("SELECT pg_advisory_lock($1)", [0x6b657973]);
    await expect(rotate()).rejects.toThrow(AlreadyRotating);
    expect(await versions()).toEqual(["1 active 44"]);
  });

  test("a new wrapping secret takes over with the next version, and the old one is not needed after it", async () => {
    const newer = wrappingKey("mcp_portal", "the next secret of this stack");
    const options = { batch: 50, signal: new AbortController().signal, onProgress: () => {} };
    await rotateKeys(sessionOn(admin), [newer, wrapping], options);
    expect((await readKeys(admin)).map((key) => key.wrappedWith)).toEqual([
      wrapping.fingerprint,
      newer.fingerprint,
    ]);
    expect(await rotateKeys(sessionOn(admin), [newer], options)).toMatchObject({ version: 3, resealed: 44 });
  });

  test("another wrapping key, or a wrapped key moved to another version: nothing is begun", async () => {
    const other = wrappingKey("mcp_portal", "not the secret of this stack");
    const options = { batch: 10, signal: new AbortController().signal, onProgress: () => {} };
    await expect(rotateKeys(sessionOn(admin), [other], options)).rejects.toThrow(WrongKey);
    await admin.query("UPDATE encryption_keys SET state = 'retiring', rotated_at = now()");
    await addKey(admin, {
      version: 2,
      wrappedWith: wrapping.fingerprint,
      wrapped: wrap(wrapping, 1, newDataKey()),
    });
    await expect(rotate()).rejects.toThrow(WrongKey);
    expect(await versions()).toEqual(["1 retiring 44", "2 active 0"]);
  });
});
