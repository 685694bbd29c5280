import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { closingLine, isRed, type Ran, slowest, tallyOf } from "./support/tally";

/**
 * Closes test/run: `tally.ts REPORTS SUITE...`. The directory holds `<name>.code`, an exit code, of everything that was started,
 * `<name>.seconds` beside it, and `<name>.json` of each suite that got to its tests. Prints what took longest, what speaks against success, then the closing line; exit code 1: red.
 */
function main([reports = "", ...suites]: string[]): void {
  const checks = readdirSync(reports)
    .filter((file) => file.endsWith(".code"))
    .map((file) => file.slice(0, -".code".length))
    .filter((name) => !suites.includes(name));
  const runs: Ran[] = [
    ...checks.map((name) => ({ ...ranOf(name), report: "none" as const })),
    ...suites.map((name) => ({ ...ranOf(name), report: reportOf(name) })),
  ];
  const tally = tallyOf(runs, JSON.parse(readFileSync(join(__dirname, "skipped.json"), "utf8")));
  for (const line of slowest(runs)) console.log(line);
  for (const fault of tally.faults) console.log(fault);
  console.log(closingLine(tally));
  if (isRed(tally)) process.exitCode = 1;

  function ranOf(name: string): Omit<Ran, "report"> {
    return { name, exitCode: numberOf(`${name}.code`) ?? 127, seconds: numberOf(`${name}.seconds`) };
  }

  function numberOf(name: string): number | undefined {
    const file = join(reports, name);
    return existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined;
  }

  function reportOf(name: string): Ran["report"] {
    const file = join(reports, `${name}.json`);
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  }
}

main(process.argv.slice(2));
