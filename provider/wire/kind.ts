/**
 * What one resource kind of a provider is, seen from its author: plain values in, plain values out.
 * The gRPC side (server.ts) takes care of secrets, unknown values, previews and error texts.
 */

/** Stands for a value that is not known in a preview. */
export const UNKNOWN: unique symbol = Symbol.for("estate.unknown");

export type Value =
  | null
  | boolean
  | number
  | string
  | typeof UNKNOWN
  | readonly Value[]
  | { readonly [key: string]: Value };
export type Properties = { readonly [key: string]: Value };

/** One fault in what the user declared: names the field, the value and the fix. */
export interface CheckFailure {
  property: string;
  reason: string;
}

/** One changed field. `path` is as the engine prints it: `grants["svc_x on tables in public"]`, `limits.connections`. */
export interface FieldChange {
  path: string;
  kind: "add" | "update" | "delete";
  /** true: the change cannot be made in place and replaces the resource. */
  replaces?: boolean;
}

export interface Call<Config> {
  /** The provider's configuration, checked. */
  readonly config: Config;
  readonly urn: string;
  /** Aborted on Cancel (Ctrl-C): finish the step at hand and throw. */
  readonly signal: AbortSignal;
  /** Shows a warning beside the resource. Absent where no engine listens. */
  warn?(text: string): void;
}

export interface CheckContext {
  urn: string;
  /** The provider's configuration as it was given; in a preview values may be UNKNOWN. */
  provider?: Properties;
  /** true: the machine is another one than at the last run, or may be: what `old` tells of may not be there. */
  elsewhere?: boolean;
}

/**
 * One resource kind. Inputs and state are plain (secrets unwrapped); which paths are secret is kept by the wire:
 * a secret input stays secret in the state under the same top-level name, and `secretOutputs` always are.
 */
export interface Kind<Config, Inputs extends object, State extends object = Inputs> {
  /** Pulumi type token: `estate:mariadb:Account`. */
  readonly token: string;
  /** Top-level state properties that are always secret. */
  readonly secretOutputs?: readonly string[];
  /** Top-level inputs that are always secret, on import too, where no old inputs say so. */
  readonly secretInputs?: readonly string[];
  /** Paths within inputs that are secret each for itself, `connection.privateKey`: one that is not so in the state is a change. */
  readonly secretParts?: readonly string[];
  /**
   * Of a stand-in: version of the real kind's schema, which the real plugin keeps in the state as `__meta`. A state without
   * it counts as one of version 0 there, and is converted as such.
   */
  readonly schemaVersion?: number;
  /** State properties that are no inputs (`identity`): unknown in the preview of a create or an update. */
  readonly computedOutputs?: readonly string[];
  /** Those of `computedOutputs` that an update in place leaves as they are: known in its preview. */
  readonly stableOutputs?: readonly string[];
  /** Top-level input properties whose change replaces the resource. */
  readonly replaceOn?: readonly string[];
  /** true: on replacement the old one is deleted first (two cannot exist side by side). */
  readonly deleteBeforeReplace?: boolean;

  /**
   * Validates and normalises (sort, defaults). All faults at once. Values may be UNKNOWN in a preview.
   * `old`: the inputs of the last run, or undefined for a new resource. Must be idempotent and pure.
   */
  check(
    news: Properties,
    old: Properties | undefined,
    context: CheckContext,
  ): { inputs: Properties; failures: CheckFailure[] };

  /**
   * Which declared fields differ. `undefined`: the wire compares old inputs with new inputs field by field (the default).
   */
  diff?(old: { id: string; inputs: Inputs; state: State }, news: Properties): FieldChange[];

  /**
   * Those of `computedOutputs` that a preview can know, because they follow from the inputs or stay as they are; beyond
   * `stableOutputs`. `old` is undefined for a new resource; `news` may hold UNKNOWN.
   */
  foresee?(old: { inputs: Inputs; state: State } | undefined, news: Properties): Properties;

  /** Never called in a preview: the wire then answers with the inputs and unknown outputs. Must converge: what an
   * interrupted run left behind is taken over, not duplicated and not an error. */
  create(call: Call<Config>, inputs: Inputs): Promise<{ id: string; state: State }>;

  /**
   * The resource as it stands, for refresh and import. undefined: it is gone. `inputs` are what would have to be
   * declared to have exactly what is there, so that the next preview names each drifted field.
   * `old` is undefined on import.
   */
  read(
    call: Call<Config>,
    id: string,
    old: { inputs: Inputs; state: State } | undefined,
  ): Promise<{ id: string; inputs: Inputs; state: State } | undefined>;

  /**
   * In place. Never called in a preview. Must converge from nothing where the resource is something on a machine: on a
   * machine that was replaced, what the state tells of is not there.
   */
  update(call: Call<Config>, id: string, old: { inputs: Inputs; state: State }, news: Inputs): Promise<State>;

  /** Idempotent: what is already gone is no error. */
  delete(call: Call<Config>, id: string, old: { inputs: Inputs; state: State }): Promise<void>;
}

/** A kind of any shape, as the wire keeps it in its table. */
// biome-ignore lint/suspicious/noExplicitAny: the table holds kinds of unlike shapes; each is typed where it is written
export type AnyKind = Kind<any, any, any>;

/** One provider: its configuration and its kinds. */
export interface ProviderDefinition<Config> {
  readonly name: string;
  readonly version: string;
  readonly kinds: readonly AnyKind[];
  /** true: every resource takes the input `machine`, which its kind does not see (machine.ts). */
  readonly machines?: boolean;
  /** Top-level configuration properties that are secret. */
  readonly secretConfig?: readonly string[];
  /** Validates the configuration; UNKNOWN may occur in a preview. All faults at once. */
  checkConfig?(news: Properties): { inputs: Properties; failures: CheckFailure[] };
  /** Makes the configuration handed to each call. Opens nothing: connections are lazy. */
  configure(inputs: Properties): Config;
  /** Of a plugin that connects before anything else, in a preview too: an error ends the run. */
  connect?(config: Config): Promise<void>;
  /** Closes what was opened. Called on Cancel and at the end of the process. */
  close?(config: Config): Promise<void>;
  /** An error's text for the user; secrets must not be in it. Default: error.message. */
  explain?(error: unknown): string;
}
