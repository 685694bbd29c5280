import type { LintRule } from "../rule";
import {
  policyAlwaysTrue,
  policyCurrentUser,
  policyFunctionPerRow,
  policyIndexMissing,
  policyLiteralTenant,
  policyOpenWithoutContext,
  policySettingUnsafe,
  policyVolatile,
  policyWithoutColumn,
  policyWithoutContext,
} from "./expressions";
import { definerExecutable, definerPathUnpinned, functionLeakproof } from "./functions";
import { policiesOverlap, policyCheckLooser, policyToPublic, policyWithoutCheck } from "./policies";
import { foreignTableReadable, materializedViewReadable, viewNotInvoker } from "./relations";
import { rolePassesRowSecurity, roleReachesPower } from "./roles";
import {
  contextKeysReadable,
  foreignKeyUnindexed,
  grantAroundRows,
  ownerIsApplication,
  partitionGranted,
  primaryKeyMissing,
  rowSecurityNotForced,
  rowSecurityOff,
  rowSecurityWithoutPolicy,
} from "./tables";

/** Every rule, in the order in which findings are shown. */
export const rules: readonly LintRule[] = [
  rowSecurityOff,
  rowSecurityNotForced,
  rowSecurityWithoutPolicy,
  policyToPublic,
  policyAlwaysTrue,
  policyWithoutContext,
  policyOpenWithoutContext,
  policyWithoutColumn,
  policyWithoutCheck,
  policyCheckLooser,
  policiesOverlap,
  policyFunctionPerRow,
  policyVolatile,
  policyIndexMissing,
  policySettingUnsafe,
  policyCurrentUser,
  policyLiteralTenant,
  viewNotInvoker,
  materializedViewReadable,
  foreignTableReadable,
  definerPathUnpinned,
  definerExecutable,
  functionLeakproof,
  rolePassesRowSecurity,
  roleReachesPower,
  ownerIsApplication,
  contextKeysReadable,
  grantAroundRows,
  partitionGranted,
  foreignKeyUnindexed,
  primaryKeyMissing,
];
