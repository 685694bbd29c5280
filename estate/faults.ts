/** One thing wrong in what was declared. */
export interface Fault {
  /** Where: `servers.plesk.accountHost`, `databases.mo_crm.secret`. */
  path: string;
  /** What stands there, shortened; undefined when nothing does. */
  value: unknown;
  /** What is wrong and how to mend it. */
  fix: string;
}

/** Every fault at once, a line each, so that one run is enough to mend them all. */
export class FaultyEstate extends Error {
  constructor(readonly faults: readonly Fault[]) {
    super(renderFaults(faults));
    this.name = "FaultyEstate";
  }
}

export function renderFaults(faults: readonly Fault[]): string {
  const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
  return [`the estate is not well declared: ${count}`, ...faults.map(renderFault)].join("\n");
}

function renderFault({ path, value, fix }: Fault): string {
  return `  ${path} is ${show(value)}: ${fix}`;
}

function show(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
