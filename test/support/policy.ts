import { createRequire } from "node:module";
import type {
  PolicyResource,
  PolicyResourceOptions,
  ResourceValidationPolicy,
  StackValidationPolicy,
} from "@pulumi/policy";
// What @pulumi/policy wraps properties in before a rule sees them: the first touch of an unknown value throws.
import * as proxy from "@pulumi/policy/proxy";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { loadModule } from "libpg-query";
import { beforeAll, describe, expect, it } from "vitest";
import "../../policy/seals";

const { unknownCheckingProxy } = proxy as unknown as { unknownCheckingProxy<Props>(props: Props): Props };
const wire = createRequire(__filename)("@pulumi/policy/deserialize") as {
  deserializeProperties(struct: Struct, proxySecrets: boolean): Props;
};
// Rules parse SQL.
beforeAll(loadModule);

import { sealed, unknown } from "./wire-values";

export { sealed, unknown };

type Props = Record<string, unknown>;

/** Properties as a rule gets them: what the engine sends, with seals, goes the way it goes in a run. */
export function preview(props: Props): Props {
  // As text and back: what is undefined is not sent.
  const struct = Struct.fromJavaScript(JSON.parse(JSON.stringify(props)) as Record<string, JavaScriptValue>);
  return unknownCheckingProxy(wire.deserializeProperties(struct, false));
}

export interface Given {
  type: string;
  name?: string;
  props: Props;
  /** Configuration of the resource's provider. */
  provider?: Props;
  protect?: boolean;
  ignoreChanges?: string[];
  additionalSecretOutputs?: string[];
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

export function resourceArgs({ type, name = "it", props, provider, config = {}, ...options }: Given) {
  return {
    type,
    name,
    urn: urn(type, name),
    props: preview(props),
    opts: optionsOf(options),
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

/** One resource of a stack; `madeFrom`: what a property was made from, by name, or by `type name`. */
export interface Member extends Omit<Given, "config" | "name"> {
  name: string;
  madeFrom?: Record<string, string[]>;
  /** What it answered, where that differs from what it was declared with. */
  outputs?: Props;
}

/** The messages of a stack rule, each after the name of the resource it is about. */
export function stackFaultsOf(rule: StackValidationPolicy, members: Member[], config: object = {}): string[] {
  const messages: string[] = [];
  rule.validateStack(stackArgs(members, config), (message, at) =>
    messages.push(at ? `${at.split("::").at(-1)}: ${message}` : message),
  );
  return messages;
}

export function stackArgs(members: readonly Member[], config: object) {
  const resources = members.map(
    ({ type, name, props, outputs = props, ...options }): PolicyResource => ({
      type,
      name,
      urn: urn(type, name),
      props: preview(outputs),
      opts: optionsOf(options),
      dependencies: [],
      propertyDependencies: {},
      isType: () => false,
      asType: () => undefined,
    }),
  );
  for (const [index, { madeFrom = {} }] of members.entries()) {
    for (const [property, names] of Object.entries(madeFrom)) {
      const sources = names.map((name) =>
        resources.find((one) => one.name === name || `${one.type} ${one.name}` === name),
      );
      if (sources.includes(undefined)) throw new Error(`no resource is called ${names.join(" or ")}`);
      (resources[index] as PolicyResource).propertyDependencies[property] = sources as PolicyResource[];
    }
  }
  return {
    resources,
    stackTags: new Map<string, string>(),
    getConfig: <T extends object>() => config as T,
    notApplicable: (): never => {
      throw new Error("no rule here uses notApplicable");
    },
  };
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

export function urn(type: string, name: string): string {
  return `urn:pulumi:test::database-estate::${type}::${name}`;
}

function optionsOf(given: Partial<Given>): PolicyResourceOptions {
  const { protect = false, ignoreChanges = [], additionalSecretOutputs = [] } = given;
  return {
    protect,
    ignoreChanges,
    aliases: [],
    customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
    additionalSecretOutputs,
  };
}
