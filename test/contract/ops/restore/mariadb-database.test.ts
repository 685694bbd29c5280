import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MariadbConnection } from "../../../../connect/mariadb";
import type { Backup } from "../../../../ops/backup/manifest";
import { type MariadbEngine, type MariadbVersion, startMariadb } from "../../../support/engines-mariadb";
import {
  asAdmin,
  asService,
  makeDatabase,
  makeService,
  mariadbEntry,
} from "../../../support/mariadb-service";
import { type RestoreBench, restoreBench } from "../../../support/restoring";

const entry = mariadbEntry("mo_games");
const COMMENT = 'it\'s `mine`; \\ "☃"\n\ttwo lines -- code {} $(touch /tmp/owned)';

/** What hangs on the database itself and on none of its objects. A service with ALTER changes all of it. */
describe.each(["10.11", "11.8"] as const)("MariaDB %s: the database's own", (version: MariadbVersion) => {
  let engine: MariadbEngine;
  let bench: RestoreBench;
  let admin: MariadbConnection;
  let backup: Backup;

  beforeAll(async () => {
    engine = await startMariadb(version);
    bench = await restoreBench(entry.name, { name: "mariadb", kind: "mariadb", engine, version });
    admin = await asAdmin(engine);
    await makeDatabase(admin, entry);
    await makeService(admin, entry);
    const service = await asService(engine, entry);
    await service.query("CREATE TABLE t (id INT PRIMARY KEY)");
    await service.query(`ALTER DATABASE ${entry.name} CHARACTER SET latin1 COLLATE latin1_bin`);
    await service.query(
      `ALTER DATABASE ${entry.name} COMMENT '${COMMENT.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`,
    );
    await service.close();
    backup = await bench.backUp("20260102T020000Z");
  });
  afterAll(async () => {
    await admin?.close();
    await engine?.stop();
    await bench?.stop();
  });

  const own = async (database: string) => {
    const [row] = await admin.query(
      "SELECT default_character_set_name AS charset, default_collation_name AS collation, schema_comment AS comment " +
        "FROM information_schema.schemata WHERE schema_name = ?",
      [database],
    );
    return row;
  };
  const declared = { charset: entry.charset, collation: entry.collation };

  it("comment comes back on a new server; character set and collation are the declared ones, and it is said", async () => {
    await admin.query(`DROP DATABASE ${entry.name}`);
    await makeDatabase(admin, entry);
    const result = await bench.restore({ backup });
    expect(result.fault).toBeUndefined();
    expect(await own(entry.name)).toEqual({ ...declared, comment: COMMENT });
    expect(bench.said).toContain(
      `mo_games: note: character set and collation of new tables were latin1 latin1_bin when it was saved, and stay ${entry.charset} ${entry.collation}`,
    );
  });

  it("comment of the replaced one stays with it, and an empty one is a comment too", async () => {
    await admin.query(`ALTER DATABASE ${entry.name} COMMENT 'since'`);
    const result = await bench.restore({ backup });
    expect(await own(entry.name)).toEqual({ ...declared, comment: COMMENT });
    expect(await own(result.replaced ?? "")).toEqual({ ...declared, comment: "since" });
    await admin.query(`ALTER DATABASE ${entry.name} COMMENT ''`);
    const without = await bench.backUp("20260103T020000Z");
    await admin.query(`ALTER DATABASE ${entry.name} COMMENT 'since'`);
    expect((await bench.restore({ backup: without })).fault).toBeUndefined();
    expect(await own(entry.name)).toEqual({ ...declared, comment: "" });
  });

  it("comment is a copy's too", async () => {
    expect((await bench.restore({ backup, into: "copy_of_games" })).fault).toBeUndefined();
    expect(await own("copy_of_games")).toEqual({ ...declared, comment: COMMENT });
    await admin.query("DROP DATABASE copy_of_games");
  });

  it("comment is as it was after a swap that was taken back", async () => {
    await admin.query(`ALTER DATABASE ${entry.name} COMMENT 'since'`);
    const { open } = bench.host;
    bench.host.open = async (server, signal) => {
      const inner = await open(server, signal);
      const late = `
eval "$(declare -f note_swap | sed '1s/note_swap/noted/')"
note_swap() { [ "$1" != new ] || exit 1; noted "$@"; }
swap`;
      return {
        ...inner,
        script: (text, variables) => inner.script(text.replace(/\nswap\s*$/, late), variables),
      };
    };
    const result = await bench.restore({ backup }).finally(() => {
      bench.host.open = open;
    });
    expect(result.fault?.live).toBe("untouched");
    expect(await own(entry.name)).toEqual({ ...declared, comment: "since" });
    await (await asService(engine, entry)).close();
  });
});
