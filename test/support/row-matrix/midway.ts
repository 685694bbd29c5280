import type { IdentityName } from "../../../estate/row-security/types";
import { HELD_SETTINGS } from "../../../provider/kinds/row-security/context-functions";
import type { Bare } from "./database";
import { insertion, type Probe, type ProbedTable, probesOf, rightsOf, state, VIOLATES } from "./probes";
import { literal, type MarkedRow } from "./rows";
import type { Stage } from "./run";

/** What refuses a write whose context changes while it runs. */
export const CHANGED = "the context was changed in a transaction that writes";

/** What an expression does to the context in the middle of a statement, and what takes it back. Each is true. */
interface Change {
  name: string;
  change: string;
  back: string;
}

/**
 * Every write of every identity, with an expression in it that changes the context. Once that has been computed, whatever row it
 * was for, the statement is refused; where no row is reached, nothing is.
 */
export function midwayProbes(
  { declaration, contexts }: Bare,
  table: ProbedTable,
  { roles, tokens }: Pick<Stage, "roles" | "tokens">,
  identities: readonly IdentityName[],
): Probe[] {
  return identities.flatMap((identity) => {
    const own = tokens[identity] ?? {};
    const others = Object.keys(roles).filter((each) => each !== identity && identities.includes(each));
    const cells = (context: string, changes: readonly Change[], brief: boolean) => {
      const rights = rightsOf(declaration, table.name, identity, contexts[context]);
      // Rows that are out of reach whatever the context is would never ask for it.
      const whole = rightsOf(declaration, table.name, identity, contexts.first);
      return changes.flatMap((change) =>
        attempts(table, { ...rights, whole }, change, brief).map((attempt) => ({
          identity,
          context,
          ...attempt,
          sql: `/* ${change.name} */ ${attempt.sql}`,
        })),
      );
    };
    const whole = [
      setting("cleared", { "app.context": "" }, { "app.context": own.first }),
      setting("ended", { "app.context": own.expired }, { "app.context": own.first }),
      setting("another tenant's", { "app.context": own.second }, { "app.context": own.first }),
      setting("another role's", { "app.context": own["of another role"] }, { "app.context": own.first }),
      ...others
        .slice(0, 1)
        .flatMap((other) => [
          setting("another role", { role: roles[other] }, { role: roles[identity] }),
          setting(
            "another role and its own",
            { role: roles[other], "app.context": tokens[other]?.first },
            { role: roles[identity], "app.context": own.first },
          ),
        ]),
    ];
    const client = HELD_SETTINGS.filter((name) => name !== "role" && name !== "app.context").map((name) =>
      setting(`another ${name}`, { [name]: "8.8.8.8" }, { [name]: "" }),
    );
    const believed = setting("believed", { "app.context": own.first }, { "app.context": "" });
    return [
      ...cells("first", whole, false),
      ...cells("first", client, true),
      ...cells("absent", [believed], false),
      // What is held is no more believed than it was, and no less.
      ...(["first", "wrongly signed", "absent"] as const).flatMap((name) =>
        probesOf(declaration, table, identity, [name, contexts[name]], true),
      ),
    ];
  });
}

type Values = Readonly<Record<string, string | undefined>>;

function setting(name: string, values: Values, before: Values): Change {
  const all = (of: Values) =>
    `(${Object.entries(of)
      .map(([key, value]) => `set_config('${key}', ${literal(value ?? "")}, true) IS NOT NULL`)
      .join(" AND ")})`;
  return { name, change: all(values), back: all(before) };
}

type Attempt = Pick<Probe, "sql" | "answer" | "expected">;
type Rights = ReturnType<typeof rightsOf> & { whole: ReturnType<typeof rightsOf> };

/** @param brief what comes after everything else, and no more */
function attempts(table: ProbedTable, rights: Rights, change: Change, brief: boolean): Attempt[] {
  return brief
    ? [...late(table, rights, change)]
    : [...early(table, rights, change), ...late(table, rights, change)];
}

/** One row that the identity may touch with a command, or the first. */
function rowFor({ rows }: ProbedTable, may: (row: MarkedRow["values"]) => boolean): MarkedRow {
  const row = rows.find(({ values }) => may(values)) ?? rows[0];
  if (!row) throw new Error("a table without rows shows nothing");
  return row;
}

/** The expression is computed before what the statement writes is checked. */
function* early(table: ProbedTable, rights: Rights, { change }: Change): Generator<Attempt> {
  const { name, rows } = table;
  const { sees, writes, changes, deletes, whole } = rights;
  const untouched = state(rows);
  yield {
    sql: `UPDATE ${name} SET touched = ${change}`,
    answer: "state",
    expected: rows.some(({ values }) => changes(values)) ? CHANGED : untouched,
  };
  const changed = rowFor(table, (row) => whole.sees(row) && whole.changes(row));
  const reaches = sees(changed.values) && changes(changed.values);
  yield {
    sql: `UPDATE ${name} SET touched = ${change} WHERE probe = ${changed.probe}`,
    answer: "state",
    expected: reaches ? CHANGED : untouched,
  };
  const gone = rowFor(table, (row) => whole.sees(row) && whole.deletes(row));
  yield {
    sql: `DELETE FROM ${name} WHERE probe = ${gone.probe} AND CASE WHEN probe > 0 THEN ${change} END`,
    answer: "state",
    expected: sees(gone.values) && deletes(gone.values) ? CHANGED : untouched,
  };
  const added = rowFor(table, (row) => whole.writes(row) && whole.sees(row));
  yield {
    sql: touching(table, 1000 + added.probe, added, change),
    answer: "state",
    expected: whole.writes(added.values) ? CHANGED : VIOLATES,
  };
  const passes = writes(added.values) && sees(added.values);
  const conflicts = ["probe", ...Object.keys(table.fixed)].map((column) => `"${column}"`).join(", ");
  yield {
    sql: `${insertion(table, added.probe, added.values)} ON CONFLICT (${conflicts}) DO UPDATE SET touched = ${change} WHERE ${name}.probe > 0`,
    answer: "state",
    expected: passes && changes(added.values) ? CHANGED : VIOLATES,
  };
  const merged = `MERGE INTO ${name} USING (VALUES (${changed.probe})) AS given (n) ON ${name}.probe = given.n`;
  const matched = (may: boolean) => (sees(changed.values) ? (may ? CHANGED : VIOLATES) : untouched);
  yield {
    sql: `${merged} WHEN MATCHED THEN UPDATE SET touched = ${change}`,
    answer: "state",
    expected: matched(changes(changed.values)),
  };
  yield {
    sql: `${merged} WHEN MATCHED AND ${change} THEN DELETE`,
    answer: "state",
    expected: matched(rights.has.delete),
  };
}

/** The expression is computed when the row has been written: what comes later are triggers alone. And one that takes back what came before. */
function* late(table: ProbedTable, rights: Rights, { change, back }: Change): Generator<Attempt> {
  const { name, rows } = table;
  const { sees, writes, changes, makes, deletes, whole } = rights;
  const untouched = state(rows);
  const counted = (sql: string) => `WITH done AS (${sql}) SELECT count(*) FROM done`;
  const changed = rowFor(table, (row) => whole.sees(row) && whole.changes(row) && whole.makes(row));
  const reaches = sees(changed.values) && changes(changed.values);
  const update = (set: string, returning: string) =>
    counted(`UPDATE ${name} SET touched = ${set} WHERE probe = ${changed.probe} RETURNING ${returning}`);
  const done = makes(changed.values) ? CHANGED : VIOLATES;
  yield { sql: update("true", change), answer: "rows", expected: reaches ? done : "0" };
  yield { sql: update(change, back), answer: "rows", expected: reaches ? CHANGED : "0" };
  const added = rowFor(table, (row) => whole.writes(row) && whole.sees(row));
  yield {
    sql: counted(`${insertion(table, 1000 + added.probe, added.values)} RETURNING ${change}`),
    answer: "rows",
    expected: writes(added.values) && sees(added.values) ? CHANGED : VIOLATES,
  };
  yield {
    sql: counted(`${touching(table, 1000 + added.probe, added, change)} RETURNING ${back}`),
    answer: "rows",
    expected: whole.writes(added.values) ? CHANGED : VIOLATES,
  };
  const gone = rowFor(table, (row) => whole.sees(row) && whole.deletes(row));
  yield {
    sql: `DELETE FROM ${name} WHERE probe = ${gone.probe} RETURNING ${change}`,
    answer: "state",
    expected: sees(gone.values) && deletes(gone.values) ? CHANGED : untouched,
  };
}

/** A new row, one value of which is the expression. */
function touching(table: ProbedTable, probe: number, { values }: MarkedRow, change: string): string {
  return insertion(table, probe, values)
    .replace('("probe"', '(touched, "probe"')
    .replace(" VALUES (", ` VALUES (${change}, `);
}
