import type { Policies } from "@pulumi/policy";
import { accessLeastPrivilege } from "./access-least-privilege";
import { accessNoPublic } from "./access-no-public";
import { accountConnectionsLimited } from "./account-connections-limited";
import { accountHostExact } from "./account-host-exact";
import { accountLeastPrivilege } from "./account-least-privilege";
import { accountTlsRequired } from "./account-tls-required";
import { agentFileKnown } from "./agent-file-known";
import { backupBucketOwn } from "./backup-bucket-own";
import { bucketAclPrivate } from "./bucket-acl-private";
import { bucketEncrypted } from "./bucket-encrypted";
import { bucketFirstWriteWins } from "./bucket-first-write-wins";
import { bucketGuarded } from "./bucket-guarded";
import { bucketKeyOwn } from "./bucket-key-own";
import { bucketObjectLocked } from "./bucket-object-locked";
import { bucketPolicyClosed } from "./bucket-policy-closed";
import { bucketPublicAccessBlocked } from "./bucket-public-access-blocked";
import { bucketReplicationOwn } from "./bucket-replication-own";
import { bucketRetentionKept } from "./bucket-retention-kept";
import { bucketTlsOnly } from "./bucket-tls-only";
import { bucketVersioned } from "./bucket-versioned";
import { clientAuthorityOwn } from "./client-authority-own";
import { commandScriptKnown } from "./command-script-known";
import { connectionHostPinned } from "./connection-host-pinned";
import { connectionTlsVerified } from "./connection-tls-verified";
import { databaseBackedUp } from "./database-backed-up";
import { databaseProtected } from "./database-protected";
import { extensionAllowlisted } from "./extension-allowlisted";
import { firewallDatabasePortsClosed } from "./firewall-database-ports-closed";
import { firewallOutgoingAnywhere } from "./firewall-outgoing-anywhere";
import { firewallOutgoingNarrow } from "./firewall-outgoing-narrow";
import { firewallSourceNarrow } from "./firewall-source-narrow";
import { functionNotLeakproof } from "./function-not-leakproof";
import { hbaSourceNarrow } from "./hba-source-narrow";
import { iamStatementNarrow } from "./iam-statement-narrow";
import { identityOwn } from "./identity-own";
import { jobLeastPrivilege } from "./job-least-privilege";
import { keyPolicyClosed } from "./key-policy-closed";
import { keyRotated } from "./key-rotated";
import { migrationGrantsNothing } from "./migration-grants-nothing";
import { migrationJudgeable } from "./migration-judgeable";
import { migrationRowSecurityKept } from "./migration-row-security-kept";
import { officialPostgresNarrow } from "./official-postgres-narrow";
import { passwordGenerated } from "./password-generated";
import { passwordPublished } from "./password-published";
import { passwordRotated } from "./password-rotated";
import { passwordStrong } from "./password-strong";
import { passwordUnique } from "./password-unique";
import { previewComplete } from "./preview-complete";
import { publishedSecretGenerated } from "./published-secret-generated";
import { redisUserLeastPrivilege } from "./redis-user-least-privilege";
import { regionEuropean } from "./region-european";
import { resourceKnown } from "./resource-known";
import { roleLeastPrivilege } from "./role-least-privilege";
import { roleMembershipDeclared } from "./role-membership-declared";
import { roleTrustNarrow } from "./role-trust-narrow";
import { rowSecurityClosed } from "./row-security-closed";
import { rowSecurityDeclared } from "./row-security-declared";
import { secretNotExposed } from "./secret-not-exposed";
import { securityDefinerPinned } from "./security-definer-pinned";
import { securityGroupSourceNarrow } from "./security-group-source-narrow";
import { serverSettingsKnown } from "./server-settings-known";
import { serverTlsOnly } from "./server-tls-only";
import { serverVersionSupported } from "./server-version-supported";
import { serviceNaming } from "./service-naming";
import { tagsComplete } from "./tags-complete";
import { viewInvokerRights } from "./view-invoker-rights";
import { writerOnlyWrites } from "./writer-only-writes";

/** Every rule of the pack, by name. */
export const rules: Policies = [
  accessLeastPrivilege,
  accessNoPublic,
  accountConnectionsLimited,
  accountHostExact,
  accountLeastPrivilege,
  accountTlsRequired,
  agentFileKnown,
  backupBucketOwn,
  bucketAclPrivate,
  bucketEncrypted,
  bucketFirstWriteWins,
  bucketGuarded,
  bucketKeyOwn,
  bucketObjectLocked,
  bucketPolicyClosed,
  bucketPublicAccessBlocked,
  bucketReplicationOwn,
  bucketRetentionKept,
  bucketTlsOnly,
  bucketVersioned,
  clientAuthorityOwn,
  commandScriptKnown,
  connectionHostPinned,
  connectionTlsVerified,
  databaseBackedUp,
  databaseProtected,
  extensionAllowlisted,
  firewallDatabasePortsClosed,
  firewallOutgoingAnywhere,
  firewallOutgoingNarrow,
  firewallSourceNarrow,
  functionNotLeakproof,
  hbaSourceNarrow,
  iamStatementNarrow,
  identityOwn,
  jobLeastPrivilege,
  keyPolicyClosed,
  keyRotated,
  migrationGrantsNothing,
  migrationJudgeable,
  migrationRowSecurityKept,
  officialPostgresNarrow,
  passwordGenerated,
  passwordPublished,
  passwordRotated,
  passwordStrong,
  passwordUnique,
  previewComplete,
  publishedSecretGenerated,
  redisUserLeastPrivilege,
  regionEuropean,
  resourceKnown,
  roleLeastPrivilege,
  roleMembershipDeclared,
  roleTrustNarrow,
  rowSecurityClosed,
  rowSecurityDeclared,
  secretNotExposed,
  securityDefinerPinned,
  securityGroupSourceNarrow,
  serverSettingsKnown,
  serverTlsOnly,
  serverVersionSupported,
  serviceNaming,
  tagsComplete,
  viewInvokerRights,
  writerOnlyWrites,
];
