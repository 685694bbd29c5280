import { parseId, parseScript } from "../../../estate/migrations/script";
import type { Engine } from "../../../estate/types";
import type { DeclaredMigration } from "../../../migrate/types";
import type { MigrationInputs } from "./check";

/** The inputs as the migration engine takes them, in the order of the versions. */
export function declaredMigrations(
  { database, migrations }: MigrationInputs,
  engine: Engine,
): DeclaredMigration[] {
  const declared = Object.entries(migrations).map(([id, { checksum, up, down }]) => {
    const { version, name } = parseId(id) ?? { version: 0, name: id };
    if (up === undefined || down === undefined) return { id, version, name, checksum };
    const script = (text: string, direction: "up" | "down") =>
      parseScript(text, engine, `sql/${database}/${id}.${direction}.sql`);
    return {
      id,
      version,
      name,
      checksum,
      migration: { id, version, name, up: script(up, "up"), down: script(down, "down") },
    };
  });
  return declared.sort((a, b) => a.version - b.version);
}
