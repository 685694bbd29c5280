import { parseRange } from "../../connect/address";
import { isOneAddress } from "../addresses";

/** One line of a configuration file, read as the engine reads it. */
export interface Setting {
  name: string;
  value: string;
  line: number;
}

/** A file as its engine reads it: what it sets, and what nobody can judge. */
export interface Configuration {
  settings: Setting[];
  faults: string[];
}

/** Settings that a file may hold, each with what its value must look like. */
export type Listed = Readonly<Record<string, Pick<RegExp, "test">>>;

/** Addresses that a file may name, from the resource it belongs to. */
export interface Place {
  address: string | undefined;
  port: number | undefined;
}

export const SHAPES = {
  number: /^\d+$/,
  size: /^\d+ ?(?:[kKmMgG]?[bB]?)$/,
  /** One address of a machine: some of the ways to write zero mean every one it has. */
  address: { test: (text: string) => isMachine(text) },
};

function isMachine(text: string): boolean {
  const range = parseRange(text);
  return range !== undefined && isOneAddress(range) && !text.includes("/") && range.first !== 0n;
}

/** Unknown names, values of another form, and names that stand twice: of those the engine takes the last. */
export function* faultsOf(
  engine: string,
  { settings, faults }: Configuration,
  listed: Listed,
): Iterable<string> {
  for (const fault of faults) yield `${engine}: ${fault}`;
  const seen = new Map<string, number>();
  for (const { name, value, line } of settings) {
    const shape = Object.hasOwn(listed, name) ? listed[name] : undefined;
    const before = seen.get(name);
    if (!shape) yield `${engine}: line ${line} sets ${name}, which is not on the list of this rule`;
    else if (!shape.test(value))
      yield `${engine}: line ${line} sets ${name} to ${JSON.stringify(value)}, not as it must be`;
    if (before !== undefined)
      yield `${engine}: line ${line} sets ${name} again (line ${before}): the last one wins`;
    seen.set(name, line);
  }
}

/** What stands in force: the last of a name. */
export function effectiveOf({ settings }: Configuration): Map<string, string> {
  return new Map(settings.map(({ name, value }) => [name, value]));
}
