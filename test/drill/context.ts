import { messageOf } from "../../ops/exit";
import type { AsService } from "./fill/services";
import type { Operator } from "./operator";
import type { DrillReport, Finding } from "./report/model";
import type { Servers } from "./servers";

/** What every stage works with and writes down into. */
export interface Drill {
  operator: Operator;
  servers: Servers;
  asService: AsService;
  report: DrillReport;
  /** A line of progress. */
  say(line: string): void;
}

/** Ends the drill: what comes after would prove nothing. */
export class Stopped extends Error {}

/** Times a stage. What it throws becomes a finding, and ends the drill. */
export async function stage<T>(
  drill: Drill,
  { name, area, recovery = false }: { name: string; area: Finding["area"]; recovery?: boolean },
  work: () => Promise<T>,
): Promise<T> {
  const began = Date.now();
  drill.say(`==> ${name}`);
  try {
    return await work();
  } catch (error) {
    if (error instanceof Stopped) throw error;
    // The drill's own mishap: nothing was shown of the estate, neither good nor bad.
    drill.report.findings.push({ area, what: name, verdict: "unknown", seen: messageOf(error) });
    throw new Stopped(messageOf(error));
  } finally {
    const seconds = (Date.now() - began) / 1000;
    drill.report.stages.push({ name, seconds, recovery });
    drill.say(`    done in ${seconds.toFixed(1)} s`);
  }
}

/** A finding from a list of faults: none is a pass, and then `good` is what was seen. */
export function judge(
  drill: Drill,
  area: Finding["area"],
  what: string,
  faults: readonly string[],
  good: string,
): void {
  const passed = faults.length === 0;
  const seen = passed ? good : faults.slice(0, 20).join("\n");
  drill.report.findings.push({ area, what, verdict: passed ? "passed" : "failed", seen });
  if (!passed) drill.say(`    FAILED: ${what}: ${faults[0]}`);
}

/** The same, and the drill ends where it failed. */
export function mustJudge(...found: Parameters<typeof judge>): void {
  judge(...found);
  const [, , what, faults] = found;
  if (faults.length > 0) throw new Stopped(`${what}: ${faults[0]}`);
}
