import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest, RegisterResourceResponse } from "@pulumi/pulumi/proto/resource_pb";

/** One resource as the program registered it. */
export interface Recorded {
  type: string;
  name: string;
  /** As the engine would see them: a secret is `{ [SEAL]: SECRET, value }`. */
  inputs: Record<string, unknown>;
  custom: boolean;
  /** What it answered; of a component, its inputs. */
  state: Record<string, unknown>;
  /** Of its options, what a policy sees: and the URNs that each property was made from. */
  options: RecordedOptions;
}

export interface RecordedOptions {
  urn: string;
  parent: string;
  protect: boolean;
  /** URN of its provider; empty: the package's default one. */
  provider: string;
  ignoreChanges: string[];
  additionalSecretOutputs: string[];
  madeFrom: Record<string, string[]>;
}

export const SEAL = "4dabf18193072939515e22adb298388d";
export const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** What a custom resource answers, by type; a type that is not listed is an error: nothing is mocked by accident. */
export type Answers = Record<
  string,
  (inputs: Record<string, unknown>, name: string) => Record<string, unknown>
>;

const echo: Answers[string] = (inputs) => inputs;
const withArn: Answers[string] = (inputs, name) => ({ ...inputs, arn: `arn of ${name}` });

/** The resources of this project. Passwords and outputs are recognisable, so a test can look for them. */
export const answers: Answers = {
  "estate:host:BackupAgent": echo,
  "estate:postgres:Jobs": echo,
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
  "estate:tls:ClientCertificate": (inputs, name) => ({
    ...inputs,
    authorities: [`authority of ${name}\n`],
    certificates: Object.fromEntries(
      (inputs.logins as string[]).map((login) => [login, `clear text of a key of ${login}`]),
    ),
  }),
  "estate:host:ServerSettings": echo,
  "estate:host:RedisInstance": echo,
  "estate:host:Machine": (inputs, name) => ({ ...inputs, identity: `identity of ${name}` }),
  "estate:host:Firewall": echo,
  "estate:host:Sshd": echo,
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
  "estate:github:EnvironmentSecret": echo,
  "command:remote:Command": (inputs, name) => ({ ...inputs, stdout: `output of ${name}`, stderr: "" }),
};

/** The password that the mock of a RandomPassword answers. */
export function clearPassword(resource: string): string {
  return `clear text of ${resource}`;
}

export interface RecordOptions {
  preview?: boolean;
  stack?: string;
  /** Instead of those above. */
  answers?: Answers;
}

/**
 * Runs `build` under mocks and returns every resource that it registered, components and providers included.
 * A module that registers resources or reads configuration when it is imported (the program itself) must be imported by
 * `build`, after the mocks are in place.
 */
export async function record(
  build: () => Promise<void> | void,
  { preview = false, stack = "test", answers: own = {} }: RecordOptions = {},
): Promise<Recorded[]> {
  const recorded: Recorded[] = [];
  const faults: Error[] = [];
  pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs, custom }) {
        const one: Recorded = {
          ...{ type, name, inputs, custom: custom ?? false },
          ...{ state: inputs, options: NO_OPTIONS },
        };
        recorded.push(one);
        if (!custom || type.startsWith("pulumi:providers:")) return { id: name, state: inputs };
        const answer = own[type] ?? answers[type];
        if (!answer) {
          const fault = new Error(`${type} "${name}" has no answer in test/support/record.ts`);
          faults.push(fault);
          throw fault;
        }
        one.state = answer(unseal(inputs) as Record<string, unknown>, name);
        return { id: name, state: one.state };
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
  noteOptions(recorded);
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

/** Mocks are told the inputs of a resource alone; the rest is in the request. */
function noteOptions(recorded: readonly Recorded[]): void {
  const monitor = pulumi.runtime.getMonitor() as unknown as {
    registerResource(request: RegisterResourceRequest, done: Done): Promise<void>;
  };
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, done) =>
    register(request, (error, response) => {
      const one = recorded.find(({ type, name }) => type === request.getType() && name === request.getName());
      if (one && response) one.options = optionsOf(request, response.getUrn());
      done(error, response);
    });
}

type Done = (error: Error | null, response?: RegisterResourceResponse) => void;

function optionsOf(request: RegisterResourceRequest, urn: string): RecordedOptions {
  const madeFrom: Record<string, string[]> = {};
  request.getPropertydependenciesMap().forEach((sources, property) => {
    madeFrom[property] = sources.getUrnsList();
  });
  return {
    urn,
    parent: request.getParent(),
    protect: request.getProtect() ?? false,
    // A reference to a provider is its URN and its id.
    provider: request.getProvider().replace(/::[^:]*$/, ""),
    ignoreChanges: request.getIgnorechangesList(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    madeFrom,
  };
}

const NO_OPTIONS: RecordedOptions = {
  urn: "",
  parent: "",
  protect: false,
  provider: "",
  ignoreChanges: [],
  additionalSecretOutputs: [],
  madeFrom: {},
};

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
