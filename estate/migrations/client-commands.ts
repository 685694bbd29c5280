import type { Engine } from "../types";
import { endOfLine, match } from "./scan";

/** A line that the client keeps to itself. */
interface ClientCommand {
  /** What ends a statement from here on. */
  delimiter?: string;
  /** Why the file is refused. */
  fault?: string;
}

const DELIMITER = /delimiter/iy;
const SETS_DELIMITER = /delimiter[ \t]*(\S*)/iy;
/** Alone on its line. */
const SOUND = /delimiter[ \t]+(\S+)[ \t]*(?:\n|$)/iy;
/** Of punctuation: a word would end statements in the middle of other words; quotes and comments have a meaning of their own. */
const SOUND_MARK = /^[;/$|&@!^~%:]{1,8}$/;

/** What the mariadb client does with a word at the beginning of a statement; none of them begins one of SQL. */
const WORDS =
  /(?:charset|clear|connect|costs|edit|ego|exit|go|help|nopager|notee|nowarning|pager|print|prompt|quit|rehash|resetconnection|sandbox|source|status|system|tee|warnings)(?![\w$\u0080-\uffff])|\?/iy;

/** Behind which no blank stands, as the client knows blanks: a no-break space is none. */
const GLUED_COMMENT = /^--[^ \t\n\r\f\v]/;

/** The command of the client that begins at `at`, where a statement would. */
export function clientCommand(sql: string, at: number, engine: Engine): ClientCommand | undefined {
  if (match(DELIMITER, sql, at)) return engine === "mariadb" ? setDelimiter(sql, at) : NO_DELIMITER;
  if (engine === "postgres") return undefined;
  const word = match(WORDS, sql, at);
  if (word)
    return { fault: `${word} is a command of the mariadb client, not for the server: write SQL alone` };
  if (!GLUED_COMMENT.test(sql.slice(at, at + 3))) return undefined;
  return { fault: "`--` is a comment to the client alone here: put a blank behind it" };
}

const NO_DELIMITER: ClientCommand = {
  fault: "psql knows no DELIMITER: a body stands between $$ and $$",
};

function setDelimiter(sql: string, at: number): ClientCommand {
  const line = sql.slice(sql.lastIndexOf("\n", at - 1) + 1, at);
  SOUND.lastIndex = at;
  const delimiter = SOUND.exec(sql)?.[1];
  if (delimiter && line.trim() === "") {
    if (SOUND_MARK.test(delimiter)) return { delimiter };
    return { delimiter, fault: `the delimiter ${delimiter} could stand in a statement: use // or $$` };
  }
  SETS_DELIMITER.lastIndex = at;
  const [, wanted] = SETS_DELIMITER.exec(sql.slice(0, endOfLine(sql, at))) ?? [];
  // Taken for what was meant, so that what follows is not told as faulty too.
  return { ...(wanted && { delimiter: wanted }), fault: "DELIMITER stands alone on its line: DELIMITER //" };
}
