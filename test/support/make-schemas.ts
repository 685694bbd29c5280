import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { databases } from "../../estate/catalogue";
import { readMigrations } from "../../estate/migrations/read";
import { migrationBench } from "./migrations";
import { projectDirectory } from "./run";

/** `make schemas`: writes sql/<database>/schema.sql from a throw-away server with all migrations applied. */
async function main(only: readonly string[]): Promise<void> {
  const wanted = databases.filter(
    ({ name, schema }) => schema.owner === "program" && (only.length === 0 || only.includes(name)),
  );
  for (const version of ["postgres-17", "mariadb-11.8"] as const) {
    const here = wanted.filter(({ engine }) => version.startsWith(engine));
    if (here.length === 0) continue;
    const bench = await migrationBench(version);
    try {
      for (const entry of here) {
        const set = readMigrations(entry, projectDirectory);
        if (!set) continue;
        const scratch = await bench.scratch(entry.engine === "postgres" ? entry.extensions : []);
        await scratch.up(set);
        const file = join("sql", entry.name, "schema.sql");
        writeFileSync(join(projectDirectory, file), await scratch.dump());
        process.stdout.write(`${file}: ${set.migrations.length} migrations\n`);
      }
    } finally {
      await bench.stop();
    }
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
