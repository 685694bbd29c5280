import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { type Answers, type Recorded, record, SEAL, SECRET } from "./record";
import { projectDirectory } from "./run";

const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nbGFi\n-----END CERTIFICATE-----\n";
const ACCOUNT = "111122223333";

/** What a policy looks at has the form that it has in life. */
const lifelike: Answers = {
  "estate:host:Certificate": (inputs) => ({ ...inputs, authority: CERTIFICATE }),
  "command:remote:Command": (inputs) => ({ ...inputs, stdout: CERTIFICATE, stderr: "" }),
  "aws:iam/accessKey:AccessKey": (inputs, name) => ({
    ...inputs,
    secret: createHash("sha256").update(name).digest("base64").slice(0, 40),
  }),
  "aws:kms/key:Key": (inputs, name) => ({
    ...inputs,
    arn: `arn:aws:kms:eu-central-1:${ACCOUNT}:key/${name}`,
    keyId: name,
  }),
  "aws:iam/user:User": (inputs) => ({ ...inputs, arn: `arn:aws:iam::${ACCOUNT}:user/${inputs.name}` }),
  "aws:iam/role:Role": (inputs) => ({ ...inputs, arn: `arn:aws:iam::${ACCOUNT}:role/${inputs.name}` }),
  "random:index/randomPassword:RandomPassword": (inputs, name) => ({
    ...inputs,
    result: createHash("sha256").update(name).digest("base64url").slice(0, 40),
  }),
};

const RECIPIENT = `age1${"q".repeat(58)}`;

/**
 * Every resource of the declared program with a stack's own configuration, as a preview registers it. Files that only
 * the lab has are replaced. Reset the module registry before: the program registers when it is imported.
 */
export async function recordProgram(stack: string): Promise<Recorded[]> {
  const { config } = parse(readFileSync(join(projectDirectory, `Pulumi.${stack}.yaml`), "utf8")) as {
    config: Record<string, unknown>;
  };
  const home = mkdtempSync(join(tmpdir(), "estate-program-"));
  try {
    const backup = config["database-estate:backup"] as Record<string, unknown>;
    if (backup.caBundle) {
      backup.caBundle = join(home, "ca.pem");
      writeFileSync(join(home, "ca.pem"), CERTIFICATE);
    }
    backup.recipients = [RECIPIENT];
    pulumi.runtime.setAllConfig(
      Object.fromEntries(Object.entries(config).map(([key, value]) => [key, JSON.stringify(value)])),
    );
    let outputs: Record<string, pulumi.Output<unknown>> = {};
    const recorded = await record(
      async () => {
        outputs = (await import("../../index.js")) as unknown as typeof outputs;
      },
      { stack, preview: true, answers: lifelike },
    );
    return [...recorded, await stackOf(stack, outputs)];
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** The program itself with its outputs, each sealed or not. */
async function stackOf(stack: string, outputs: Record<string, pulumi.Output<unknown>>): Promise<Recorded> {
  const values = await Promise.all(
    Object.entries(outputs).map(async ([name, exported]) => {
      const output = pulumi.output(exported) as pulumi.Output<unknown> & {
        promise(): Promise<unknown>;
        isSecret: Promise<boolean>;
      };
      const value = JSON.parse(JSON.stringify((await output.promise()) ?? null)) as unknown;
      return [name, (await output.isSecret) ? { [SEAL]: SECRET, value } : value] as const;
    }),
  );
  const type = "pulumi:pulumi:Stack";
  const name = `database-estate-${stack}`;
  const urn = `urn:pulumi:${stack}::database-estate::${type}::${name}`;
  const options = {
    parent: "",
    protect: false,
    provider: "",
    ignoreChanges: [],
    additionalSecretOutputs: [],
  };
  return {
    ...{ type, name, inputs: {}, custom: false, state: Object.fromEntries(values) },
    options: { ...options, urn, madeFrom: {} },
  };
}
