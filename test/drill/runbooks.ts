/** Lines of the shell blocks of a page, without empty ones and comments. */
export function fencedCommands(page: string): string[] {
  const blocks = [...page.matchAll(/^(?:[ \t]*|\d+\.\s+)```sh\n([\s\S]*?)^[ \t]*```$/gm)];
  return blocks
    .flatMap(([, lines = ""]) => lines.split("\n"))
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
