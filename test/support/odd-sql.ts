import type { Engine } from "../../estate/types";
import type { Seeded } from "./seeded";

/** Texts in which a statement's end is hard to see. Each statement writes a row `(id, value)` into the table `seen`. */
export class OddSql {
  private id = 0;

  constructor(
    private readonly engine: Engine,
    private readonly random: Seeded,
  ) {}

  /** One file: some statements, and in every second one a letter that is too much or missing. */
  file(): string {
    const count = 2 + this.random.below(6);
    let text = Array.from({ length: count }, () => this.between() + this.part()).join("");
    text += this.random.pick(["", "\n", this.between(), "-- end", `${this.insert()}`]);
    if (this.random.next() < 0.5) text = this.spoiled(text);
    return this.random.next() < 0.2 ? text.replaceAll("\n", "\r\n") : text;
  }

  private between(): string {
    const common = [
      "\n",
      " ",
      "",
      "\n\n",
      "/* it's ; */",
      "-- it's ;\n",
      "/* \n; */\n",
      ";",
      "\n;\n",
      "\t\f",
    ];
    const own = {
      postgres: ["/* a /* ' */ ; */", "--\n", "--x;\n"],
      mariadb: ["# it's ;\n", "#\n", "-- \n", "--\n", "/* /* ; */\n", "--x;\n"],
    };
    return this.random.pick([...common, ...own[this.engine]]);
  }

  private part(): string {
    const { random } = this;
    if (random.next() < 0.7) return `${this.insert()};`;
    return this.engine === "postgres" ? this.postgresBody() : this.mariadbBody();
  }

  private insert(): string {
    const { random } = this;
    const blank = random.pick([" ", "\n", " /* ; */ ", " -- ;\n "]);
    return `INSERT INTO seen VALUES (${++this.id},${blank}${this.value()}${random.pick(["", blank])})`;
  }

  private value(): string {
    const common = [
      "';'",
      "'it''s;'",
      "'-- ;'",
      "'/* ;'",
      "'*/'",
      "'a\nb;'",
      "'\"'",
      "'`'",
      "1--1\n",
      "'$$;'",
      "''''",
      "'é;☃'",
    ];
    const own = {
      postgres: [
        "'\\'",
        "E'\\';'",
        "E'\\\\'",
        "E'a'\n'\\';'",

        "'a'\n'b;'",
        "$$;$$",
        "$a$ $$;' $a$",
        "$_1$;$_1$",
        "U&'\\0061;'",
        '(SELECT \';\' AS ";""")',
        "(SELECT a$b FROM (SELECT ';' AS a$b) c)",
        "'a' || $é$;$é$",
        "e'\\'' || n';'",
      ],
      mariadb: [
        "'\\';'",
        "'\\\\'",
        '"it\'s;"',
        '"\\";"',
        "(SELECT ';' AS `;```)",
        "(SELECT 'x' AS `\\`)",
        "\\N",
        "x'3b'",
        "N';'",
        "'\\''';'",
        "1-- 1\n",
        "1 # ;\n",
        "(SELECT ';' AS a$b)",
        "'a' 'b;'",
        "_utf8mb4';'",
      ],
    };
    return this.random.pick([...common, ...own[this.engine]]);
  }

  private postgresBody(): string {
    const name = `f${this.id}`;
    const body = `${this.insert()}; ${this.insert()};`;
    return this.random.pick([
      `DO $do$ BEGIN ${body} END $do$;`,
      `CREATE OR REPLACE FUNCTION ${name}() RETURNS void LANGUAGE sql BEGIN ATOMIC ${body} END;\nSELECT ${name}();`,
      `CREATE OR REPLACE FUNCTION ${name}() RETURNS int LANGUAGE sql BEGIN ATOMIC ${body} SELECT CASE WHEN true THEN 1 END; END; SELECT ${name}();`,
      `CREATE OR REPLACE FUNCTION ${name}() RETURNS void LANGUAGE sql AS $b$ ${body} $b$;SELECT ${name}();`,
      `CREATE OR REPLACE RULE r AS ON DELETE TO seen DO ALSO (SELECT 1; SELECT 2);`,
    ]);
  }

  private mariadbBody(): string {
    const mark = this.random.pick(["//", "$$", ";;", "|", "//;"]);
    const name = `p${this.id}`;
    const body = `${this.insert()}; ${this.insert()};`;
    const made = `CREATE OR REPLACE PROCEDURE ${name}()\nBEGIN ${body} END`;
    const glue = this.random.pick(["", " ", "\n"]);
    const command = this.random.pick(["DELIMITER", "delimiter", "  Delimiter\t"]);
    const text = `\n${command} ${mark}\n${made}${glue}${mark}${glue}CALL ${name}()${glue}${mark}\n${command} ;\n`;
    return mark.startsWith(";") ? text : `${text}CALL ${name}();`;
  }

  private spoiled(text: string): string {
    const { random } = this;
    const at = random.below(text.length);
    const odd = [
      "'",
      '"',
      "`",
      "\\",
      ";",
      "/*",
      "*/",
      "--",
      "#",
      "$",
      "$$",
      "(",
      ")",
      "\n",
      "/",
      "\\g",
      "/*!",
      "DELIMITER x\n",
      "é",
    ];
    const into = random.pick(odd);
    return text.slice(0, at) + (random.next() < 0.5 ? into : "") + text.slice(at + random.below(2));
  }
}
