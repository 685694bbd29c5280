import { randomInt } from "node:crypto";
import type { CheckFailure, Kind, Properties } from "../../../provider/wire/kind";
import { changedFields, checkFields, type Fields } from "../fields";

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = LOWER.toUpperCase();
const NUMERIC = "0123456789";
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

export interface PasswordRules {
  length: number;
  lower: boolean;
  upper: boolean;
  numeric: boolean;
  special: boolean;
  minLower: number;
  minUpper: number;
  minNumeric: number;
  minSpecial: number;
  overrideSpecial?: string;
  keepers?: Record<string, string>;
}

interface PasswordState extends PasswordRules {
  result: string;
}

const class_ = { type: "boolean", default: true, replaces: true } as const;
const minimum = {
  type: "number",
  default: 0,
  replaces: true,
  fault: (value: unknown) => ((value as number) < 0 ? "must be 0 or more" : undefined),
} as const;

const FIELDS: Fields = {
  length: {
    type: "number",
    required: true,
    replaces: true,
    fault: (value) => ((value as number) < 1 ? "must be 1 or more" : undefined),
  },
  lower: class_,
  upper: class_,
  numeric: class_,
  special: class_,
  minLower: minimum,
  minUpper: minimum,
  minNumeric: minimum,
  minSpecial: minimum,
  overrideSpecial: { type: "string", replaces: true },
  keepers: { type: "map", replaces: true },
};

/**
 * `random:index/randomPassword:RandomPassword`. Every change of an input replaces it; the id is always "none".
 * The real plugin's output `bcryptHash` is left out: nothing here needs it and bcrypt would cost more than all else.
 * The deprecated input `number` is refused: use `numeric`.
 */
export const randomPassword: Kind<undefined, PasswordRules, PasswordState> = {
  token: "random:index/randomPassword:RandomPassword",
  schemaVersion: 3,
  secretOutputs: ["result"],
  computedOutputs: ["result"],

  /** Defaults stand in the state alone, as with the real plugin. */
  check(news) {
    const { inputs, failures } = checkFields("@pulumi/random", FIELDS, news);
    const declared = Object.entries(inputs).filter(([name]) => (news[name] ?? null) !== null);
    return {
      inputs: Object.fromEntries(declared),
      failures: failures.length > 0 ? failures : checkRules(inputs),
    };
  },

  diff: ({ state }, news) => changedFields(FIELDS, state as unknown as Properties, withDefaults(news)),

  async create(_call, inputs) {
    const rules = rulesOf(inputs);
    return { id: "none", state: { ...rules, result: generate(rules) } };
  },

  /** There is nothing to look at: what was generated stands. On import the id is the password. */
  async read(_call, id, old) {
    if (old) return { id: "none", ...old };
    const rules = rulesOf({ length: id.length } as PasswordRules);
    return { id: "none", inputs: rules, state: { ...rules, result: id } };
  },

  async update(_call, _id, { state }, news) {
    return { ...rulesOf(news), result: state.result };
  },

  async delete() {},
};

function withDefaults(inputs: Properties): Properties {
  return checkFields("@pulumi/random", FIELDS, inputs).inputs;
}

function rulesOf(inputs: PasswordRules): PasswordRules {
  return withDefaults(inputs as unknown as Properties) as unknown as PasswordRules;
}

function checkRules(inputs: Properties): CheckFailure[] {
  if (Object.values(inputs).some((value) => typeof value === "symbol")) return [];
  const rules = inputs as unknown as PasswordRules;
  const least = rules.minLower + rules.minUpper + rules.minNumeric + rules.minSpecial;
  if (rules.length < least) {
    return [
      {
        property: "length",
        reason: `is ${rules.length}, but the least numbers of each class add up to ${least}`,
      },
    ];
  }
  if (!rules.lower && !rules.upper && !rules.numeric && !rules.special) {
    return [
      {
        property: "lower",
        reason: "lower, upper, numeric and special are all false: at least one must be true",
      },
    ];
  }
  return [];
}

/** A password by the rules. Each character is drawn evenly from its class, and the order of all is shuffled evenly. */
export function generate(rules: PasswordRules): string {
  const special = rules.overrideSpecial || SPECIAL;
  const all = [
    rules.upper ? UPPER : "",
    rules.lower ? LOWER : "",
    rules.numeric ? NUMERIC : "",
    rules.special ? special : "",
  ].join("");
  const characters = [
    ...draw(NUMERIC, rules.minNumeric),
    ...draw(LOWER, rules.minLower),
    ...draw(UPPER, rules.minUpper),
    ...draw(special, rules.minSpecial),
  ];
  characters.push(...draw(all, rules.length - characters.length));
  return shuffle(characters).join("");
}

function draw(alphabet: string, count: number): string[] {
  // randomInt rejects what would favour the first characters, so every one is as likely as any other.
  return Array.from({ length: count }, () => alphabet.charAt(randomInt(alphabet.length)));
}

/** Fisher and Yates: every order is as likely as any other. */
function shuffle(items: string[]): string[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    [items[last], items[other]] = [items[other] as string, items[last] as string];
  }
  return items;
}
