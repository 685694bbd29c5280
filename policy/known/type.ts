/** Values that a property may have and none besides. */
export type Values = readonly (string | number | boolean)[];

/**
 * A resource type that a program may declare. Properties are paths: `rules[].filter.prefix`; `*` stands for a key that the
 * program chooses, `**` for whatever is below. What no path names is refused.
 */
export interface KnownType {
  /** Why a program may declare it: a sentence. */
  because: string;
  /** Properties that rules judge, by rule; `-` where a list of values is all there is to say. */
  judged: Readonly<Record<string, readonly string[]>>;
  /** Properties whose values open nothing, whatever they are. */
  harmless: readonly string[];
  /** Properties with the only values that they may have. */
  only?: Readonly<Record<string, Values>>;
  /** Harmless properties, that no value may be in but sealed. */
  secret?: readonly string[];
  /** Properties that a program may keep as they were (ignoreChanges), because it does not know them yet. */
  kept?: readonly string[];
  /** Properties that a program must set, for without them what was there before stays in force. */
  needed?: readonly string[];
}

/** What is not declared by a program, with the reason: no configuration allows it. */
export interface RefusedType {
  /** Of the type token. */
  matches: RegExp;
  because: string;
}
