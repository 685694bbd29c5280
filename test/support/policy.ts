import type {
  PolicyResource,
  PolicyResourceOptions,
  ResourceValidationPolicy,
  StackValidationPolicy,
} from "@pulumi/policy";
// What @pulumi/policy wraps properties in before a rule sees them: the first touch of an unknown value throws.
import * as proxy from "@pulumi/policy/proxy";
import { describe, expect, it } from "vitest";

const { unknownCheckingProxy, unknownStringValue } = proxy as unknown as {
  unknownCheckingProxy<Props>(props: Props): Props;
  unknownStringValue: string;
};

/** A value that is not known in a preview, as it reaches the pack. */
export const unknown = unknownStringValue;

type Props = Record<string, unknown>;

/** Properties as a rule gets them. */
export function preview<Values extends Props>(props: Values): Values {
  return unknownCheckingProxy(props);
}

export interface Given {
  type: string;
  name?: string;
  props: Props;
  /** Configuration of the resource's provider. */
  provider?: Props;
  protect?: boolean;
  /** Settings of the rule for the stack. */
  config?: object;
}

export interface Mutation {
  clause: string;
  /** Properties that differ from the good resource; undefined takes one away. */
  props?: Props;
  type?: string;
  provider?: Props;
  config?: object;
  /** All messages. */
  says: string[];
}

/** The messages of a rule about one resource. */
export function faultsOf(rule: ResourceValidationPolicy, given: Given): string[] {
  const messages: string[] = [];
  const { validateResource } = rule;
  if (typeof validateResource !== "function") throw new Error(`${rule.name} has no validation`);
  validateResource(resourceArgs(given), (message) => messages.push(message));
  return messages;
}

/** The properties after the rule mended them; undefined: it left them alone. */
export function mended(rule: ResourceValidationPolicy, given: Given): unknown {
  return rule.remediateResource?.(resourceArgs(given));
}

function resourceArgs({ type, name = "it", props, provider, protect = false, config = {} }: Given) {
  return {
    type,
    name,
    urn: urn(type, name),
    props: unknownCheckingProxy(withoutAbsent(props)),
    opts: options(protect),
    ...(provider && { provider: { type: "", name: "", urn: "", props: provider } }),
    stackTags: new Map<string, string>(),
    isType: () => false,
    asType: () => undefined,
    getConfig: <T extends object>() => config as T,
    notApplicable: (): never => {
      throw new Error("no rule here uses notApplicable");
    },
  };
}

/** One resource of a stack; `madeFrom`: names of the resources that a property was made from. */
export interface Member extends Omit<Given, "config" | "name"> {
  name: string;
  madeFrom?: Record<string, string[]>;
}

/** The messages of a stack rule, each after the name of the resource it is about. */
export function stackFaultsOf(rule: StackValidationPolicy, members: Member[], config: object = {}): string[] {
  const resources = members.map(
    ({ type, name, props, protect = false }): PolicyResource => ({
      type,
      name,
      urn: urn(type, name),
      props: unknownCheckingProxy(withoutAbsent(props)),
      opts: options(protect),
      dependencies: [],
      propertyDependencies: {},
      isType: () => false,
      asType: () => undefined,
    }),
  );
  for (const [index, { madeFrom = {} }] of members.entries()) {
    for (const [property, names] of Object.entries(madeFrom)) {
      const sources = names.map((name) => resources.find((resource) => resource.name === name));
      if (sources.includes(undefined)) throw new Error(`no resource is called ${names.join(" or ")}`);
      (resources[index] as PolicyResource).propertyDependencies[property] = sources as PolicyResource[];
    }
  }
  const messages: string[] = [];
  rule.validateStack(
    {
      resources,
      stackTags: new Map(),
      getConfig: <T extends object>() => config as T,
      notApplicable: (): never => {
        throw new Error("no rule here uses notApplicable");
      },
    },
    (message, at) => messages.push(at ? `${at.split("::").at(-1)}: ${message}` : message),
  );
  return messages;
}

/** The good resource passes, each mutation says exactly what it should, and nothing unknown is called a fault. */
export function verifyRule(rule: ResourceValidationPolicy, good: Given, mutations: Mutation[]): void {
  describe(rule.name, () => {
    it("accepts what is right", () => {
      expect(faultsOf(rule, good)).toEqual([]);
    });

    it.each(mutations)("refuses $clause", ({ props, says, ...other }) => {
      expect(faultsOf(rule, { ...good, ...other, props: { ...good.props, ...props } })).toEqual(says);
    });

    it("says nothing of values that a preview does not know", () => {
      const props = Object.fromEntries(Object.keys(good.props).map((key) => [key, unknown]));
      expect(faultsOf(rule, { ...good, props })).toEqual([]);
    });

    it("looks at no other kind", () => {
      const [first] = mutations;
      const props = { ...good.props, ...first?.props };
      expect(faultsOf(rule, { ...good, type: "other:index:Kind", props })).toEqual([]);
    });
  });
}

function withoutAbsent(props: Props): Props {
  return Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined));
}

function urn(type: string, name: string): string {
  return `urn:pulumi:test::database-estate::${type}::${name}`;
}

function options(protect: boolean): PolicyResourceOptions {
  return {
    protect,
    ignoreChanges: [],
    aliases: [],
    customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
    additionalSecretOutputs: [],
  };
}
