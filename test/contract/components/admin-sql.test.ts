import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mariadbAdminSql, postgresAdminSql } from "../../../components/plans/admin";
import { hostCommand } from "../../../components/plans/host-script";
import { type MariadbEngine, startMariadb } from "../../support/engines-mariadb";
import { type MariadbHost, mariadbHost } from "../../support/local-host-mariadb";
import { type PostgresHost, startPostgresHost } from "../../support/postgres-host";
import { run } from "../../support/run";

/**
 * The plugin's error repeats what a script printed, so a server's own message must not quote the SQL that came by standard
 * input: a hash stands in it. The hosts here have no systemd.
 */
const SYSTEMD = "systemctl() { return 0; }; export -f systemctl\n";
const password = "canary-of-an-admin-0123456789-abcdefgh";
/** What stands between quotes and is long. */
const hashIn = (sql: string) => /'(\*[0-9A-F]{40}|SCRAM-SHA-256\$[^']+)'/.exec(sql)?.[1] ?? "no hash";

describe("SQL of the admin that MariaDB refuses", () => {
  let engine: MariadbEngine;
  let host: MariadbHost;
  beforeAll(async () => {
    engine = await startMariadb("11.8");
    host = await mariadbHost(engine, "mariadb");
  });
  afterAll(async () => {
    await host?.remove();
    await engine?.stop();
  });

  const text = () =>
    SYSTEMD +
    hostCommand({
      scripts: ["mariadb"],
      variables: { ADMIN: "estate_admin", ADMIN_HOST: "127.0.0.9" },
      user: "root",
    });
  const sql = mariadbAdminSql(password, "127.0.0.9");

  it("is told by its number and line, and no part of the hash is", async () => {
    const said = await host.shell(text(), sql.replaceAll(" USING '", " USNG '")).then(
      () => "nothing",
      (error: Error) => error.message,
    );
    expect(said).toContain("mariadb refuses the SQL of the admin account: ERROR 1064 (42000) at line 1");
    expect(said).not.toContain(hashIn(sql).slice(1, 8));
  });

  it("and what it takes is carried out", async () => {
    await host.shell(text(), sql);
    const made = await host.shell(
      "mariadb -N -e \"SELECT Host FROM mysql.global_priv WHERE User = 'estate_admin'\"",
    );
    expect(made.trim()).toBe("127.0.0.9");
  });
});

describe("SQL of the admin that PostgreSQL refuses", () => {
  let host: PostgresHost;
  beforeAll(async () => {
    host = await startPostgresHost("17");
  });
  afterAll(() => host?.stop());

  const script = (input: string) => {
    const command = hostCommand({
      scripts: ["postgres"],
      variables: { LOCALE: "" },
      user: "root",
    });
    const cluster = [
      `pg_lsclusters() { echo "17 main ${host.port} online postgres /x /x"; }`,
      "export -f pg_lsclusters\n",
    ].join("\n");
    const [program = "", ...words] = host.inside;
    return run(program, [...words, "bash", "-euo", "pipefail", "-c", SYSTEMD + cluster + command], {
      input,
    });
  };
  const sql = postgresAdminSql(password);

  it("is told by its number, and no part of the verifier is", async () => {
    const { code, output } = await script(sql.replace(" PASSWORD 'SCRAM", " PASWORD 'SCRAM"));
    expect(code).not.toBe(0);
    expect(output).toMatch(/ERROR: {2}42601/);
    expect(output).not.toMatch(/SCRAM|4096/);
    expect(hashIn(sql)).toContain("4096");
  });

  it("and what it takes is carried out", async () => {
    const { code, output } = await script(sql);
    expect(code, output).toBe(0);
  });
});
