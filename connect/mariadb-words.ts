import { notShown, oneLine } from "./words";

/** What of the driver's error is looked at. `sqlMessage`: only where the server said it. */
interface Refusal {
  message: string;
  name?: string;
  errno?: number;
  sqlMessage?: string;
}

const NAME = "(?:`[^`]*`|'[^']*'|[A-Za-z0-9_.$]+)";

/** Messages about objects, accounts, limits and the server's state, by how they begin. */
const NAMES_ONLY = new RegExp(
  `^(?:${[
    "Unknown (?:database|table|column|collation|character set|storage engine|system variable|VIEW|SEQUENCE|prepared|thread id|command)",
    "Table .* (?:doesn.t exist|already exists|is (?:full|read only|marked as crashed)|was not locked)",
    "Can.t (?:create|open|drop|find|write|connect|lock|get|DROP|reopen)",
    "You can.t ",
    "Cannot (?:drop|delete or update a parent row|add or update a child row|execute statement in a READ ONLY transaction|load from)",
    "Access denied[ ,;]",
    "[A-Za-z ,]+ command denied to user ",
    "There is no such grant defined for user ",
    "Illegal GRANT/REVOKE command",
    "Operation [A-Z ]+ failed for ",
    "(?:SESSION|GLOBAL) variable [`'][a-z_]+[`'] is read-only",
    "Variable '[a-z_]+' is a (?:GLOBAL|SESSION|read only) variable",
    "User .* (?:has exceeded the|does not exist|was dropped)",
    "Your password does not satisfy ",
    "Password hash should be",
    "Plugin .* is not loaded",
    "Data (?:too long|truncated) for column ",
    "Out of range value for column ",
    `Column ${NAME} (?:cannot be null|specified twice|in .* is ambiguous)`,
    "Column count doesn.t match",
    `Key column ${NAME} doesn.t exist`,
    `Field ${NAME} doesn.t have a default`,
    `Invalid default value for ${NAME}$`,
    "Incorrect (?:table definition|usage of|database name|table name|column name|index name|parameters? |number of arguments)",
    "View .* references invalid ",
    "(?:FUNCTION|PROCEDURE|TRIGGER|EVENT|SEQUENCE|Trigger|Event) .* (?:does not exist|already exists)",
    "(?:Lost connection|Server has gone away|MySQL server has gone away|MariaDB server has gone away|Server shutdown|Connection was killed|Aborted connection)",
    "Got (?:a )?packet bigger",
    "(?:Lock wait timeout|Deadlock found|Query execution was interrupted)",
    "(?:Row size too large|Specified key was too long|Index column size too large|Too many )",
    "The user specified as a definer ",
    "(?:Multiple primary key|Duplicate (?:key|column|foreign key|index) name|Foreign key constraint is incorrectly formed)",
    "The table .* is full",
    "Host .* is (?:blocked|not allowed)",
    "CONSTRAINT .* failed for",
    "The MariaDB server is running with",
    "(?:SSL connection error|Malformed communication packet|Connections using insecure transport)",
    "(?:Result consisted of|Subquery returns|Division by 0|Operand should contain|Illegal mix of collations)",
    "(?:No database selected|Query was empty|Not unique table/alias)",
    "(?:Explicit or implicit commit is not allowed|This version of MariaDB doesn.t yet support|Dynamic SQL is not allowed)",
    "(?:Referencing column|BLOB/TEXT column|All parts of a PRIMARY KEY|A table must have|Every derived table)",
  ].join("|")})`,
);

/**
 * What may be said of an error of MariaDB or of its driver: names of objects and what is wrong with them, never a value of a row, a
 * password's hash or a statement. MariaDB does not tell its own words from those of a SIGNAL, so only its own forms are shown.
 * components/agent/errors.sh is the same for the clients.
 */
export function mariadbWords({ message, name, errno, sqlMessage }: Refusal): string {
  if (sqlMessage === undefined) {
    return name === "SyntaxError" ? notShown("the driver cannot read it") : withoutHashes(message);
  }
  const said = serverWords(oneLine(sqlMessage));
  return said === undefined ? notShown(`error ${errno}`) : withoutHashes(said);
}

/** The line of the statement that a syntax error is in, from 1; the text near it, which the server shows too, is left out. */
export function lineOfSyntaxError({ errno, sqlMessage }: Refusal): number | undefined {
  const line = errno === 1064 ? / at line (\d+)$/.exec(sqlMessage ?? "")?.[1] : undefined;
  return line === undefined ? undefined : Number(line);
}

/** Password hashes that the server quotes back in an error. */
function withoutHashes(text: string): string {
  return text.replace(/\*[0-9A-Fa-f]{40}/g, "*...");
}

function serverWords(text: string): string | undefined {
  const duplicate = /^Duplicate entry .* (for key [^ ]+)$/.exec(text);
  if (duplicate) return `Duplicate entry ${duplicate[1]}`;
  if (/^Duplicate entry/.test(text)) return "Duplicate entry";
  const syntax = /^You have an error in your SQL syntax/.exec(text);
  if (syntax) return syntax[0];
  const value = /^(?:Incorrect|Truncated incorrect|Invalid) [A-Za-z0-9_]+ value/.exec(text);
  if (value) return value[0] + (/ for column [^ ]+ at row \d+$/.exec(text)?.[0] ?? "");
  const range = /^[A-Z ]+ value is out of range/.exec(text);
  if (range) return range[0];
  const foreign =
    /^Cannot (?:add or update a child|delete or update a parent) row: a foreign key constraint fails/.exec(
      text,
    );
  if (foreign) {
    const constraint = /\((`[^`]*`\.`[^`]*`, CONSTRAINT `[^`]*`)/.exec(text)?.[1];
    return constraint ? `${foreign[0]} (${constraint})` : foreign[0];
  }
  return NAMES_ONLY.test(text) ? text.replace(/ near .*/, "") : undefined;
}
