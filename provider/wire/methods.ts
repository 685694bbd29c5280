import { EventEmitter, setMaxListeners } from "node:events";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { unmoving } from "../../connect/words";
import { diffInputs, rootOf } from "./diff";
import type { Warn } from "./engine-log";
import { heard } from "./heard";
import type { AnyKind, Call, CheckFailure, FieldChange, Properties, ProviderDefinition, Value } from "./kind";
import { UNKNOWN } from "./kind";
import { MACHINE, machineChange, splitMachine, withMachine } from "./machine";
import { fromStruct, hasUnknown, toStruct, type Unwrapped } from "./values";

/** Of an error: a host may say as much as it likes. */
const LONGEST_WORDS = 64_000;

interface ResourceRequest {
  getUrn(): string;
  getType(): string;
}

/** What the engine adds to a provider's configuration for its own use: passed through, never shown to the provider. */
const ENGINE_CONFIG = ["version", "pluginDownloadURL", "__internal"];

/** The methods of one running provider, apart from the transport. Messages in, messages out; errors are thrown. */
export class ProviderMethods<Config> {
  private readonly kinds: ReadonlyMap<string, AnyKind>;
  private readonly cancelled = new AbortController();
  private readonly idle = new EventEmitter();
  private calls = 0;
  private configInputs: Properties = {};
  private config: { value: Config } | undefined;
  private closed: Promise<void> | undefined;

  constructor(
    private readonly definition: ProviderDefinition<Config>,
    private readonly warn: Warn = () => undefined,
  ) {
    this.kinds = new Map(definition.kinds.map((kind) => [kind.token, kind]));
    // Every call in flight may listen for the cancellation: Node would warn of a leak above ten.
    setMaxListeners(0, this.cancelled.signal);
  }

  /** The schema in its smallest form: the names of the kinds and of their properties that are no inputs. */
  schema(): string {
    const resources = Object.fromEntries(
      [...this.kinds.values()].map((kind) => [
        kind.token,
        {
          properties: Object.fromEntries((kind.computedOutputs ?? []).map((name) => [name, anyType])),
          inputProperties: {},
        },
      ]),
    );
    const { name, version } = this.definition;
    return JSON.stringify({ name, version, config: {}, provider: {}, types: {}, resources, functions: {} });
  }

  checkConfig(request: messages.CheckRequest): messages.CheckResponse {
    const { values: all, secrets } = fromStruct(request.getNews());
    const [engine, news] = partition(all, (name) => ENGINE_CONFIG.includes(name));
    const checked = this.definition.checkConfig?.(news) ?? { inputs: news, failures: [] };
    const marked = [...secrets, ...(this.definition.secretConfig ?? [])];
    return checkResponse({ ...checked.inputs, ...engine }, marked, checked.failures);
  }

  /** A changed configuration never replaces the provider: that would replace every resource it has made. */
  diffConfig(request: messages.DiffRequest): messages.DiffResponse {
    const olds = fromStruct(request.getOldInputs() ?? request.getOlds()).values;
    const news = fromStruct(request.getNews()).values;
    return diffResponse(diffInputs(withoutEngine(olds), withoutEngine(news)), undefined);
  }

  async configure(request: messages.ConfigureRequest): Promise<messages.ConfigureResponse> {
    this.configInputs = withoutEngine(fromStruct(request.getArgs()).values);
    this.config = undefined;
    await this.definition.connect?.(this.configured());
    return new messages.ConfigureResponse()
      .setAcceptsecrets(true)
      .setAcceptoutputs(true)
      .setAcceptresources(false)
      .setSupportspreview(true);
  }

  check(request: messages.CheckRequest): messages.CheckResponse {
    const kind = this.kindOf(request);
    const news = fromStruct(request.getNews());
    const olds = request.hasOlds() ? fromStruct(request.getOlds()).values : undefined;
    const [old, before] = olds && Object.keys(olds).length > 0 ? this.split(olds) : [undefined, null];
    const [declared, machine] = this.split(news.values);
    const { inputs, failures } = kind.check(declared, old, {
      urn: request.getUrn(),
      provider: this.configInputs,
      elsewhere: machineChange(before, machine).length > 0,
    });
    const faults = [...failures];
    if (machine !== null && machine !== UNKNOWN && typeof machine !== "string") {
      faults.push({ property: MACHINE, reason: "must be the identity of a machine" });
    }
    return checkResponse(withMachine(inputs, machine), secretNames(kind, news), faults);
  }

  diff(request: messages.DiffRequest): messages.DiffResponse {
    const kind = this.kindOf(request);
    const [state] = this.split(fromStruct(request.getOlds()).values);
    const olds = fromStruct(request.getOldInputs());
    const declared = fromStruct(request.getNews());
    const [inputs, before] = this.split(olds.values);
    const [news, after] = this.split(declared.values);
    const changes =
      kind.diff?.({ id: request.getId(), inputs, state }, news) ?? diffInputs(inputs, news, kind.replaceOn);
    const resealed = (kind.secretParts ?? [])
      .filter((path) => olds.paths.has(path) !== declared.paths.has(path))
      .filter((path) => !changes.some((change) => change.path === path))
      .map((path): FieldChange => ({ path, kind: "update" }));
    return diffResponse([...changes, ...resealed, ...machineChange(before, after)], kind);
  }

  async create(request: messages.CreateRequest): Promise<messages.CreateResponse> {
    const kind = this.kindOf(request);
    const inputs = fromStruct(request.getProperties());
    const secrets = secretNames(kind, inputs);
    if (request.getPreview()) {
      const known = kind.foresee?.(undefined, this.split(inputs.values)[0]);
      const outputs = { ...inputs.values, ...unknowns(computed(kind)), ...known };
      return new messages.CreateResponse().setProperties(toStruct(outputs, secrets));
    }
    const [declared, machine] = this.split(inputs.values);
    const created = await this.run(request, (call) => kind.create(call, declared));
    if (!created.id) throw new Error(`${kind.token}: the created resource has no id`);
    return new messages.CreateResponse()
      .setId(created.id)
      .setProperties(toStruct(keptState(kind, heard(created.state, inputs.values), machine), secrets));
  }

  async read(request: messages.ReadRequest): Promise<messages.ReadResponse> {
    const kind = this.kindOf(request);
    const inputs = fromStruct(request.getInputs());
    const state = fromStruct(request.getProperties());
    const [declared, machine] = this.split(inputs.values);
    const known = Object.keys(declared).length > 0;
    const old = known ? { inputs: declared, state: this.split(state.values)[0] } : undefined;
    const found = await this.run(request, (call) => kind.read(call, request.getId(), old));
    if (!found) return new messages.ReadResponse();
    const secrets = secretNames(kind, inputs, state);
    const plain = (properties: Properties) => heard(properties, inputs.values, state.values);
    return new messages.ReadResponse()
      .setId(found.id)
      .setInputs(toStruct(withMachine(plain(found.inputs), machine), secrets))
      .setProperties(toStruct(keptState(kind, plain(found.state), machine), secrets));
  }

  async update(request: messages.UpdateRequest): Promise<messages.UpdateResponse> {
    const kind = this.kindOf(request);
    const news = fromStruct(request.getNews());
    const state = fromStruct(request.getOlds());
    const secrets = secretNames(kind, news);
    if (request.getPreview()) {
      const changing = computed(kind).filter((name) => !kind.stableOutputs?.includes(name));
      const [stable] = partition(state.values, (name) => kind.stableOutputs?.includes(name) ?? false);
      const known = kind.foresee?.(this.oldOf(request, state), this.split(news.values)[0]);
      const outputs = { ...news.values, ...stable, ...unknowns(changing), ...known };
      return new messages.UpdateResponse().setProperties(toStruct(outputs, secrets));
    }
    const [declared, machine] = this.split(news.values);
    const old = this.oldOf(request, state);
    const updated = await this.run(request, (call) => kind.update(call, request.getId(), old, declared));
    const outputs = heard(updated, news.values, state.values);
    return new messages.UpdateResponse().setProperties(toStruct(keptState(kind, outputs, machine), secrets));
  }

  async delete(request: messages.DeleteRequest): Promise<void> {
    const kind = this.kindOf(request);
    const old = {
      inputs: this.split(fromStruct(request.getOldInputs()).values)[0],
      state: this.split(fromStruct(request.getProperties()).values)[0],
    };
    await this.run(request, (call) => kind.delete(call, request.getId(), old));
  }

  /** Tells the calls in flight to finish the step at hand; new ones are refused. Closes when the last one is done. */
  async cancel(): Promise<void> {
    this.cancelled.abort(new Error("cancelled"));
    if (this.calls > 0) await new Promise((resolve) => this.idle.once("idle", resolve));
    await this.close();
  }

  close(): Promise<void> {
    this.closed ??= Promise.resolve(this.config && this.definition.close?.(this.config.value));
    return this.closed;
  }

  /** An error's text for the user, in whose terminal it ends. */
  explain(error: unknown): string {
    return unmoving(this.wordsOf(error).slice(0, LONGEST_WORDS));
  }

  private wordsOf(error: unknown): string {
    if (this.definition.explain) return this.definition.explain(error);
    // Node reports a refused connection to a name with several addresses as an aggregate without a text of its own.
    if (error instanceof AggregateError && !error.message) {
      return error.errors.map((one) => this.wordsOf(one)).join("; ");
    }
    return error instanceof Error ? error.message : String(error);
  }

  private oldOf(request: messages.UpdateRequest, state: Unwrapped) {
    return {
      inputs: this.split(fromStruct(request.getOldInputs()).values)[0],
      state: this.split(state.values)[0],
    };
  }

  /** What the kind is to see, and the machine, which it is not. */
  private split(properties: Properties): [Properties, Value] {
    return this.definition.machines ? splitMachine(properties) : [properties, null];
  }

  private kindOf(request: ResourceRequest): AnyKind {
    const token = request.getType() || typeOfUrn(request.getUrn());
    const kind = this.kinds.get(token);
    if (kind) return kind;
    const has = [...this.kinds.keys()].sort().join(", ") || "none";
    throw new Error(`the provider "${this.definition.name}" has no resource kind "${token}". It has: ${has}`);
  }

  private async run<T>(
    request: ResourceRequest & { getTimeout?(): number },
    work: (call: Call<Config>) => Promise<T>,
  ): Promise<T> {
    const { signal } = this.cancelled;
    if (signal.aborted) throw new Error("cancelled before it began");
    const config = this.configured();
    const seconds = request.getTimeout?.() ?? 0;
    const limited = seconds > 0 ? AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]) : signal;
    this.calls++;
    try {
      const urn = request.getUrn();
      return await work({ config, urn, signal: limited, warn: (text) => this.warn(urn, unmoving(text)) });
    } finally {
      this.calls--;
      if (this.calls === 0) this.idle.emit("idle");
    }
  }

  /** The configuration is made at the first call that needs it: in a preview it may not be known, nor be needed. */
  private configured(): Config {
    if (!this.config) {
      const unknown = Object.keys(this.configInputs).filter((name) => hasUnknown(this.configInputs[name]));
      if (unknown.length > 0) {
        throw new Error(`the provider's configuration is not known yet: ${unknown.join(", ")}`);
      }
      this.config = { value: this.definition.configure(this.configInputs) };
    }
    return this.config.value;
  }
}

const anyType = { $ref: "pulumi.json#/Any" };

function typeOfUrn(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

function withoutEngine(config: Properties): Properties {
  return partition(config, (name) => ENGINE_CONFIG.includes(name))[1];
}

function partition(values: Properties, belongs: (name: string) => boolean): [Properties, Properties] {
  const yes: Record<string, Value> = {};
  const no: Record<string, Value> = {};
  for (const [name, value] of Object.entries(values)) (belongs(name) ? yes : no)[name] = value;
  return [yes, no];
}

/** A secret input is secret in the state too, under the same name; what the kind says is secret always is. */
function secretNames(kind: AnyKind, ...sources: Unwrapped[]): Set<string> {
  const names = sources.flatMap((source) => [...source.secrets]);
  const { secretInputs = [], secretOutputs = [], secretParts = [] } = kind;
  return new Set([...names, ...secretInputs, ...secretOutputs, ...secretParts]);
}

function keptState(kind: AnyKind, state: Properties, machine: Value): Properties {
  const { schemaVersion } = kind;
  const meta = { __meta: JSON.stringify({ schema_version: String(schemaVersion) }) };
  return withMachine(schemaVersion === undefined ? state : { ...state, ...meta }, machine);
}

function computed(kind: AnyKind): readonly string[] {
  return kind.computedOutputs ?? [];
}

function unknowns(names: readonly string[]): Properties {
  return Object.fromEntries(names.map((name) => [name, UNKNOWN]));
}

/** The engine prints the value of a property it is told about, so the property goes into the text instead. */
function checkResponse(
  inputs: Properties,
  secrets: Iterable<string>,
  failures: readonly CheckFailure[],
): messages.CheckResponse {
  const reported = failures.map(({ property, reason }) =>
    new messages.CheckFailure().setReason(property ? `${property}: ${reason}` : reason),
  );
  return new messages.CheckResponse().setInputs(toStruct(inputs, secrets)).setFailuresList(reported);
}

const PROPERTY_KINDS = {
  add: [messages.PropertyDiff.Kind.ADD, messages.PropertyDiff.Kind.ADD_REPLACE],
  update: [messages.PropertyDiff.Kind.UPDATE, messages.PropertyDiff.Kind.UPDATE_REPLACE],
  delete: [messages.PropertyDiff.Kind.DELETE, messages.PropertyDiff.Kind.DELETE_REPLACE],
} as const;

function diffResponse(changes: readonly FieldChange[], kind: AnyKind | undefined): messages.DiffResponse {
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  const response = new messages.DiffResponse()
    .setChanges(changes.length > 0 ? DIFF_SOME : DIFF_NONE)
    .setHasdetaileddiff(true)
    .setDiffsList([...new Set(changes.map((change) => rootOf(change.path)))])
    .setStablesList([...(kind?.stableOutputs ?? [])]);
  const replaces: string[] = [];
  for (const change of changes) {
    const replacing = change.replaces || (kind?.replaceOn?.includes(rootOf(change.path)) ?? false);
    if (replacing) replaces.push(change.path);
    const propertyKind = PROPERTY_KINDS[change.kind][replacing ? 1 : 0];
    const property = new messages.PropertyDiff().setKind(propertyKind).setInputdiff(true);
    response.getDetaileddiffMap().set(change.path, property);
  }
  return response
    .setReplacesList(replaces)
    .setDeletebeforereplace(replaces.length > 0 && (kind?.deleteBeforeReplace ?? false));
}
