import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { postgresRole, type RoleInputs } from "../../provider/kinds/postgres-role";
import { UNKNOWN } from "../../provider/wire/kind";
import { type Driven, type PostgresBench, postgresBench } from "../support/postgres-kinds";

const minutes = 60_000;

describe.each(["16", "17"] as const)("postgres:Role on PostgreSQL %s", (version) => {
  let bench: PostgresBench;
  let kind: Driven<RoleInputs>;
  let count = 0;
  let name: string;
  let declared: RoleInputs;

  beforeAll(async () => {
    bench = await postgresBench(version);
    kind = bench.drive(postgresRole);
  }, 5 * minutes);
  afterAll(() => bench?.stop(), minutes);
  beforeEach(() => {
    name = `svc_${++count}`;
    declared = kind.checked({ name });
  });

  test("nobody logs in as it; it reads back as declared, and an import finds it", async () => {
    await kind.create(declared);
    expect(await kind.read(name, declared)).toEqual({ name, attributes: [], memberships: [], takes: [] });
    expect(await kind.read(name, undefined)).toEqual(declared);
    expect(await bench.sql(`SELECT rolcanlogin FROM pg_roles WHERE rolname = '${name}'`)).toEqual([
      { rolcanlogin: false },
    ]);
  });

  test("powers that somebody gave by hand show by name and are taken back; its members keep it", async () => {
    await kind.create(declared);
    await bench.sql(`CREATE ROLE ${name}_a LOGIN`);
    await bench.sql(`GRANT ${name} TO ${name}_a`);
    await bench.sql(`ALTER ROLE ${name} LOGIN SUPERUSER CREATEDB CREATEROLE NOINHERIT REPLICATION BYPASSRLS`);
    await bench.sql(`GRANT pg_read_all_data TO ${name} WITH INHERIT TRUE`);
    const drifted = (await kind.read(name, declared)) as RoleInputs;
    expect(drifted.attributes).toEqual([
      "BYPASSRLS",
      "CREATEDB",
      "CREATEROLE",
      "LOGIN",
      "NOINHERIT",
      "REPLICATION",
      "SUPERUSER",
    ]);
    expect(drifted.memberships).toEqual(["pg_read_all_data WITH INHERIT TRUE"]);
    await kind.update(name, drifted, declared);
    expect(await kind.read(name, declared)).toEqual(declared);
    expect(await bench.sql(`SELECT pg_has_role('${name}_a', '${name}', 'SET') AS member`)).toEqual([
      { member: true },
    ]);
  });

  test("a role that it takes stays with it; the same one inherited is taken back", async () => {
    await bench.sql(`CREATE ROLE ${name}_admin`);
    const takes = kind.checked({ name, takes: [`${name}_admin`] });
    await kind.create(takes);
    await bench.sql(`GRANT ${name}_admin TO ${name} WITH INHERIT FALSE, SET TRUE`);
    expect(await kind.read(name, takes)).toEqual(takes);
    await kind.update(name, takes, takes);
    expect(await bench.sql(`SELECT pg_has_role('${name}', '${name}_admin', 'SET') AS takes`)).toEqual([
      { takes: true },
    ]);
    await bench.sql(`GRANT ${name}_admin TO ${name} WITH INHERIT TRUE`);
    const drifted = (await kind.read(name, takes)) as RoleInputs;
    expect(drifted.memberships).toEqual([`${name}_admin WITH INHERIT TRUE`]);
    await kind.update(name, drifted, takes);
    expect((await kind.read(name, takes))?.memberships).toEqual([]);
  });

  test("an update on a machine that has none makes it", async () => {
    await kind.update(name, declared, declared);
    expect(await kind.read(name, declared)).toEqual(declared);
  });

  test("the bare role of an interrupted run is taken over", async () => {
    await bench.sql(`CREATE ROLE ${name} CREATEDB`);
    await kind.create(declared);
    expect(await kind.read(name, declared)).toEqual(declared);
  });

  test.each([
    ["can log in", (role: string) => [`ALTER ROLE ${role} LOGIN`]],
    ["is a superuser", (role: string) => [`ALTER ROLE ${role} SUPERUSER`]],
    ["has the members", (role: string) => [`CREATE ROLE ${role}_member`, `GRANT ${role} TO ${role}_member`]],
    ["owns or is granted 1 objects", (role: string) => [`CREATE DATABASE ${role}_db OWNER ${role}`]],
    ["owns or is granted 1 objects", (role: string) => [`GRANT CREATE ON DATABASE postgres TO ${role}`]],
  ])("one that %s is somebody's: the error names the import", async (reason, statements) => {
    await bench.sql(`CREATE ROLE ${name}`);
    for (const statement of statements(name)) await bench.sql(statement);
    await expect(kind.create(declared)).rejects.toThrow(reason);
    await expect(kind.create(declared)).rejects.toThrow(`pulumi import estate:postgres:Role test ${name}`);
  });

  test("what it owns goes to the admin when it is deleted; what is gone is no error", async () => {
    await kind.create(declared);
    await bench.sql(`CREATE TABLE table_of_${name} (id int)`);
    await bench.sql(`ALTER TABLE table_of_${name} OWNER TO ${name}`);
    await kind.delete(name, declared);
    expect(await kind.read(name, declared)).toBeUndefined();
    expect(
      await bench.sql(`SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'table_of_${name}'`),
    ).toEqual([{ owner: bench.engine.admin.user }]);
    await kind.delete(name, declared);
  });
});

test("postgres:Role has no power to declare, and names every fault at once", () => {
  const check = (news: object) =>
    postgresRole.check(news as never, undefined, { urn: "" }).failures.map(({ property }) => property);
  expect(check({ name: "pg_x", attributes: ["LOGIN"], memberships: ["pg_monitor"], login: true })).toEqual([
    "login",
    "name",
    "attributes",
    "memberships",
  ]);
  expect(check({ name: UNKNOWN })).toEqual([]);
});
