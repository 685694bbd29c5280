import { MIGRATIONS, POSTGRES_ACCESS, POSTGRES_DATABASE, ROW_SECURITY } from "../kinds";
import { migrationFacts } from "../migration-facts";
import { isUnknown, object } from "../plain";
import { type Standing, stackRule } from "../rule";

/** Schema of functions and partitions, on which nobody is granted anything. */
const INTERNAL = "internal";

export const rowSecurityDeclared = stackRule({
  name: "row-security-declared",
  description: "Every table that this program makes on PostgreSQL has row security or a declared exception.",
  severity: "critical",
  remediationSteps:
    "Declare the table in estate/row-security/<database>.ts: its rules, or an exception with its reason.",
  *faults(resources) {
    const secured = new Map(byDatabase(resources, ROW_SECURITY));
    for (const [database, at] of byDatabase(resources, POSTGRES_ACCESS)) {
      const { grants, defaultGrants } = at.inputs;
      const others = [...Object.keys(object(grants)), ...Object.keys(object(defaultGrants))].filter(
        (key) => !key.endsWith(" on database"),
      );
      if (secured.has(database) && others.length > 0)
        yield {
          at,
          fault: `grants ${others.join(", ")} beside the row security of ${database}. Declare it there`,
        };
    }
    const postgres = new Set(
      resources.filter(({ type }) => type === POSTGRES_DATABASE).map(({ inputs }) => inputs.name),
    );
    for (const [database, migrations] of byDatabase(resources, MIGRATIONS)) {
      // Only PostgreSQL has owners, and only there can a database be told by them.
      const isPostgres = postgres.has(database) || migrations.provider.postgres !== undefined;
      if (!isPostgres && migrations.inputs.owner === undefined) continue;
      const security = secured.get(database);
      if (!security) {
        yield {
          at: migrations,
          fault: `${database} has no estate:postgres:RowSecurity. Declare who sees which rows`,
        };
        continue;
      }
      const { tables, schema = "public" } = security.inputs;
      if (isUnknown(tables)) continue;
      const declared = new Set(Object.keys(object(tables)).map((table) => `${String(schema)}.${table}`));
      for (const table of tablesOf(migrations)) {
        // Nothing is granted there: its partitions and copies are reached through a table of the other schema alone.
        if (declared.has(table) || table.startsWith(`${INTERNAL}.`)) continue;
        yield { at: security, fault: `tables says nothing of ${table}, which a migration makes` };
      }
    }
  },
});

function byDatabase(resources: readonly Standing[], type: string): [string, Standing][] {
  return resources.flatMap((resource) => {
    const { database } = resource.inputs;
    return resource.type === type && typeof database === "string" ? [[database, resource]] : [];
  });
}

/** Tables that the steps leave behind. */
function tablesOf(migrations: Standing): string[] {
  const made = new Set<string>();
  const facts = migrationFacts({ props: migrations.inputs, provider: migrations.provider }).facts;
  for (const { does, what } of facts.filter(({ rollback }) => !rollback)) {
    if (does === "table") made.add(what);
    if (does === "table-gone") made.delete(what);
  }
  return [...made].sort();
}
