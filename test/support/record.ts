import * as pulumi from "@pulumi/pulumi";

/** One resource as the program registered it. */
export interface Recorded {
  type: string;
  name: string;
  /** As the engine would see them: a secret is `{ [SEAL]: SECRET, value }`. */
  inputs: Record<string, unknown>;
  custom: boolean;
}

const SEAL = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** What a custom resource answers, by type; a type that is not listed is an error: nothing is mocked by accident. */
export type Answers = Record<
  string,
  (inputs: Record<string, unknown>, name: string) => Record<string, unknown>
>;

const echo: Answers[string] = (inputs) => inputs;
const withArn: Answers[string] = (inputs, name) => ({ ...inputs, arn: `arn of ${name}` });

/** The resources of this project. Passwords and outputs are recognisable, so a test can look for them. */
export const answers: Answers = {
  "aws:iam/accessKey:AccessKey": (inputs, name) => ({ ...inputs, secret: clearPassword(name) }),
  "aws:iam/role:Role": withArn,
  "aws:iam/rolePolicy:RolePolicy": echo,
  "aws:iam/user:User": withArn,
  "aws:iam/userPolicy:UserPolicy": echo,
  "aws:kms/alias:Alias": echo,
  "aws:kms/key:Key": (inputs, name) => ({ ...withArn(inputs, name), keyId: name }),
  "aws:s3/bucket:Bucket": (inputs) => ({ ...inputs, arn: `arn:aws:s3:::${inputs.bucket}` }),
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": echo,
  "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": echo,
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": echo,
  "aws:s3/bucketPolicy:BucketPolicy": echo,
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": echo,
  "aws:s3/bucketReplicationConfig:BucketReplicationConfig": echo,
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": echo,
  "aws:s3/bucketVersioning:BucketVersioning": echo,
  "estate:host:Certificate": (inputs, name) => ({ ...inputs, authority: `authority of ${name}` }),
  "estate:host:ServerSettings": echo,
  "estate:host:Machine": (inputs, name) => ({ ...inputs, identity: `identity of ${name}` }),
  "estate:host:Firewall": echo,
  "estate:catalogue:Roster": echo,
  "estate:mariadb:Database": echo,
  "estate:mariadb:Account": echo,
  "estate:postgres:Database": echo,
  "estate:postgres:Role": echo,
  "estate:postgres:Login": (inputs) => ({ ...inputs, role: `${inputs.worksAs}_a` }),
  "estate:rotation:Schedule": (inputs) => ({ ...inputs, rotated: {} }),
  "estate:rotation:Retirement": echo,
  "estate:postgres:Access": echo,
  "estate:postgres:RowSecurity": echo,
  "estate:sql:Migrations": echo,
  "estate:redis:User": echo,
  "random:index/randomPassword:RandomPassword": (inputs, name) => ({
    ...inputs,
    result: clearPassword(name),
  }),
  "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret": echo,
  "command:remote:Command": (inputs, name) => ({ ...inputs, stdout: `output of ${name}`, stderr: "" }),
};

/** The password that the mock of a RandomPassword answers. */
export function clearPassword(resource: string): string {
  return `clear text of ${resource}`;
}

/**
 * Runs `build` under mocks and returns every resource that it registered, components and providers included.
 * A module that registers resources or reads configuration when it is imported (the program itself) must be imported by
 * `build`, after the mocks are in place.
 */
export async function record(
  build: () => Promise<void> | void,
  { preview = false, stack = "test" }: { preview?: boolean; stack?: string } = {},
): Promise<Recorded[]> {
  const recorded: Recorded[] = [];
  const faults: Error[] = [];
  pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs, custom }) {
        recorded.push({ type, name, inputs, custom: custom ?? false });
        if (!custom || type.startsWith("pulumi:providers:")) return { id: name, state: inputs };
        const answer = answers[type];
        if (!answer) {
          const fault = new Error(`${type} "${name}" has no answer in test/support/record.ts`);
          faults.push(fault);
          throw fault;
        }
        return { id: name, state: answer(unseal(inputs) as Record<string, unknown>, name) };
      },
      call({ token }) {
        const fault = new Error(`the program calls ${token}, which has no answer in test/support/record.ts`);
        faults.push(fault);
        throw fault;
      },
    },
    "database-estate",
    stack,
    preview,
  );
  acceptHooks();
  try {
    await build();
  } finally {
    // What is under way comes to its end, also when `build` throws.
    await pulumi.runtime.disconnect();
  }
  if (faults[0]) throw faults[0];
  return recorded;
}

/** The mock monitor of @pulumi/pulumi knows no resource hooks; they run in the engine, which is not here. */
function acceptHooks(): void {
  const registerResourceHook = (_request: unknown, done: (error: null) => void) => done(null);
  Object.assign(pulumi.runtime.getMonitor() as object, { registerResourceHook });
}

export function isSealed(value: unknown): value is { value: unknown } {
  return typeof value === "object" && value !== null && (value as Record<string, unknown>)[SEAL] === SECRET;
}

/** The plain value, seals opened at every depth. */
export function unseal(value: unknown): unknown {
  if (isSealed(value)) return unseal(value.value);
  if (Array.isArray(value)) return value.map(unseal);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unseal(item)]));
}

/** All texts that are in the clear: what a log, a diff or an unencrypted state may show. */
export function openTexts(value: unknown): string[] {
  if (isSealed(value)) return [];
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(openTexts);
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(openTexts);
}
