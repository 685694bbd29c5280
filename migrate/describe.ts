/** What a schema consists of: each object with its definition, as the server tells it. */
export type Description = ReadonlyMap<string, string>;

/** One object that is not as its migrations make it. */
export interface SchemaDifference {
  /** `table public.users`, `column public.users.email`, `trigger ballots_no_update`. */
  object: string;
  is: "missing" | "extra" | "different";
  /** Lines of the definition: `+` stands in the database, `-` the migrations make. Only where it is different. */
  lines: string[];
}

/** Pure. Sorted by object. */
export function compareDescriptions(actual: Description, expected: Description): SchemaDifference[] {
  const objects = [...new Set([...actual.keys(), ...expected.keys()])].sort();
  return objects.flatMap((object): SchemaDifference[] => {
    const [is, should] = [actual.get(object), expected.get(object)];
    if (is === should) return [];
    if (is === undefined) return [{ object, is: "missing", lines: [] }];
    if (should === undefined) return [{ object, is: "extra", lines: [] }];
    return [{ object, is: "different", lines: changedLines(is, should) }];
  });
}

function changedLines(actual: string, expected: string): string[] {
  const [is, should] = [linesOf(actual), linesOf(expected)];
  return [
    ...should.filter((line) => !is.includes(line)).map((line) => `- ${line}`),
    ...is.filter((line) => !should.includes(line)).map((line) => `+ ${line}`),
  ];
}

function linesOf(definition: string): string[] {
  return definition.split("\n").map((line) => line.trim().replace(/,$/, ""));
}
