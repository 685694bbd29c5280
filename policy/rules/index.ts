import type { Policies } from "@pulumi/policy";
import { accessLeastPrivilege } from "./access-least-privilege";
import { accessNoPublic } from "./access-no-public";
import { accountConnectionsLimited } from "./account-connections-limited";
import { accountHostExact } from "./account-host-exact";
import { accountLeastPrivilege } from "./account-least-privilege";
import { accountTlsRequired } from "./account-tls-required";
import { bucketAclPrivate } from "./bucket-acl-private";
import { bucketEncrypted } from "./bucket-encrypted";
import { bucketGuarded } from "./bucket-guarded";
import { bucketObjectLocked } from "./bucket-object-locked";
import { bucketPolicyClosed } from "./bucket-policy-closed";
import { bucketPublicAccessBlocked } from "./bucket-public-access-blocked";
import { bucketRetentionKept } from "./bucket-retention-kept";
import { bucketTlsOnly } from "./bucket-tls-only";
import { bucketVersioned } from "./bucket-versioned";
import { connectionTlsVerified } from "./connection-tls-verified";
import { databaseBackedUp } from "./database-backed-up";
import { databaseProtected } from "./database-protected";
import { extensionAllowlisted } from "./extension-allowlisted";
import { firewallDatabasePortsClosed } from "./firewall-database-ports-closed";
import { firewallSourceNarrow } from "./firewall-source-narrow";
import { functionNotLeakproof } from "./function-not-leakproof";
import { hbaSourceNarrow } from "./hba-source-narrow";
import { keyRotated } from "./key-rotated";
import { passwordGenerated } from "./password-generated";
import { passwordPublished } from "./password-published";
import { passwordRotated } from "./password-rotated";
import { passwordStrong } from "./password-strong";
import { passwordUnique } from "./password-unique";
import { redisUserLeastPrivilege } from "./redis-user-least-privilege";
import { regionEuropean } from "./region-european";
import { roleLeastPrivilege } from "./role-least-privilege";
import { rowSecurityClosed } from "./row-security-closed";
import { rowSecurityDeclared } from "./row-security-declared";
import { secretNotExposed } from "./secret-not-exposed";
import { securityDefinerPinned } from "./security-definer-pinned";
import { securityGroupSourceNarrow } from "./security-group-source-narrow";
import { serverTlsOnly } from "./server-tls-only";
import { serverVersionSupported } from "./server-version-supported";
import { serviceNaming } from "./service-naming";
import { tagsComplete } from "./tags-complete";
import { viewInvokerRights } from "./view-invoker-rights";

/** Every rule of the pack, by name. */
export const rules: Policies = [
  accessLeastPrivilege,
  accessNoPublic,
  accountConnectionsLimited,
  accountHostExact,
  accountLeastPrivilege,
  accountTlsRequired,
  bucketAclPrivate,
  bucketEncrypted,
  bucketGuarded,
  bucketObjectLocked,
  bucketPolicyClosed,
  bucketPublicAccessBlocked,
  bucketRetentionKept,
  bucketTlsOnly,
  bucketVersioned,
  connectionTlsVerified,
  databaseBackedUp,
  databaseProtected,
  extensionAllowlisted,
  firewallDatabasePortsClosed,
  firewallSourceNarrow,
  functionNotLeakproof,
  hbaSourceNarrow,
  keyRotated,
  passwordGenerated,
  passwordPublished,
  passwordRotated,
  passwordStrong,
  passwordUnique,
  redisUserLeastPrivilege,
  regionEuropean,
  roleLeastPrivilege,
  rowSecurityClosed,
  rowSecurityDeclared,
  secretNotExposed,
  securityDefinerPinned,
  securityGroupSourceNarrow,
  serverTlsOnly,
  serverVersionSupported,
  serviceNaming,
  tagsComplete,
  viewInvokerRights,
];
