import { performance } from "node:perf_hooks";

/** Where a command says what it is doing: one line at the start of a stage, one at its end with the duration. */
export interface Progress {
  note(text: string): void;
  stage<T>(label: string, work: () => Promise<T>): Promise<T>;
}

/** Writes to standard error, so that standard output stays what a script may read. */
export function terminalProgress(write = (line: string) => void process.stderr.write(`${line}\n`)): Progress {
  return {
    note: (text) => write(`  ${text}`),
    async stage(label, work) {
      const start = performance.now();
      write(`… ${label}`);
      try {
        const result = await work();
        write(`✓ ${label} (${seconds(start)})`);
        return result;
      } catch (error) {
        write(`✗ ${label} (${seconds(start)})`);
        throw error;
      }
    },
  };
}

function seconds(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
