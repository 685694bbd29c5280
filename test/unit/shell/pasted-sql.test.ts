import { readFileSync } from "node:fs";
import * as path from "node:path";
import { expect, it } from "vitest";
import { pastedSql } from "../../support/pasted-sql";
import { projectDirectory } from "../../support/run";
import { shellFiles } from "../../support/shell-files";

it.each([
  ["a double-quoted statement", 'sql -e "DROP TABLE $name"', 1],
  ["one with braces, over lines", 'x=1\nsql -e "SELECT 1\n  FROM $' + '{name}"', 2],
  ["a command's output", 'sql -e "ALTER DATABASE $(cat name) RENAME"', 1],
  ["a here-document", "psql <<SQL\nDROP DATABASE $name;\nSQL\n", 2],
  ["a here-string", 'psql <<<"ALTER DATABASE $live"', 1],
])("finds %s", (_what, script, line) => {
  expect(pastedSql(script).map((paste) => paste.line)).toEqual([line]);
});

it.each([
  ["a variable of the client", `psql -v live="$LIVE" <<'SQL'\nALTER DATABASE :"live" RENAME TO x;\nSQL\n`],
  ["single quotes", `sql -e 'SELECT "$x"'`],
  ["what the shell does not replace", 'sql -e "SELECT \\$1"'],
  ["a pattern of a name", 'sql <<<"GRANT SELECT ON $(pattern_of "$LIVE") TO x"'],
  ["what the file declares to be checked", '# Pasted: LIVE\nsql -e "DROP TABLE $LIVE"'],
  ["words that are no statement", 'echo "update of $name failed"'],
  ["a comment", '# sql -e "DROP TABLE $name"'],
])("lets %s pass", (_what, script) => {
  expect(pastedSql(script)).toEqual([]);
});

it("no shell file pastes a value into a statement", () => {
  const found = shellFiles().flatMap((file) =>
    pastedSql(readFileSync(path.join(projectDirectory, file), "utf8")).map(
      ({ line, text }) => `${file}:${line}: ${text}`,
    ),
  );
  expect(found).toEqual([]);
});
