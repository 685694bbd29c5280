import type {
  PolicyConfigSchema,
  PolicyResource,
  PolicyResourceOptions,
  ResourceValidationPolicy,
  Severity,
  StackValidationPolicy,
} from "@pulumi/policy";
import { type Properties, plain } from "./plain";
import { sealsOf } from "./seals";

type Schema = PolicyConfigSchema["properties"][string];

interface About<Config> {
  /** `<thing>-<requirement>` */
  name: string;
  /** One sentence: what must hold. */
  description: string;
  severity: Severity;
  /** What to change, and where. */
  remediationSteps: string;
  /** Why a rule is only advisory stands beside it. Default: mandatory; remediate where the rule can mend. */
  level?: "advisory";
  /** Settings with the value that is right for production; a policy config file overrides each by itself. */
  config?: { [Key in keyof Config]: Schema & { default?: Config[Key] } };
}

/** One resource as declared: what it asks for, before anything is done. */
export interface Declared {
  type: string;
  name: string;
  urn: string;
  props: Properties;
  /** Configuration of its provider; empty for a provider and a component. */
  provider: Properties;
  opts: Pick<PolicyResourceOptions, "protect" | "parent" | "ignoreChanges" | "additionalSecretOutputs">;
  /** Whether the value at a path (`connection`, `rules[0].from`) came sealed: a secret. */
  sealed(path: string): boolean;
}

export interface ResourceRule<Config> extends About<Config> {
  /** Type tokens it looks at; a pattern where a rule is about a whole family of them, or about all. */
  types: readonly string[] | RegExp;
  /** Every fault, in words that name field, value and fix; never a secret. Values not known yet are UNKNOWN: no fault. */
  faults(resource: Declared, config: Config): Iterable<string>;
  /** The properties as they should be, where that is safe to decide here; undefined: nothing to mend. */
  mend?(resource: Declared, config: Config): Record<string, unknown> | undefined;
}

export function resourceRule<Config extends object>(rule: ResourceRule<Config>): ResourceValidationPolicy {
  const { types, faults, mend } = rule;
  return {
    ...about(rule),
    enforcementLevel: rule.level ?? (mend ? "remediate" : "mandatory"),
    validateResource: (args, report) => {
      if (!covers(types, args.type)) return;
      for (const fault of faults(declared(args), settings(rule, args.getConfig()))) report(fault);
    },
    ...(mend && {
      remediateResource: (args) => {
        if (!covers(types, args.type)) return undefined;
        const changes = mend(declared(args), settings(rule, args.getConfig()));
        // Set on what came in: values that are not known yet, and the seals of secrets, stay as they are.
        return changes && Object.assign(args.props, changes);
      },
    }),
  };
}

function covers(types: readonly string[] | RegExp, type: string): boolean {
  return types instanceof RegExp ? types.test(type) : types.includes(type);
}

/**
 * What each resource was declared with in this run. At its end a rule is shown outputs: of one whose provider cannot be
 * configured yet there are none, and of one that did not change those of the last run.
 */
const declarations = new Map<string, Pick<Declared, "props" | "sealed" | "provider">>();

/** One resource of the whole stack as it is, or in a preview will be. */
export interface Standing extends Declared {
  /** As it was declared; where it was not in this run, the same as `props`. */
  inputs: Properties;
  /** Whether the value at a path of the inputs came sealed. */
  sealedInput(path: string): boolean;
  /** Resources that each property was made from. */
  madeFrom: Record<string, Standing[]>;
}

export interface StackRule<Config> extends About<Config> {
  /** Every fault, with the resource it is about; without one: the stack as a whole. */
  faults(resources: readonly Standing[], config: Config): Iterable<{ fault: string; at?: Standing }>;
}

export function stackRule<Config extends object>(rule: StackRule<Config>): StackValidationPolicy {
  return {
    ...about(rule),
    enforcementLevel: rule.level ?? "mandatory",
    validateStack: (args, report) => {
      const all = standing(args.resources);
      for (const { fault, at } of rule.faults(all, settings(rule, args.getConfig()))) report(fault, at?.urn);
    },
  };
}

function about<Config>({ name, description, severity, remediationSteps, config }: About<Config>) {
  return {
    name,
    description,
    severity,
    remediationSteps,
    ...(config && { configSchema: { properties: config } }),
  };
}

function declared(args: {
  type: string;
  name: string;
  urn: string;
  props: Record<string, unknown>;
  opts: PolicyResourceOptions;
  provider?: { props: Record<string, unknown> };
}): Declared {
  const { type, name, urn, opts, props, provider } = args;
  const sealed = sealsOf(props);
  return { type, name, urn, opts, props: plain(props), provider: plain(provider?.props ?? {}), sealed };
}

/** Keeps what a resource was declared with for the rules at the end of the run. */
export function remember({ urn, props, sealed, provider }: Declared): void {
  declarations.set(urn, { props, sealed, provider });
}

/** For tests, where one process judges many stacks. */
export function forget(): void {
  declarations.clear();
}

function standing(resources: readonly PolicyResource[]): Standing[] {
  const all = new Map(
    resources.map((resource) => {
      const one = declared(resource);
      const { props: inputs, sealed: sealedInput, provider } = declarations.get(one.urn) ?? one;
      return [one.urn, { ...one, inputs, sealedInput, provider, madeFrom: {} } as Standing];
    }),
  );
  for (const { urn, propertyDependencies } of resources) {
    const madeFrom = Object.entries(propertyDependencies).map(([property, sources]) => [
      property,
      sources.flatMap((source) => all.get(source.urn) ?? []),
    ]);
    (all.get(urn) as Standing).madeFrom = Object.fromEntries(madeFrom);
  }
  // The engine names them in any order; messages must not change from run to run.
  return [...all.values()].sort((one, other) => (one.urn < other.urn ? -1 : 1));
}

/** What is configured, over the defaults of the rule. */
function settings<Config>(rule: About<Config>, configured: object): Config {
  const defaults = Object.entries<Schema>(rule.config ?? {}).map(([key, schema]) => [key, schema.default]);
  return { ...Object.fromEntries(defaults), ...configured } as Config;
}
