import { type Privileges, sound } from "../privileges/check";
import { violation } from "../privileges/probe";
import { renderJson } from "./json";
import { printableLine } from "./printable";
import { type Column, painter, renderTable } from "./table";

export interface PrivilegesReport {
  stack: string;
  results: readonly Privileges[];
}

/** The table, then every violation in words, then the closing line. */
export function renderPrivileges({ results }: PrivilegesReport, options: { colour: boolean }): string {
  const parts = [
    renderTable(columns(options.colour), results),
    renderViolations(results),
    `${renderSummary(results)}\n`,
  ];
  return parts.filter((part) => part !== "").join("\n");
}

export function renderPrivilegesJson({ stack, results }: PrivilegesReport): string {
  return renderJson({
    stack,
    ok: results.every(sound),
    services: { sound: results.filter(sound).length, total: results.length },
    probes: countProbes(results),
    results,
  });
}

function countProbes(results: readonly Privileges[]): { asExpected: number; total: number } {
  const probes = results.flatMap((result) => result.probes);
  return { asExpected: probes.filter(({ ok }) => ok).length, total: probes.length };
}

/** `26/26 services as declared, 1032/1032 probes as expected` */
function renderSummary(results: readonly Privileges[]): string {
  const { asExpected, total } = countProbes(results);
  const services = `${results.filter(sound).length}/${results.length} services as declared`;
  return `${services}, ${asExpected}/${total} probes as expected`;
}

function columns(colour: boolean): Column<Privileges>[] {
  const paint = painter(colour);
  const count = ({ probes }: Privileges, expected: "allowed" | "refused") => {
    const asked = probes.filter((probe) => probe.expected === expected);
    return asked.length > 0 ? `${asked.filter(({ ok }) => ok).length}/${asked.length}` : "-";
  };
  return [
    { head: "service of", cell: ({ name }) => name },
    { head: "server", cell: ({ server }) => server },
    { head: "logs in as", cell: ({ user }) => user ?? "-" },
    { head: "profile", cell: ({ profile }) => profile ?? "-" },
    { head: "may", cell: (result) => count(result, "allowed"), align: "right" },
    { head: "may not", cell: (result) => count(result, "refused"), align: "right" },
    { head: "result", cell: (result) => (sound(result) ? paint.good("ok") : paint.bad("FAILED")) },
  ];
}

/** One line a violation: what is wrong for all services of a server is told once. */
function renderViolations(results: readonly Privileges[]): string {
  const byWords = new Map<string, string[]>();
  for (const { name, probes, fault, engine } of results) {
    const nothing = probes.length === 0 && fault === undefined ? ["nothing was tried"] : [];
    const words = [
      ...(fault === undefined ? [] : [fault]),
      ...nothing,
      ...probes.flatMap((probe) => violation(probe) ?? []),
    ];
    for (const text of words) {
      const key = `${engine} ${text}`;
      byWords.set(key, [...(byWords.get(key) ?? []), name]);
    }
  }
  return [...byWords]
    .map(([key, names]) => `${names.join(", ")}: ${printableLine(key.slice(key.indexOf(" ") + 1))}\n`)
    .join("");
}
