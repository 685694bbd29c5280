import { KNOWN_TYPES, type KnownType, refusalOf } from "../known";
import { type Leaf, leavesOf, names } from "../known/paths";
import { isUnknown, show, texts, type Value } from "../plain";
import { remember, resourceRule } from "../rule";
import { isSentence } from "../sentence";

interface Added {
  reason: string;
  properties: string[];
  kept?: string[];
}

interface Config {
  added: Record<string, Added>;
}

export const resourceKnown = resourceRule<Config>({
  name: "resource-known",
  description: "A program declares what this pack can judge: known types, with known properties and values.",
  severity: "critical",
  remediationSteps:
    "Leave it out, or have it reviewed and add it to `added` of this rule, with a sentence that says why: docs/policy.md.",
  config: {
    added: {
      type: "object",
      default: {},
      description:
        "Types, or more properties of known ones: { type: { reason, properties, kept } }; kept: what ignoreChanges may name",
      additionalProperties: {
        type: "object",
        properties: {
          reason: { type: "string" },
          properties: { type: "array", items: { type: "string" } },
          kept: { type: "array", items: { type: "string" } },
        },
        required: ["reason", "properties"],
      },
    },
  },
  types: /^/,
  *faults(resource, { added }) {
    remember(resource);
    const { type, props, opts, sealed } = resource;
    const refusal = refusalOf(type);
    if (refusal) {
      yield `${type} is not declared here: ${refusal}`;
      return;
    }
    const more = added[type];
    if (more && !isSentence(more.reason)) {
      yield `${type} is added for the reason ${show(more.reason)}, which says nothing. Write a sentence`;
      return;
    }
    const known = KNOWN_TYPES[type];
    if (!known && !more) {
      yield `${type} is not known here, so nobody can say what it opens`;
      return;
    }
    const leaves = [...leavesOf(props)];
    for (const leaf of leaves) {
      const fault = faultOf(leaf, known, texts(more?.properties));
      if (fault) yield fault;
    }
    for (const leaf of leaves) {
      const secret = (known?.secret ?? []).some((pattern) => names(pattern, leaf));
      if (secret && isText(leaf.value) && !sealed(leaf.path))
        yield `${leaf.path} is a secret, and not sealed. Make it one`;
    }
    for (const path of opts.ignoreChanges) {
      if (![...(known?.kept ?? []), ...texts(more?.kept)].includes(path))
        yield `ignoreChanges holds ${path}, so what is declared there is never done. Leave it out`;
    }
    for (const path of known?.needed ?? []) {
      if (!leaves.some((leaf) => names(path, leaf) && !isEmpty(leaf.value)))
        yield `${path} is not set, so what was there before stays in force. Set it`;
    }
  },
});

function isEmpty(value: Value): boolean {
  return typeof value === "object";
}

/** In a preview without credentials the program says so where they would be. */
function isText(value: Value): boolean {
  return typeof value === "string" && value !== "" && value !== "preview";
}

function faultOf(leaf: Leaf, known: KnownType | undefined, added: readonly string[]): string | undefined {
  const listed = [
    ...Object.keys(known?.judged ?? {}),
    ...(known?.harmless ?? []),
    ...(known?.secret ?? []),
    ...added,
  ];
  if (listed.some((pattern) => names(pattern, leaf))) return undefined;
  const only = Object.entries(known?.only ?? {}).find(([pattern]) => names(pattern, leaf));
  if (!only) return `${leaf.path} is set, and no rule knows it. Leave it out`;
  if (isUnknown(leaf.value) || isEmpty(leaf.value) || only[1].some((value) => same(value, leaf.value)))
    return undefined;
  return `${leaf.path} is ${show(leaf.value)}. Use ${only[1].map(show).join(" or ") || "none"}, or leave it out`;
}

/** Plugins write numbers and booleans of their configuration as text, too. */
function same(wanted: Value, found: Value): boolean {
  return typeof found !== "object" && String(wanted) === String(found);
}
