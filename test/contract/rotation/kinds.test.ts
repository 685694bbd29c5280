import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { rotationRetirement } from "../../../provider/kinds/rotation-retirement";
import type { Properties } from "../../../provider/wire/kind";
import { type Credential, newPassword, ROTATING, type Rotating } from "../../support/rotating";

const GRACE_DAYS = 7;
type Name = keyof typeof ROTATING;
const tellsSessions = (name: Name) => name.startsWith("PostgreSQL");

describe.each(Object.keys(ROTATING) as Name[])("rotation on %s", { timeout: 60_000 }, (name) => {
  let on: Rotating;
  let today = "2026-03-01";
  const warnings: string[] = [];
  const retirement = rotationRetirement(() => Date.parse(today));
  type Records = Awaited<ReturnType<typeof retirement.create>>["state"];

  beforeAll(async () => {
    on = await ROTATING[name]();
    on.call = { ...on.call, warn: (text) => warnings.push(text) };
  }, 300_000);
  afterAll(() => on?.stop());
  beforeEach(async () => {
    today = "2026-03-01";
    warnings.length = 0;
    await on.next();
  });

  const both = (state: Properties) => ({ inputs: state, state });
  const create = async (password = newPassword()): Promise<Properties> =>
    (await on.kind.create(on.call, on.declare(password, "keep"))).state;
  const rotate = (state: Properties, former: "keep" | "refuse" = "keep", password = newPassword()) =>
    on.kind.update(on.call, "", both(state), on.declare(password, former)) as Promise<Properties>;
  const read = async (state: Properties): Promise<Properties> =>
    (await on.kind.read(on.call, String(state.worksAs ?? accountId(state)), both(state)))
      ?.state as Properties;
  const accountId = ({ user, host }: Properties) => (host ? `${String(user)}@${String(host)}` : user);

  const worksWith = async (...credentials: Credential[]) => {
    for (const credential of credentials) {
      const session = await on.login(credential);
      await session.query();
      await session.close();
    }
  };
  const refused = (credential: Credential) =>
    expect(on.login(credential), "a credential that has to be refused").rejects.toThrow(
      /denied|failed|not permitted|WRONGPASS/,
    );

  const inputs = (state: Properties) => {
    const { user, password } = on.credential(state);
    const { service, host } = on;
    const of = <T>(value: T) => ({ [service]: value });
    return { graceDays: of(GRACE_DAYS), logins: of(user), passwords: of(password), host, ports: null };
  };
  const retire = (before: Records | undefined, state: Properties): Promise<Records> => {
    const news = inputs(state);
    return before
      ? retirement.update(on.call, "", { inputs: before, state: before }, news)
      : retirement.create(on.call, news).then((created) => created.state);
  };
  const pending = (state: Records, newest: Properties) => {
    const { records: _, ...before } = state;
    return retirement.diff?.({ id: "", inputs: before, state }, inputs(newest) as unknown as Properties);
  };

  test("both passwords log in until the window is over, then the new one alone; no session ends", async () => {
    const first = await create();
    const old = on.credential(first);
    const before = await retire(undefined, first);
    expect(before.records[on.service]).toEqual({ published: "2026-03-01", retired: true });
    const session = await on.login(old);

    today = "2026-04-01";
    const second = await rotate(first);
    const now = on.credential(second);
    await worksWith(old, now);
    expect(await read(second)).toEqual(second);
    const published = await retire(before, second);
    expect(published.records[on.service]).toEqual({ published: "2026-04-01", retired: false });

    today = "2026-04-07";
    expect(pending(published, second)).toEqual([]);
    await worksWith(old, now);
    await session.query();

    today = "2026-04-08";
    expect(pending(published, second)).toEqual([{ path: `records.${on.service}.retired`, kind: "update" }]);
    if (tellsSessions(name)) {
      const waits = await retire(published, second);
      expect(waits.records[on.service]?.retired).toBe(false);
      expect(warnings.join()).toMatch(/still has 1 sessions .* stays valid until 2026-04-15/);
      await worksWith(old, now);
      today = "2026-04-15";
    }
    const over = await retire(published, second);
    expect(over.records[on.service]?.retired).toBe(true);
    expect(pending(over, second)).toEqual([]);
    await session.query();
    await session.close();
    await worksWith(now);
    await refused(old);
  });

  test("with nobody left on the old one it is retired as soon as the window is over", async () => {
    const first = await create();
    const second = await rotate(first);
    const published = await retire(undefined, second);
    today = "2026-03-08";
    expect((await retire(published, second)).records[on.service]?.retired).toBe(true);
    expect(warnings).toEqual([]);
    await refused(on.credential(first));
    await worksWith(on.credential(second));
  });

  test("what was retired on the server is no drift, and does not come back", async () => {
    const first = await create();
    const second = await rotate(first);
    const published = await retire(undefined, second);
    today = "2026-03-08";
    await retire(published, second);
    const refreshed = await read(second);
    const { former: before, ...declared } = second;
    const { former: after, ...found } = refreshed;
    expect(found).toEqual(declared);
    expect(before).not.toEqual(after);
    // From a state that does not know of it yet.
    await on.kind.update(on.call, "", both(second), on.declare(on.credential(second).password, "keep"));
    await refused(on.credential(first));
  });

  test("a run that ended before it could record what it had written goes on from there", async () => {
    const first = await create();
    const next = newPassword();
    await rotate(first, "keep", next);
    await worksWith(on.credential(first));
    const again = await rotate(first, "keep", next);
    await worksWith(on.credential(first), on.credential(again));
    expect(await read(again)).toEqual(again);
    const published = await retire(undefined, again);
    today = "2026-03-08";
    const killed = await retire(published, again);
    expect(await retire(published, again)).toEqual(killed);
    await refused(on.credential(first));
  });

  test("a password that was replaced before it was published costs nobody the published one", async () => {
    const first = await create();
    const session = await on.login(on.credential(first));
    const second = await rotate(first);
    const third = await rotate(second);
    await worksWith(on.credential(first), on.credential(third));
    const published = await retire(undefined, third);
    await session.close();
    today = "2026-03-08";
    await retire(published, third);
    await worksWith(on.credential(third));
    await refused(on.credential(first));
    await refused(on.credential(second));
  });

  test("after a leak the old one is refused at once, and its sessions end", async () => {
    const first = await create();
    const session = await on.login(on.credential(first));
    const second = await rotate(first, "refuse");
    await refused(on.credential(first));
    await expect(session.query()).rejects.toThrow();
    await worksWith(on.credential(second));
    expect(await read(second)).toEqual(second);
    expect((await retire(undefined, second)).records[on.service]?.retired).toBe(true);
  });

  test("a leak in the grace window takes both old ones away", async () => {
    const first = await create();
    const second = await rotate(first);
    const sessions = [await on.login(on.credential(first)), await on.login(on.credential(second))];
    const third = await rotate(second, "refuse");
    for (const session of sessions) await expect(session.query()).rejects.toThrow();
    await refused(on.credential(first));
    await refused(on.credential(second));
    await worksWith(on.credential(third));
  });

  test("a new password that fails its trial is not taken for written; the next run goes on", async () => {
    const first = await create();
    const next = newPassword();
    const mend = await on.breakProbe();
    await expect(rotate(first, "keep", next)).rejects.toThrow(
      /the new password was written, but .*It is not published; the former one stays valid/,
    );
    await worksWith(on.credential(first));
    await mend();
    const second = await rotate(first, "keep", next);
    await worksWith(on.credential(first), on.credential(second));
  });

  test("one that fails its trial after a leak leaves none that logs in, and the message says so", async () => {
    const first = await create();
    const next = newPassword();
    const mend = await on.breakProbe();
    await expect(rotate(first, "refuse", next)).rejects.toThrow(
      /the new password was written, but .*It is not published, and the former one is refused already/,
    );
    await refused(on.credential(first));
    await mend();
    await worksWith(on.credential(await rotate(first, "refuse", next)));
  });

  test("nothing is retired while the newest password is not on the server", async () => {
    const first = await create();
    const second = await rotate(first);
    const published = await retire(undefined, second);
    today = "2026-03-08";
    const { user } = on.credential(second);
    const other = user.endsWith("_a") ? user.replace(/_a$/, "_b") : user.replace(/_b$/, "_a");
    const wrong = tellsSessions(name)
      ? { ...inputs(second), logins: { [on.service]: `${other}_gone` } }
      : { ...inputs(second), passwords: { [on.service]: newPassword() } };
    const forgotten = { ...published, ...wrong };
    const attempt = retirement.update(on.call, "", { inputs: forgotten, state: forgotten }, wrong);
    await expect(attempt).rejects.toThrow(/the newest password is not on the server/);
    await worksWith(on.credential(first), on.credential(second));
  });
});
