/** What one statement of a migration does that somebody has to answer for. */
export type Deed =
  /** A table is made, or is gone; `what` is its name with the schema. */
  | "table"
  | "table-gone"
  /** A view that shows what its owner sees. */
  | "view-as-owner"
  /** A function with its owner's rights; `detail` is its search_path, empty where it has none. */
  | "definer"
  | "leakproof"
  /** Row security of a table, or a trigger that guards it, is taken away. */
  | "guard-off"
  /** Rights are given; `detail` says to whom. */
  | "grant"
  /** SQL that is put together while it runs, so that nobody can say what it does. */
  | "dynamic"
  /** Anything that is not on the list of what a migration may hold. */
  | "unlisted";

/**
 * One deed. Made from a file's text when it is declared, and kept beside its checksums: the text is not there any more
 * once it is applied. Holds names of objects and kinds of statements, never a row.
 */
export interface Fact {
  /** Line of the statement in its file, from 1. */
  line: number;
  does: Deed;
  /** The object, or the kind of statement. */
  what: string;
  detail?: string;
}
