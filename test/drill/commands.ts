/**
 * What an operator types, word for word as in docs/runbooks. The drill runs each of them in a shell, and fails where one was
 * left out, so a runbook that holds only these holds only what works. Variables: what SETTINGS sets, and
 *   DATABASE one database   DATABASES several   COPY a new one's name   HOST a server's name   TIME what to go back to   REASON words
 */
export const COMMANDS = {
  tunnel: 'eval "$(npx estate tunnel --background)"',
  up: "pulumi up --yes --skip-preview $policies",
  preview: "pulumi preview $policies",
  noChanges: "pulumi preview --expect-no-changes $policies",
  databasesOf:
    'npx estate list --json | jq -r --arg host "$HOST" \'.databases[] | select(.server == $host and .state == "live") | .name\'',
  backupStatus: "npx estate backup status",
  backupList: "npx estate backup list $DATABASE",
  backupVerify: "npx estate backup verify $DATABASE",
  archiveList: "npx estate backup list --archive $DATABASE",
  archiveVerify: "npx estate backup verify --archive $DATABASE",
  archiveRestore: "npx estate restore $DATABASE --archive --into $COPY --yes",
  backupNow: "npx estate backup now",
  restoreAll: "npx estate restore --all",
  restoreAllFormer: "npx estate restore --all --former --no-safety-backup",
  restoreHost: "npx estate restore $DATABASES --former --no-safety-backup",
  restoreLook: "npx estate restore $DATABASE --into $COPY",
  restoreAt: "npx estate restore $DATABASE --at $TIME --into $COPY",
  restoreOne: "npx estate restore $DATABASE",
  dropReplaced: "npx estate restore $DATABASES --drop-replaced",
  rotateNow: 'npx estate rotate --now $DATABASE --reason "$REASON"',
  rotateStatus: "npx estate rotate --status",
  check: "npx estate check",
  privileges: "npx estate check --privileges",
  secrets: "npx estate check --secrets",
  lint: "npx estate lint",
  verifySchemas: "npx estate migrate verify",
} as const;

export type CommandName = keyof typeof COMMANDS;

/** What a shell needs before; the values are the operator's own. */
export const SETTINGS = [
  "export PULUMI_STACK=prod",
  'policies="--policy-pack policy --policy-pack-config policy/config.$PULUMI_STACK.json"',
  "export BACKUP_KEY_FILE=/path/to/the/key",
] as const;
