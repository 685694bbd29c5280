import type { MariadbConnection } from "../connect/mariadb";
import type { Description } from "./describe";
import { HISTORY } from "./mariadb-history";

/** How each kind of object is listed, and how the server shows one: in which column. */
const KINDS = [
  { kind: "table", show: "SHOW CREATE TABLE", column: "Create Table" },
  { kind: "view", show: "SHOW CREATE VIEW", column: "Create View" },
  { kind: "procedure", show: "SHOW CREATE PROCEDURE", column: "Create Procedure" },
  { kind: "function", show: "SHOW CREATE FUNCTION", column: "Create Function" },
  { kind: "event", show: "SHOW CREATE EVENT", column: "Create Event" },
] as const;

const LIST = `
  SELECT IF(table_type = 'VIEW', 'view', 'table') AS kind, table_name AS name FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name <> '${HISTORY}'
  UNION ALL SELECT 'trigger', trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()
  UNION ALL SELECT LOWER(routine_type), routine_name FROM information_schema.routines WHERE routine_schema = DATABASE()
  UNION ALL SELECT 'event', event_name FROM information_schema.events WHERE event_schema = DATABASE()`;

/** From its parts: the statement that it was made with is kept as somebody wrote it, a restore as the restore did. */
const TRIGGER = `
  SELECT CONCAT('CREATE TRIGGER ', trigger_name, ' ', action_timing, ' ', event_manipulation, ' ON ', event_object_table, ' FOR EACH ROW\n',
      action_statement) AS text
    FROM information_schema.triggers WHERE trigger_schema = DATABASE() AND trigger_name = ?`;

/** Reads the schema of the open database, without what differs from one database of the same schema to another. */
export async function describeMariadb(connection: MariadbConnection, database: string): Promise<Description> {
  const objects = await connection.query<{ kind: string; name: string }>(LIST);
  const description = new Map<string, string>();
  for (const { kind, name } of objects) {
    if (kind === "trigger") {
      const [trigger] = await connection.query<{ text: string }>(TRIGGER, [name]);
      description.set(`${kind} ${name}`, normalise(trigger?.text ?? "", database));
      continue;
    }
    const shown = KINDS.find((each) => each.kind === kind);
    if (!shown) continue;
    const [row] = await connection.query(`${shown.show} \`${name.replaceAll("`", "``")}\``);
    description.set(`${kind} ${name}`, normalise(String(row?.[shown.column] ?? ""), database));
  }
  return description;
}

function normalise(definition: string, database: string): string {
  return definition
    .replaceAll(`\`${database}\`.`, "")
    .replace(/ AUTO_INCREMENT=\d+/, "")
    .replace(/ DEFINER=`[^`]*`@`[^`]*`/, "");
}
