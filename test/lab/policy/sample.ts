import * as pulumi from "@pulumi/pulumi";
import { rules } from "../../../policy/rules";
import { isSealed } from "../../support/record";
import { type Violator, violators } from "../../support/violators";
import { type Declare, expected } from "./violations";

/** The first violator of each rule that the programs beside this one do not break. */
export const sample: readonly Violator[] = rules.flatMap(({ name }) => {
  if (Object.hasOwn(expected, name)) return [];
  return violators.find(({ rule, config }) => rule === name && config === undefined) ?? [];
});

/** They stand side by side in one program, under the rule's name. */
export function declare(create: Declare): void {
  for (const { rule, members } of sample) {
    for (const { type, name, props, provider, protect } of members) {
      const own =
        provider &&
        (create(
          `pulumi:providers:${type.split(":")[0]}`,
          `${rule}-provider`,
          provider,
        ) as pulumi.ProviderResource);
      create(type, `${rule}-${name}`, opened(props) as Record<string, unknown>, {
        ...(own && { provider: own }),
        ...(protect && { protect }),
      });
    }
  }
}

/** Seals as a program makes them. */
function opened(value: unknown): unknown {
  if (isSealed(value)) return pulumi.secret(opened(value.value));
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, opened(item)]));
}
