import { MIGRATIONS, POSTGRES_DATABASE, ROW_SECURITY } from "../kinds";
import { object } from "../plain";
import { type Standing, stackRule } from "../rule";

export const rowSecurityDeclared = stackRule({
  name: "row-security-declared",
  description: "Every table that this program makes on PostgreSQL has row security or a declared exception.",
  severity: "critical",
  remediationSteps:
    "Declare the table in estate/row-security/<database>.ts: its rules, or an exception with its reason.",
  *faults(resources) {
    const secured = new Map(byDatabase(resources, ROW_SECURITY));
    const postgres = new Set(
      resources.filter(({ type }) => type === POSTGRES_DATABASE).map(({ props }) => props.name),
    );
    for (const [database, migrations] of byDatabase(resources, MIGRATIONS)) {
      if (!postgres.has(database)) continue;
      const security = secured.get(database);
      if (!security) {
        yield {
          at: migrations,
          fault: `${database} has no estate:postgres:RowSecurity. Declare who sees which rows`,
        };
        continue;
      }
      const declared = object(security.props.tables);
      const made = tablesOf(object(migrations.props.migrations));
      for (const table of made.filter((name) => !Object.hasOwn(declared, name))) {
        yield { at: security, fault: `tables says nothing of ${table}, which a migration makes` };
      }
    }
  },
});

function byDatabase(resources: readonly Standing[], type: string): [string, Standing][] {
  return resources.flatMap((resource) => {
    const { database } = resource.props;
    return resource.type === type && typeof database === "string" ? [[database, resource]] : [];
  });
}

const CREATE =
  /\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:public\.)?([a-z_][a-z0-9_]*)\s*(?:\(|PARTITION\b)/gi;
const DROP = /\bDROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:public\.)?([a-z_][a-z0-9_]*)(?!\s*\.)\b/gi;

/** Tables of schema public that the steps leave behind, partitions apart. */
function tablesOf(migrations: ReturnType<typeof object>): string[] {
  const made = new Set<string>();
  for (const [, files] of Object.entries(migrations).sort(([one], [other]) => (one < other ? -1 : 1))) {
    const { up } = object(files);
    if (typeof up !== "string") continue;
    const text = up.replace(/--.*$/gm, "").replace(/\$(\w*)\$[\s\S]*?\$\1\$/g, "''");
    for (const statement of text.split(";")) {
      if (/\bPARTITION\s+OF\b/i.test(statement)) continue;
      for (const [, name = ""] of statement.matchAll(CREATE)) made.add(name);
      for (const [, name = ""] of statement.matchAll(DROP)) made.delete(name);
    }
  }
  return [...made].sort();
}
