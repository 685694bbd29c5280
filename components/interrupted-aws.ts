import * as pulumi from "@pulumi/pulumi";
import type { AwsPlace } from "../connect/aws";
import { clearLeftover, NAMED_TYPES, type NamedType } from "./plans/aws-leftover";

/**
 * Option `hooks` for what AWS gives one name to: a run that comes after one that was killed clears what that one left, and
 * makes it anew. The kept plugin would fail with "already exists".
 */
export function afterInterruption(name: string, place: AwsPlace): pulumi.ResourceHookBinding {
  const hook = new pulumi.ResourceHook(
    `${name}-interrupted`,
    async ({ type, name: resource, newInputs }: pulumi.ResourceHookArgs) => {
      if (!isNamed(type)) throw new Error(`${resource}: ${type} is nothing that has one name in AWS`);
      const known: unknown = newInputs?.[NAMED_TYPES[type]];
      if (typeof known === "string") await clearLeftover(type, known, resource, place);
    },
  );
  return { beforeCreate: [hook] };
}

function isNamed(type: string): type is NamedType {
  return type in NAMED_TYPES;
}
