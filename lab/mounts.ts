import * as fs from "node:fs";

/** One line of /proc/PID/mountinfo. */
export interface Mount {
  target: string;
  type: string;
  source: string;
  /** Options of the mount itself, as `rw` or `relatime`. */
  options: string[];
}

/** Parses /proc/PID/mountinfo; see proc_pid_mountinfo(5). Lines that are not of its form are left out. */
export function parseMountinfo(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const fields = line.split(" ");
    // Optional fields stand before a single hyphen, any number of them.
    const hyphen = fields.indexOf("-", 6);
    const target = fields[4];
    const type = fields[hyphen + 1];
    const source = fields[hyphen + 2];
    if (hyphen < 0 || !target || !type || source === undefined) return [];
    return [
      {
        target: unescapeOctal(target),
        type,
        source: unescapeOctal(source),
        options: (fields[5] ?? "").split(","),
      },
    ];
  });
}

/** The kernel writes space, tab, newline and backslash as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** The mounts this process sees, in the order they were made. */
export function mounts(file = "/proc/self/mountinfo"): Mount[] {
  return parseMountinfo(fs.readFileSync(file, "utf8"));
}

/** Mounts on a directory or below it, innermost first: the order to take them away in. */
export function mountsUnder(directory: string, table: readonly Mount[] = mounts()): Mount[] {
  return table.filter(({ target }) => target === directory || target.startsWith(`${directory}/`)).reverse();
}
