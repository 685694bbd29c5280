/** What a table holds, whatever the order of its rows. */
export interface TableSum {
  rows: number;
  /** Sum of the rows' hashes, decimal. */
  sum: string;
}

/** By `database.table`. */
export type Snapshot = ReadonlyMap<string, TableSum>;
