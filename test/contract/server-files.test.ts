import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectPostgres, type PostgresConnection } from "../../connect/postgres";
import { parseHba } from "../../policy/servers/hba";
import { parseMariadb } from "../../policy/servers/mariadb";
import { parsePostgres } from "../../policy/servers/postgres";
import { type MariadbEngine, startMariadb } from "../support/engines-mariadb";
import { type PostgresEngine, startPostgres } from "../support/engines-postgres";
import { succeed } from "../support/run";
import { Seeded } from "../support/seeded";

const FILES = 1000;

/** A rule that the server may take, with a part or two as nobody writes them. */
function randomRule(random: Seeded): string {
  const odd = <T>(usual: T, others: readonly T[]) => (random.below(9) > 0 ? usual : random.pick(others));
  const blank = () => odd(" ", ["\t", "   ", " , ", "\r", "\v", "\f", "\u00a0", "\\\n", ""]);
  const quoted = (word: string) =>
    odd(word, [`"${word}"`, `${word.slice(0, 2)}"${word.slice(2)}"`, `"${word}`, `${word}""`, `"${word}" x`]);
  const list = (...words: string[]) =>
    Array.from({ length: 1 + random.below(3) }, () => quoted(random.pick(words))).join(
      odd(",", [", ", " ,", ",,", ",\\\n"]),
    );
  const type = odd("hostssl", ["host", "hostnossl", "local", "HOST", "include", "x"]);
  const sources = ["0.0.0.0/0", "::/0", "all", "samenet", "samehost", "a.example", ".example", "10.0.0.1"];
  const source = odd("203.0.113.11/32", sources);
  const mask = odd("", [" 255.255.255.0", " 0.0.0.0", " ::"]);
  const option = odd("", [
    " clientcert=verify-full",
    ' "clientcert=verify-ca"',
    " clientcert=no",
    " pamservice=x",
  ]);
  return (
    odd("", ["  ", "\t", "\\\n", "\r"]) +
    [
      quoted(type),
      list("all", "mo_idp", "replication", "sameuser", "+x", odd("mo", ["@file", "/^mo"])),
      list("all", "svc_idp", "+staff", odd("svc", ["@file", "/^svc"])),
      ...(type === "local" ? [] : [quoted(source) + mask]),
      quoted(odd("scram-sha-256", ["trust", "reject", "md5", "cert", "peer", "password"])) + option,
    ].join(blank()) +
    odd("", ["# all", " # trust", "#", ' #"', "\\", " # \\", " #\r trust"]) +
    odd("", ["\r", "\r\r", " \\"])
  );
}

/** A setting, likewise. */
function randomSetting(random: Seeded): string {
  const odd = <T>(usual: T, others: readonly T[]) => (random.below(5) > 0 ? usual : random.pick(others));
  const blank = () => odd(" ", ["\t", "  ", "\r", "\v", "\f", ""]);
  const name = odd(random.pick(["ssl", "work_mem", "log_statement", "a.b"]), [
    "SSL",
    "Work_Mem",
    "include",
    '"ssl"',
    "ſsl",
    "ssl'",
  ]);
  const values = [
    "off",
    "'o''n'",
    "'of\\f'",
    "'\\157n'",
    "'\\\\'",
    "'o\\'n'",
    '"on"',
    "4MB",
    "0x10",
    "-1",
    "1e3",
    "a.b",
    "'a",
    "'a' 'b'",
    "a b",
    "''",
    "o'n'",
    "on;",
  ];
  const end = odd("", [" # off", "#", "\r", "\r\r", " 'x'", " \\", ";"]);
  return blank() + name + blank() + odd("=", ["", "==", ":"]) + blank() + odd("on", values) + end;
}

/** The policies read a file as the server does, which says itself what it reads. */
describe.each(["16", "17"] as const)("files of PostgreSQL %s", (version) => {
  let engine: PostgresEngine;
  let admin: PostgresConnection;

  beforeAll(async () => {
    engine = await startPostgres(version);
    admin = await connectPostgres(engine, engine, engine.admin);
  });
  afterAll(async () => {
    await admin?.close();
    await engine?.stop();
  });

  /** Nothing loads it. */
  const written = async (setting: string, text: string) => {
    const hex = Buffer.from(text).toString("hex");
    const [made] = await admin.query<{ id: number }>("SELECT lo_from_bytea(0, decode($1, 'hex')) AS id", [
      hex,
    ]);
    await admin.query(`SELECT lo_export(${made?.id}, current_setting('${setting}'))`);
  };

  it(`${FILES} random pg_hba.conf: each rule that the server takes is the same rule, or is refused`, async () => {
    const random = new Seeded(Number(version));
    let taken = 0;
    for (let file = 0; file < FILES; file++) {
      const text = Array.from({ length: 1 + random.below(4) }, () => randomRule(random)).join("\n");
      await written("hba_file", text);
      const served = await admin.query<Record<string, unknown>>(
        `SELECT line_number AS line, type, database AS databases, user_name AS users, address, netmask, auth_method AS method, options
         FROM pg_hba_file_rules WHERE error IS NULL AND type IS NOT NULL ORDER BY rule_number`,
      );
      const { rules, faults } = parseHba(text);
      for (const { line, address, netmask, options, ...rule } of served) {
        taken += 1;
        const why = JSON.stringify({ text, line });
        // What is refused is not used.
        if (faults.some((fault) => fault.startsWith(`line ${line} `))) continue;
        const read = rules.find((each) => each.line === line);
        if (!read) throw new Error(`no rule: ${why}`);
        const { type, databases, users, method } = read;
        expect({ type, databases, users, method }, why).toEqual(rule);
        expect(read.source.split("/")[0] ?? "", why).toBe(address ?? "");
        if (netmask) expect(read.source, why).toMatch(/\/\d+$/);
        // The method implies one, which it says.
        const implied = method === "cert" ? ["clientcert=verify-full"] : [];
        expect([...new Set([...implied, ...read.options])].sort(), why).toEqual(
          [...new Set([...implied, ...((options ?? []) as string[])])].sort(),
        );
      }
    }
    // A generator whose lines are refused would prove nothing.
    expect(taken).toBeGreaterThan(FILES / 4);
  });

  it(`${FILES} random postgresql.conf: each setting that the server takes is the same setting, or the file is refused`, async () => {
    const random = new Seeded(Number(version));
    let taken = 0;
    for (let file = 0; file < FILES; file++) {
      const text = Array.from({ length: 1 + random.below(3) }, () => randomSetting(random)).join("\n");
      await written("config_file", text);
      const served = await admin.query<Record<string, unknown>>(
        "SELECT lower(name) AS name, setting AS value, sourceline AS line FROM pg_file_settings WHERE sourceline IS NOT NULL ORDER BY seqno",
      );
      const { settings, faults } = parsePostgres(text);
      // A syntax error: the server takes nothing of it.
      if (faults.length > 0 || served.some(({ name }) => name === null)) continue;
      taken += served.length;
      expect(settings, JSON.stringify(text)).toEqual(served);
    }
    expect(taken).toBeGreaterThan(FILES / 4);
  });
});

/** A line of an option file, likewise. */
function randomOption(random: Seeded): string {
  const odd = <T>(usual: T, others: readonly T[]) => (random.below(5) > 0 ? usual : random.pick(others));
  const blank = () => odd("", [" ", "\t", "\r", "\v", "\f"]);
  const name = odd(random.pick(["bind-address", "ssl_ca", "log-bin", "require-secure-transport"]), [
    "skip_name-resolve",
    "loose-x",
    "BIND-ADDRESS",
    "#bind-address",
    "--x",
    "a b",
    "!include",
    '"x"',
  ]);
  const value = odd("0.0.0.0", [
    "'a'",
    '"a"',
    '"a',
    "a'",
    "a\\sb",
    "a\\\\b",
    "\\t",
    "a\\qb",
    "'a#b'",
    "a#b",
    "a;b",
    "'a' # b",
    "a\\",
    '"a\'b"',
    "'a\\'b'",
    "",
    "''",
    "a=b",
  ]);
  const end = odd("", [" # x", "#", ";x", "\r", "\r\r", " \\", "\t"]);
  return blank() + name + blank() + odd("=", ["", " ", "=="]) + blank() + value + end;
}

describe("an option file of MariaDB", () => {
  let engine: MariadbEngine;
  beforeAll(async () => {
    engine = await startMariadb("11.8");
  });
  afterAll(() => engine?.stop());

  it(`${FILES} random ones: each option that the server takes is the same option, or the file is refused`, async () => {
    const random = new Seeded(3);
    let taken = 0;
    for (let file = 0; file < FILES; file++) {
      const lines = Array.from({ length: 1 + random.below(3) }, () => randomOption(random));
      const text = ["[mariadbd]", ...lines].join("\n");
      writeFileSync(path.join(engine.root, "tmp/options.cnf"), text);
      const { settings, faults } = parseMariadb(text);
      if (faults.length > 0) continue;
      const printed = await succeed("chroot", [
        engine.root,
        "my_print_defaults",
        "--defaults-file=/tmp/options.cnf",
        "mariadbd",
      ]).catch(() => undefined);
      // The server does not start with it.
      if (printed === undefined) continue;
      taken += settings.length;
      const served = printed
        .split("\n")
        .slice(0, -1)
        .map((option) => /^--([^=]*)=?(.*)$/s.exec(option))
        .map((found) => ({ name: found?.[1]?.replaceAll("-", "_"), value: found?.[2] }));
      const read = settings.map(({ name, value }) => ({ name, value }));
      expect(read, JSON.stringify(text)).toEqual(served);
    }
    expect(taken).toBeGreaterThan(FILES / 4);
  });
});
