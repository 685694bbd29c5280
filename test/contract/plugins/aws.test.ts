import { ListKeysCommand } from "@aws-sdk/client-kms";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Kind, Properties } from "../../../provider/wire/kind";
import { bucket } from "../../../toolchain/plugins/aws/bucket";
import { lifecycle } from "../../../toolchain/plugins/aws/bucket-lifecycle";
import { replication } from "../../../toolchain/plugins/aws/bucket-replication";
import {
  bucketPolicy,
  encryption,
  objectLock,
  ownershipControls,
  publicAccessBlock,
  versioning,
} from "../../../toolchain/plugins/aws/bucket-settings";
import { Aws, explain } from "../../../toolchain/plugins/aws/clients";
import { awsConfig } from "../../../toolchain/plugins/aws/config";
import { role, rolePolicy, user, userPolicy } from "../../../toolchain/plugins/aws/iam";
import { accessKey } from "../../../toolchain/plugins/aws/iam-access-key";
import { alias, key } from "../../../toolchain/plugins/aws/kms";
import { type CloudEngine, startCloud } from "../../support/engines-cloud";

let cloud: CloudEngine;
let aws: Aws;
let provider: Properties;

beforeAll(async () => {
  cloud = await startCloud();
  provider = settings({});
  aws = new Aws(awsConfig(provider));
});

afterAll(async () => {
  await aws?.close();
  await cloud?.stop();
});

/** As the real package sends it: JSON texts. */
function settings(more: Properties): Properties {
  const { endpoint } = cloud;
  return {
    region: "eu-central-1",
    accessKey: cloud.operator.accessKeyId,
    secretKey: cloud.operator.secretAccessKey,
    endpoints: JSON.stringify([{ s3: endpoint, kms: endpoint, iam: endpoint }]),
    customCaBundle: cloud.caBundle,
    s3UsePathStyle: "true",
    defaultTags: JSON.stringify({ tags: { owner: "platform", purpose: "none" } }),
    ...more,
  };
}

const call = (config = aws) => ({ config, urn: "urn", signal: new AbortController().signal });

// biome-ignore lint/suspicious/noExplicitAny: kinds of unlike shapes go through one life
type Any = any;
type Made = { id: string; inputs: Any; state: Any };

/** Checks, creates, and shows that nothing differs afterwards: neither in a preview nor in a refresh. */
async function make(kind: Kind<Aws, Any, Any>, news: Properties): Promise<Made> {
  const { inputs, failures } = kind.check(news, undefined, { urn: "urn", provider });
  expect(failures).toEqual([]);
  const { id, state } = await kind.create(call(), inputs);
  expect(kind.diff?.({ id, inputs, state }, inputs)).toEqual([]);
  const read = await kind.read(call(), id, { inputs, state });
  expect(read).toEqual({ id, inputs, state });
  return { id, inputs, state };
}

/** The paths that would change, with a + where the resource is replaced. */
function changes(kind: Kind<Aws, Any, Any>, { id, inputs, state }: Made, more: Properties): string[] {
  const news = kind.check({ ...inputs, ...more }, inputs, { urn: "urn", provider }).inputs;
  return (kind.diff?.({ id, inputs, state }, news) ?? []).map(
    ({ path, replaces }) => `${replaces ? "+" : ""}${path}`,
  );
}

async function update(kind: Kind<Aws, Any, Any>, made: Made, more: Properties): Promise<Made> {
  const inputs = kind.check({ ...made.inputs, ...more }, made.inputs, { urn: "urn", provider }).inputs;
  const state = await kind.update(call(), made.id, made, inputs);
  expect(kind.diff?.({ id: made.id, inputs, state }, inputs)).toEqual([]);
  expect(await kind.read(call(), made.id, { inputs, state })).toEqual({ id: made.id, inputs, state });
  return { id: made.id, inputs, state };
}

async function remove(kind: Kind<Aws, Any, Any>, made: Made): Promise<void> {
  await kind.delete(call(), made.id, made);
  expect(await kind.read(call(), made.id, made)).toBeUndefined();
  await kind.delete(call(), made.id, made);
}

const policy = (Statement: object[]) => JSON.stringify({ Version: "2012-10-17", Statement });
const deny = (name: string) => ({
  Effect: "Deny",
  Principal: "*",
  Action: ["s3:DeleteObject", "s3:PutObjectAcl"],
  Resource: `arn:aws:s3:::${name}/*`,
});

describe("Bucket", () => {
  test("lives in the provider's region, with its tags and the provider's", async () => {
    const made = await make(bucket, { bucket: "tagged", tags: { purpose: "test" } });
    expect(made.id).toBe("tagged");
    expect(made.state).toMatchObject({
      arn: "arn:aws:s3:::tagged",
      region: "eu-central-1",
      bucketRegion: "eu-central-1",
      objectLockEnabled: false,
      tagsAll: { owner: "platform", purpose: "test" },
    });
    expect(changes(bucket, made, { bucket: "other" })).toEqual(["+bucket"]);
    expect(changes(bucket, made, { objectLockEnabled: true })).toEqual(["+objectLockEnabled"]);
    expect(changes(bucket, made, { region: "eu-west-1" })).toEqual(["+region"]);
    expect(changes(bucket, made, { tags: {} })).toEqual(["tags", "tagsAll"]);
    const bare = await update(bucket, made, { tags: {} });
    expect(bare.state.tagsAll).toEqual({ owner: "platform", purpose: "none" });
    await remove(bucket, bare);
  });

  test("is not taken from whoever has it already", async () => {
    const made = await make(bucket, { bucket: "taken" });
    await expect(bucket.create(call(), made.inputs)).rejects.toThrow(/bucket.*(already|not available)/i);
    await remove(bucket, made);
  });

  test("that holds something is deleted by force only", async () => {
    const made = await make(bucket, { bucket: "full" });
    const s3 = await aws.s3("eu-central-1");
    await s3.send(new PutObjectCommand({ Bucket: "full", Key: "a", Body: "b" }));
    await expect(bucket.delete(call(), made.id, made)).rejects.toThrow(/not empty/);
    await remove(bucket, await update(bucket, made, { forceDestroy: true }));
  });

  test("tags changed by hand show as drift", async () => {
    const made = await make(bucket, { bucket: "drifting" });
    const other = { ...made.inputs, tagsAll: { owner: "nobody" } };
    await bucket.update(call(), made.id, made, other);
    const read = (await bucket.read(call(), made.id, made)) as Made;
    expect(changes(bucket, read, { tagsAll: made.inputs.tagsAll })).toEqual(["tagsAll"]);
    await remove(bucket, made);
  });
});

describe("a bucket's settings", () => {
  let owner: Made;
  const name = "guarded";
  beforeAll(async () => {
    owner = await make(bucket, { bucket: name, objectLockEnabled: true });
  });
  afterAll(() => remove(bucket, owner));

  test("versioning", async () => {
    const made = await make(versioning, { bucket: name, versioningConfiguration: { status: "Enabled" } });
    expect(changes(versioning, made, { versioningConfiguration: { status: "Suspended" } })).toEqual([
      "versioningConfiguration.status",
    ]);
    expect(changes(versioning, made, { bucket: "other" })).toEqual(["+bucket"]);
  });

  test("encryption", async () => {
    const rules = (kmsMasterKeyId: string) => [
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId },
        bucketKeyEnabled: true,
      },
    ];
    const made = await make(encryption, { bucket: name, rules: rules("one") });
    expect(changes(encryption, made, { rules: rules("two") })).toEqual([
      "rules[0].applyServerSideEncryptionByDefault.kmsMasterKeyId",
    ]);
    await remove(encryption, await update(encryption, made, { rules: rules("two") }));
  });

  test("public access block: open where it is not said", async () => {
    const made = await make(publicAccessBlock, { bucket: name, blockPublicAcls: true });
    expect(made.state).toMatchObject({ blockPublicAcls: true, restrictPublicBuckets: false });
    const closed = await update(publicAccessBlock, made, { restrictPublicBuckets: true });
    expect(closed.state.restrictPublicBuckets).toBe(true);
    await remove(publicAccessBlock, closed);
  });

  test("ownership", async () => {
    const made = await make(ownershipControls, { bucket: name, rule: { objectOwnership: "ObjectWriter" } });
    const enforced = { rule: { objectOwnership: "BucketOwnerEnforced" } };
    await remove(ownershipControls, await update(ownershipControls, made, enforced));
  });

  test("policy: however it is written, what means the same is no change", async () => {
    const made = await make(bucketPolicy, { bucket: name, policy: policy([deny(name)]) });
    const turned = { ...deny(name), Action: ["s3:PutObjectAcl", "s3:DeleteObject"], Principal: "*" };
    expect(
      changes(bucketPolicy, made, { policy: JSON.stringify({ Statement: turned, Version: "2012-10-17" }) }),
    ).toEqual([]);
    const wider = policy([{ ...deny(name), Action: "s3:*" }]);
    expect(changes(bucketPolicy, made, { policy: wider })).toEqual(["policy"]);
    await bucketPolicy.update(call(), name, made, {
      ...made.inputs,
      policy: policy([{ ...deny(name), Action: "s3:GetObject" }]),
    });
    const read = (await bucketPolicy.read(call(), name, made)) as Made;
    expect(changes(bucketPolicy, read, { policy: made.inputs.policy })).toEqual(["policy"]);
    await remove(bucketPolicy, made);
  });

  test("object lock", async () => {
    const rule = (days: number) => ({ rule: { defaultRetention: { mode: "COMPLIANCE", days } } });
    const made = await make(objectLock, { bucket: name, ...rule(30) });
    expect(made.state).toMatchObject({ objectLockEnabled: "Enabled", ...rule(30) });
    expect(changes(objectLock, made, rule(31))).toEqual(["rule.defaultRetention.days"]);
    const longer = await update(objectLock, made, rule(31));
    await objectLock.delete(call(), longer.id, longer);
    expect((await objectLock.read(call(), name, longer))?.state.rule).toBeUndefined();
  });

  test("lifecycle", async () => {
    const rules = (days: number): Properties[] => [
      {
        id: "daily",
        status: "Enabled",
        filter: { prefix: "daily/" },
        expiration: { days },
        noncurrentVersionExpiration: { noncurrentDays: 14 },
      },
      {
        id: "archive",
        status: "Enabled",
        filter: { prefix: "archive/" },
        transitions: [{ days: 30, storageClass: "DEEP_ARCHIVE" }],
        expiration: { days: 2557 },
      },
      {
        id: "rest",
        status: "Enabled",
        filter: { prefix: "" },
        expiration: { expiredObjectDeleteMarker: true },
        abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
      },
    ];
    const made = await make(lifecycle, { bucket: name, rules: rules(90) });
    expect(changes(lifecycle, made, { rules: rules(91) })).toEqual(["rules[0].expiration.days"]);
    await remove(lifecycle, await update(lifecycle, made, { rules: rules(91) }));
  });

  test("replication to a bucket of another region", async () => {
    const copy = await make(bucket, { bucket: "copy", region: "eu-west-1" });
    const kept = await make(versioning, { bucket: name, versioningConfiguration: { status: "Enabled" } });
    await make(versioning, {
      bucket: "copy",
      region: "eu-west-1",
      versioningConfiguration: { status: "Enabled" },
    });
    const rules = (status: string) => [
      {
        id: "all",
        priority: 0,
        status: "Enabled",
        filter: { prefix: "" },
        deleteMarkerReplication: { status },
        sourceSelectionCriteria: { sseKmsEncryptedObjects: { status: "Enabled" } },
        destination: {
          bucket: copy.state.arn,
          encryptionConfiguration: { replicaKmsKeyId: "arn:aws:kms:k" },
        },
      },
    ];
    const { inputs, failures } = replication.check(
      { bucket: name, role: "arn:aws:iam::123456789012:role/copy", rules: rules("Disabled") },
      undefined,
      { urn: "urn", provider },
    );
    expect(failures).toEqual([]);
    const { id, state } = await replication.create(call(), inputs as Any);
    expect(state).toMatchObject({
      bucket: name,
      rules: [{ id: "all", destination: { bucket: copy.state.arn } }],
    });
    expect(changes(replication, { id, inputs, state: inputs }, { rules: rules("Enabled") })).toEqual([
      "rules[0].deleteMarkerReplication.status",
    ]);
    await remove(replication, { id, inputs, state });
    expect(kept.id).toBe(name);
    await remove(bucket, copy);
  });

  test("are refused where they say what the stand-in lacks, at every depth", () => {
    const rules = [{ id: "a", status: "Enabled", filter: { tag: { key: "k", value: "v" } } }];
    const { failures } = lifecycle.check({ bucket: name, rules }, undefined, { urn: "urn", provider });
    expect(failures).toEqual([
      {
        property: "rules[0].filter.tag",
        reason: "unsupported by the stand-in of @pulumi/aws. Leave it out, or run with the real plugin",
      },
    ]);
  });
});

describe("KMS", () => {
  test("a key is updated in place; a deleted one is scheduled for its end and gone", async () => {
    const made = await make(key, { description: "one", deletionWindowInDays: 30, enableKeyRotation: true });
    expect(made.state).toMatchObject({ enableKeyRotation: true, keyId: made.id });
    expect(made.state.arn).toMatch(/^arn:aws:kms:eu-central-1:\d{12}:key\//);
    const other = { description: "two", enableKeyRotation: false, tags: { purpose: "test" } };
    expect(changes(key, made, other)).toEqual(["description", "enableKeyRotation", "tags", "tagsAll"]);
    const changed = await update(key, made, other);
    expect(changed.state.arn).toBe(made.state.arn);
    expect(changes(key, made, { region: "eu-west-1" })).toEqual(["+region"]);
    await remove(key, changed);
    const keys = await (await aws.kms("eu-central-1")).send(new ListKeysCommand({}));
    expect(keys.Keys?.map(({ KeyId }) => KeyId)).toContain(made.id);
  });

  test("an alias moves to another key", async () => {
    const one = await make(key, { description: "one" });
    const two = await make(key, { description: "two" });
    const made = await make(alias, { name: "alias/backups", targetKeyId: one.id });
    expect(made.state.targetKeyArn).toBe(one.state.arn);
    expect(changes(alias, made, { targetKeyId: one.state.arn })).toEqual([]);
    expect(changes(alias, made, { name: "alias/other" })).toEqual(["+name"]);
    const moved = await update(alias, made, { targetKeyId: two.id });
    expect(moved.state.targetKeyArn).toBe(two.state.arn);
    await remove(alias, moved);
  });
});

describe("IAM", () => {
  test("a user with a policy and a key, whose secret stays in the state", async () => {
    const owner = await make(user, { name: "writer", tags: { purpose: "test" } });
    expect(owner.state.arn).toMatch(/^arn:aws:iam::\d{12}:user\/writer$/);
    expect(changes(user, owner, { name: "other" })).toEqual(["+name"]);
    const allowed = (Action: string) => policy([{ Effect: "Allow", Action, Resource: "*" }]);
    const own = await make(userPolicy, { name: "write", user: "writer", policy: allowed("s3:PutObject") });
    expect(own.id).toBe("writer:write");
    expect(changes(userPolicy, own, { policy: allowed("s3:*") })).toEqual(["policy"]);
    await update(userPolicy, own, { policy: allowed("s3:*") });
    const made = await make(accessKey, { user: "writer" });
    expect(made.state).toMatchObject({ status: "Active", secret: expect.stringMatching(/^.{40}$/) });
    expect(changes(accessKey, made, { user: "other" })).toEqual(["+user"]);
    const off = await update(accessKey, made, { status: "Inactive" });
    expect(off.state.secret).toBe(made.state.secret);
    await remove(accessKey, off);
    await remove(userPolicy, own);
    await remove(user, owner);
  });

  test("by force a user goes with the keys that nobody declared", async () => {
    const owner = await make(user, { name: "leftover", forceDestroy: true });
    await accessKey.create(call(), { user: "leftover", status: "Active" });
    await remove(user, owner);
  });

  test("a role with a policy", async () => {
    const trusted = (Service: string) =>
      policy([{ Effect: "Allow", Principal: { Service }, Action: "sts:AssumeRole" }]);
    const made = await make(role, { name: "copy", assumeRolePolicy: trusted("s3.amazonaws.com") });
    const own = await make(rolePolicy, {
      name: "copy",
      role: "copy",
      policy: policy([{ Effect: "Allow", Action: "s3:GetObjectVersion", Resource: "*" }]),
    });
    expect(own.id).toBe("copy:copy");
    expect(changes(role, made, { assumeRolePolicy: trusted("ec2.amazonaws.com") })).toEqual([
      "assumeRolePolicy",
    ]);
    const other = await update(role, made, { assumeRolePolicy: trusted("ec2.amazonaws.com") });
    await remove(rolePolicy, own);
    await remove(role, other);
  });
});

describe("the connection", () => {
  test("a server that the bundle does not prove is refused", async () => {
    const other = new Aws(awsConfig(settings({ customCaBundle: "/etc/ssl/certs/ca-certificates.crt" })));
    const asked = bucket.read(call(other), "tagged", undefined);
    await expect(asked).rejects.toThrow(/self.signed|certificate/i);
    await other.close();
  });

  test("a wrong key is told without the secret", async () => {
    const other = new Aws(awsConfig(settings({ secretKey: "wrong-secret" })));
    const asked = lifecycle.read(call(other), "tagged", undefined).catch((reason) => reason);
    expect(explain(await asked)).toMatch(/SignatureDoesNotMatch/);
    expect(explain(await asked)).not.toContain("wrong-secret");
    await other.close();
  });
});
