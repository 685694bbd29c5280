import * as proxy from "@pulumi/policy/proxy";
import { SEAL, SECRET } from "./record";

const { unknownStringValue } = proxy as unknown as { unknownStringValue: string };

/** A value that is not known in a preview, as it reaches the pack. */
export const unknown = unknownStringValue;

/** A value that came sealed: a secret. */
export function sealed(value: unknown): unknown {
  return { [SEAL]: SECRET, value };
}
