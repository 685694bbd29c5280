import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostCommand } from "../../components/plans/host-script";
import { PG_IDENT, pgHba } from "../../components/plans/pg-hba";
import {
  MARIADB_BACKUP_LOGINS,
  POSTGRES_BACKUP_LOGINS,
  POSTGRES_BACKUP_SQL,
} from "../../estate/backup-logins";
import type { EstateConfig } from "../../provider/config";
import { hostServerSettings as kind } from "../../provider/kinds/host-server-settings";
import { diffInputs } from "../../provider/wire/diff";
import type { Call, Properties } from "../../provider/wire/kind";
import { freePort } from "../support/free-port";

import { bootMachine, type SystemdMachine } from "../support/systemd-machine";

type Inputs = Parameters<typeof kind.create>[1];

/** What somebody does by hand on the host, as its root; what a refresh names of it; whether `up` then leaves nothing of it. */
type ByHand = [what: string, command: string, named: string[]];

/** The user that a package makes when it is installed; here it was only unpacked. */
async function engineUser(machine: SystemdMachine, name: string, home: string): Promise<void> {
  const make = `getent passwd ${name} || { echo "${name}:x:970:970::${home}:/bin/bash" >>/etc/passwd; echo "${name}:x:970:" >>/etc/group; }; install -d -o ${name} -g ${name} ${home}`;
  await machine.exec("sh", "-ec", make);
}

function watched(machine: () => SystemdMachine, declared: () => Inputs) {
  const call = (): Call<EstateConfig> => ({
    config: { ssh: machine().ssh },
    urn: "",
    signal: new AbortController().signal,
  });
  const refreshed = async () => {
    const old = { inputs: declared(), state: declared() };
    const found = await kind.read(call(), declared().engine, old);
    return diffInputs(
      (found?.inputs ?? {}) as unknown as Properties,
      declared() as unknown as Properties,
    ).map(({ path }) => path);
  };
  const up = () => kind.create(call(), declared());
  return { refreshed, up };
}

describe("what a PostgreSQL server lets in, and what the backup logs in as", { timeout: 120_000 }, () => {
  let machine: SystemdMachine;
  let declared: Inputs;
  const directory = "/etc/postgresql/17/main";
  const { refreshed, up } = watched(
    () => machine,
    () => declared,
  );
  const psql = (sql: string) =>
    machine.exec("runuser", "-u", "postgres", "--", "psql", "-qAtX", "-p", String(declared.port), "-c", sql);

  beforeAll(async () => {
    machine = await bootMachine(["postgresql-17", "postgresql-common", "postgresql-client-17", "perl"]);
    const port = await freePort();
    const configuration = `listen_addresses = '127.0.0.1'\nport = ${port}`;
    declared = {
      ...{ engine: "postgres", address: "127.0.0.1", port, configuration },
      ...{ hba: pgHba([]), ident: PG_IDENT, logins: { ...POSTGRES_BACKUP_LOGINS } },
      effective: { listen_addresses: "127.0.0.1", port: String(port) },
    };
    await engineUser(machine, "postgres", "/var/lib/postgresql");
    await machine.exec(
      "sh",
      "-ec",
      "rm -rf /var/run; ln -s /run /var/run; install -d -o postgres -g postgres /etc/postgresql /var/log/postgresql /run/postgresql; install -d /etc/postgresql/tls; cp /usr/share/postgresql-common/createcluster.conf /etc/postgresql-common/",
    );
    const provision = hostCommand({
      scripts: ["postgres"],
      variables: { LOCALE: "C.UTF-8" },
      user: "root",
    });
    await machine.exec(
      "sh",
      "-c",
      `printf '%s' '${POSTGRES_BACKUP_SQL.join("\n").replaceAll("'", "'\\''")}' | ${provision}`,
    );
    await up();
  });
  afterAll(() => machine?.stop());

  test("is as declared once it was provisioned: there is nothing to mend, and nothing starts again", async () => {
    expect(await refreshed()).toEqual([]);
    const before = await psql("SELECT pg_conf_load_time()");
    await up();
    expect(await psql("SELECT pg_conf_load_time()")).toBe(before);
  });

  const startedAt = () => psql("SELECT pg_postmaster_start_time()");

  test("takes what can be reloaded while it runs, and starts again for the rest alone", async () => {
    const before = await startedAt();
    const { configuration } = declared;
    declared = { ...declared, configuration: `${configuration}\nwork_mem = 5MB` };
    expect(await refreshed()).toEqual(["configuration"]);
    await up();
    expect(await psql("SHOW work_mem")).toBe("5MB\n");
    expect(await startedAt()).toBe(before);
    declared = { ...declared, configuration: `${configuration}\nmax_connections = 40` };
    await up();
    expect(await psql("SHOW max_connections; SHOW work_mem")).toBe("40\n4MB\n");
    expect(await startedAt()).not.toBe(before);
    declared = { ...declared, configuration };
    await up();
    expect(await refreshed()).toEqual([]);
  });

  const conf = `${directory}/conf.d/estate.conf`;
  const byHand = (script: string) => machine.exec("sh", "-ec", script);
  const call = () => ({ config: { ssh: machine.ssh }, urn: "", signal: new AbortController().signal });

  test.each([
    ["configuration", "conf.d/estate.conf", "work_mem = 6MB"],
    ["hba", "pg_hba.conf", "# one more"],
    ["ident", "pg_ident.conf", "# one more"],
  ] as const)("%s that a run wrote which was ended before the server read it is read by the next", async (named, file, line) => {
    await byHand(`echo '${line}' >>${directory}/${file}`);
    const former = declared;
    declared = { ...declared, [named]: `${declared[named]}\n${line}` };
    expect(await refreshed()).toEqual([named]);
    const before = await startedAt();
    await up();
    expect(await refreshed()).toEqual([]);
    expect(await startedAt()).toBe(before);
    if (named === "configuration") expect(await psql("SHOW work_mem")).toBe("6MB\n");
    declared = former;
    await up();
  });

  test("a file that was edited, read and put back as it was is read again", async () => {
    await byHand(
      `cp -p ${conf} ${conf}.bak; echo 'work_mem = 7MB' >>${conf}; systemctl reload postgresql@17-main; sleep 1; mv ${conf}.bak ${conf}`,
    );
    expect(await psql("SHOW work_mem")).toBe("7MB\n");
    expect(await refreshed()).toEqual(["configuration"]);
    await up();
    expect(await refreshed()).toEqual([]);
    expect(await psql("SHOW work_mem")).toBe("4MB\n");
  });

  test.each([
    ["work_mem = 5XB", /estate\.conf has faults and was not applied: line 3: work_mem: /],
    ["no_such_parameter = 1", /estate\.conf has faults and was not applied: line 3: no_such_parameter: /],
  ])("%s is refused before it is in force, and the file that a start finds is the former one", async (line, said) => {
    await expect(
      kind.create(call(), { ...declared, configuration: `${declared.configuration}\n${line}` }),
    ).rejects.toThrow(said);
    await byHand("systemctl restart postgresql@17-main");
    expect(await refreshed()).toEqual([]);
  });

  test("a pg_hba.conf with a fault that a run wrote which was ended is told by its line", async () => {
    await byHand(`printf '%s\n' 'host all all nonsense' >>${directory}/pg_hba.conf`);
    const faulty = { ...declared, hba: `${declared.hba}\nhost all all nonsense` };
    await expect(kind.create(call(), faulty)).rejects.toThrow(
      /pg_hba\.conf has faults and is not in force: line \d+/,
    );
    await up();
    expect(await refreshed()).toEqual([]);
  });

  test("a server that is down because of what somebody wrote gets what is declared, and starts with it", async () => {
    await byHand(`echo 'work_mem = oops' >>${conf}; systemctl restart postgresql@17-main || true`);
    await up();
    expect(await refreshed()).toEqual([]);
  });

  test("what the engine's own user laid there leads root nowhere", async () => {
    const asEngine = (script: string) => `runuser -u postgres -- sh -ec '${script}'`;
    await byHand(`echo precious >/etc/precious; chmod 0644 /etc/precious; install -d /etc/important
      ${asEngine(`ln -sf /etc/precious ${conf}.previous; ln -sf /etc/precious ${conf}.new; echo "# theirs" >>${conf}`)}`);
    await up();
    await byHand(asEngine(`ln -sf /etc/shadow ${directory}/pg_ident.conf`));
    const found = await kind.read(call(), "postgres", { inputs: declared, state: declared });
    expect(found?.inputs.ident).not.toMatch(/root:/);
    expect(await refreshed()).toEqual(["ident"]);
    await up();
    await byHand(asEngine(`cd ${directory}; mv conf.d was.d; ln -s /etc/important conf.d`));
    await up();
    expect(await refreshed()).toEqual([]);
    expect(await machine.exec("stat", "-c", "%U %s", "/etc/precious", "/etc/important")).toMatch(
      /^root 9\nroot \d+\n$/,
    );
    expect(await machine.exec("ls", "-A", "/etc/important")).toBe("");
  });

  test("one that it does not start with is taken back, and the reason is shown", async () => {
    const faulty = {
      ...declared,
      configuration: `${declared.configuration}\nmax_connections = 40\nshared_preload_libraries = 'nowhere'`,
    };
    await expect(kind.create(call(), faulty)).rejects.toThrow(
      /does not start with its declared configuration; the former one is back\. The reason:[\s\S]*nowhere/,
    );
    expect(await refreshed()).toEqual([]);
  });

  const asPostgres = (sql: string) => `runuser -u postgres -- psql -qAtX -p "$PORT" -c "${sql}"`;
  test.each<ByHand>([
    ["a line of pg_ident.conf", `echo 'estate root estate_backup' >>${directory}/pg_ident.conf`, ["ident"]],
    ["an empty pg_ident.conf", `: >${directory}/pg_ident.conf`, ["ident"]],
    ["a line of pg_hba.conf", `sed -i '1i local all all trust' ${directory}/pg_hba.conf`, ["hba"]],
    [
      "another file in place of pg_ident.conf",
      `cp ${directory}/pg_ident.conf ${directory}/other.conf; echo 'estate root estate_base' >>${directory}/other.conf; chown postgres ${directory}/other.conf
       ${asPostgres(`ALTER SYSTEM SET ident_file = '${directory}/other.conf'`)}; systemctl restart postgresql@17-main`,
      ["ident"],
    ],
    [
      "an attribute of the reader",
      asPostgres("ALTER ROLE estate_backup CREATEROLE"),
      ["logins.estate_backup"],
    ],
    ["a superuser", asPostgres("ALTER ROLE estate_base SUPERUSER"), ["logins.estate_base"]],
    ["a password", asPostgres("ALTER ROLE estate_backup PASSWORD 'x'"), ["logins.estate_backup"]],
    ["an end", asPostgres("ALTER ROLE estate_backup VALID UNTIL '2020-01-01'"), ["logins.estate_backup"]],
    ["no login", asPostgres("ALTER ROLE estate_backup NOLOGIN"), ["logins.estate_backup"]],
    ["a limit", asPostgres("ALTER ROLE estate_base CONNECTION LIMIT -1"), ["logins.estate_base"]],
    ["a membership", asPostgres("GRANT pg_write_all_data TO estate_backup"), ["logins.estate_backup"]],
    [
      "a membership that may be handed on",
      asPostgres("GRANT pg_read_all_data TO estate_backup WITH ADMIN OPTION"),
      ["logins.estate_backup"],
    ],
    [
      "one that is missing",
      asPostgres("REVOKE pg_read_all_data FROM estate_backup"),
      ["logins.estate_backup"],
    ],
    [
      "somebody who may become the reader",
      `${asPostgres("CREATE ROLE mallory LOGIN")}; ${asPostgres("GRANT estate_backup TO mallory")}`,
      ["logins.estate_backup"],
    ],
    ["a setting", asPostgres("ALTER ROLE estate_backup SET search_path = x"), ["logins.estate_backup"]],
    ["a setting that is gone", asPostgres("ALTER ROLE estate_backup RESET ALL"), ["logins.estate_backup"]],
    [
      "a setting in one database",
      asPostgres("ALTER ROLE estate_backup IN DATABASE postgres SET default_transaction_read_only = off"),
      ["logins.estate_backup"],
    ],
    ["no role at all", asPostgres("DROP ROLE estate_base"), ["logins.estate_base"]],
  ])("%s, changed by hand, is named by a refresh and taken back by up", async (_what, command, named) => {
    await machine.exec("sh", "-ec", `PORT=${declared.port}; ${command}`);
    expect(await refreshed()).toEqual(named);
    await up();
    expect(await refreshed()).toEqual([]);
  });

  test("a state that is older than these properties is refreshed all the same", async () => {
    const { ident: _ident, logins: _logins, ...former } = declared;
    const old = former as Inputs;
    const call = { config: { ssh: machine.ssh }, urn: "", signal: new AbortController().signal };
    const found = await kind.read(call, "postgres", { inputs: old, state: old });
    expect(found?.inputs).toEqual(declared);
  });

  test("a pg_ident.conf with a fault is not applied, and the error names its line", async () => {
    const call = { config: { ssh: machine.ssh }, urn: "", signal: new AbortController().signal };
    const faulty = { ...declared, ident: `${PG_IDENT}\nestate only-two` };
    await expect(kind.create(call, faulty)).rejects.toThrow(
      /pg_ident\.conf has faults and was not applied: line \d+/,
    );
    expect(await refreshed()).toEqual([]);
  });
});

describe("what backup and restore log in as on MariaDB", { timeout: 120_000 }, () => {
  let machine: SystemdMachine;
  let declared: Inputs;
  const { refreshed, up } = watched(
    () => machine,
    () => declared,
  );
  const sql = (text: string) =>
    machine.exec("mariadb", "--no-defaults", "--skip-ssl", "--protocol=socket", "-NBe", text);

  beforeAll(async () => {
    machine = await bootMachine(["mariadb-server", "mariadb-client"]);
    const port = await freePort();
    const configuration = `[mariadbd]\nport = ${port}\nbind-address = 127.0.0.1`;
    declared = {
      ...{ engine: "mariadb", address: "127.0.0.1", port, configuration },
      ...{ hba: null, ident: null, logins: { ...MARIADB_BACKUP_LOGINS } },
      effective: { bind_address: "127.0.0.1", port: String(port) },
    };
    await engineUser(machine, "mysql", "/var/lib/mysql");
    await machine.exec(
      "sh",
      "-ec",
      "rm -rf /var/run; ln -s /run /var/run; ln -sfn mariadb.cnf /etc/mysql/my.cnf; chown -R mysql /var/lib/mysql; install -d -o mysql /run/mysqld; mariadb-install-db --user=mysql --auth-root-authentication-method=socket >/dev/null",
    );
    await up();
  });
  afterAll(() => machine?.stop());

  test("is nothing while none is at work, and what is theirs while it is", async () => {
    expect(await refreshed()).toEqual([]);
    await sql(`CREATE USER 'estate-backup'@localhost IDENTIFIED VIA unix_socket;
      GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON shop.* TO 'estate-backup'@localhost; GRANT SELECT ON mysql.proc TO 'estate-backup'@localhost;
      CREATE USER 'estate-restore'@localhost IDENTIFIED VIA unix_socket; GRANT ALL PRIVILEGES ON shop.* TO 'estate-restore'@localhost;
      GRANT SET USER ON *.* TO 'estate-restore'@localhost; GRANT SELECT ON mysql.proc TO 'estate-restore'@localhost`);
    expect(await refreshed()).toEqual([]);
    await sql("DROP USER 'estate-backup'@localhost, 'estate-restore'@localhost");
  });

  const processOf = () => machine.exec("systemctl", "show", "--value", "--property", "MainPID", "mariadb");
  const value = async (name: string) => (await sql(`SELECT @@GLOBAL.${name}`)).trim();

  test("takes while it runs what it can, and starts again for the rest alone", async () => {
    const { configuration } = declared;
    const before = await processOf();
    declared = {
      ...declared,
      configuration: `${configuration}\nmax_connections = 77\ntmp_table_size = 24M\nlong_query_time = 3\nslow_query_log = ON`,
    };
    expect(await refreshed()).toEqual(["configuration"]);
    await up();
    expect(await refreshed()).toEqual([]);
    expect([
      await value("max_connections"),
      await value("tmp_table_size"),
      await value("slow_query_log"),
    ]).toEqual([...["77", String(24 * 1024 * 1024), "1"]]);
    expect(await processOf()).toBe(before);
    declared = { ...declared, configuration: `${configuration}\nmax_connections = 78\nsymbolic_links = OFF` };
    await up();
    expect(await value("max_connections")).toBe("78");
    const after = await processOf();
    expect(after).not.toBe(before);
    declared = { ...declared, configuration };
    await up();
    expect(await processOf()).not.toBe(after);
    expect(await refreshed()).toEqual([]);
  });

  const file = "/etc/mysql/mariadb.conf.d/99-estate.cnf";
  const byHand = (script: string) => machine.exec("sh", "-ec", script);

  test("what a run wrote which was ended before the server read it is read by the next, whatever that one declares", async () => {
    const former = declared;
    await byHand(`printf 'max_connections = 78\nsymbolic_links = OFF\n' >>${file}`);
    const written = `${former.configuration}\nmax_connections = 78\nsymbolic_links = OFF`;
    declared = { ...former, configuration: written };
    expect(await refreshed()).toEqual(["configuration"]);
    declared = { ...former, configuration: `${written}\nlong_query_time = 2` };
    await up();
    expect(await refreshed()).toEqual([]);
    expect([await value("max_connections"), await value("have_symlink")]).toEqual(["78", "DISABLED"]);
    declared = former;
    await up();
  });

  test.each([
    [
      "lines that come twice",
      "printf 'sync_binlog = 0\nmax_connections = 33\n' >>FILE; systemctl restart mariadb",
    ],
    [
      "another character set",
      "sed -i 's/utf8mb4_unicode_ci/latin1_swedish_ci/; s/= utf8mb4$/= latin1/' FILE; systemctl restart mariadb",
    ],
    [
      "a file that is put back as it was",
      "cp -p FILE FILE.bak; echo 'max_connections = 33' >>FILE; systemctl restart mariadb; mv FILE.bak FILE",
    ],
  ])("%s, which the server has read, are gone from it after up", async (_what, script) => {
    const former = declared;
    declared = {
      ...former,
      configuration: `${former.configuration}\nsync_binlog = 1\nmax_connections = 77\ncharacter-set-server = utf8mb4\ncollation-server = utf8mb4_unicode_ci`,
    };
    await up();
    await byHand(script.replaceAll("FILE", file));
    expect(await refreshed()).toEqual(["configuration"]);
    await up();
    expect(await refreshed()).toEqual([]);
    const settings = ["sync_binlog", "max_connections", "character_set_server", "collation_server"];
    expect(await Promise.all(settings.map(value))).toEqual(["1", "77", "utf8mb4", "utf8mb4_unicode_ci"]);
    declared = former;
    await up();
  });

  test("one that does not start for another reason keeps its file, and starts by the next up", async () => {
    await byHand(`install -d /etc/systemd/system/mariadb.service.d
      printf '[Service]\nExecStartPre=/bin/false\n' >/etc/systemd/system/mariadb.service.d/no.conf; systemctl daemon-reload; systemctl stop mariadb`);
    await expect(up()).rejects.toThrow(/mariadb does not start; its files are as declared\. The reason:/);
    await byHand("rm /etc/systemd/system/mariadb.service.d/no.conf; systemctl daemon-reload");
    await up();
    expect(await refreshed()).toEqual([]);
  });

  const HERE = "'estate-restore'@localhost";
  test.each([
    ["another host", "CREATE USER 'estate-restore'@'%' IDENTIFIED VIA unix_socket"],
    ["a password", `CREATE USER ${HERE} IDENTIFIED BY 'x'`],
    [
      "a password beside the socket",
      `CREATE USER ${HERE} IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('x')`,
    ],
    ["the socket of somebody else", `CREATE USER ${HERE} IDENTIFIED VIA unix_socket AS 'mallory'`],
    ["FILE", `CREATE USER ${HERE} IDENTIFIED VIA unix_socket; GRANT FILE ON *.* TO ${HERE}`],
    [
      "a role",
      `CREATE USER ${HERE} IDENTIFIED VIA unix_socket; CREATE ROLE IF NOT EXISTS analyst; GRANT analyst TO ${HERE}`,
    ],
    [
      "another account's rights",
      `CREATE USER ${HERE} IDENTIFIED VIA unix_socket; GRANT PROXY ON 'x'@'y' TO ${HERE}`,
    ],
    [
      "rights on the server's own tables",
      `CREATE USER ${HERE} IDENTIFIED VIA unix_socket; GRANT UPDATE ON mysql.global_priv TO ${HERE}`,
    ],
    [
      "the server's own database",
      `CREATE USER ${HERE} IDENTIFIED VIA unix_socket; GRANT SELECT ON mysql.* TO ${HERE}`,
    ],
  ])("%s, given by hand, is named by a refresh and taken back by up", async (_what, statement) => {
    await sql(statement);
    expect(await refreshed()).toEqual(['logins["estate-restore"]']);
    await up();
    expect(await refreshed()).toEqual([]);
    expect(await sql("SELECT COUNT(*) FROM mysql.global_priv WHERE User LIKE 'estate-%'")).toBe("0\n");
  });
});
