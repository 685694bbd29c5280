import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
  UpdateAccessKeyCommand,
} from "@aws-sdk/client-iam";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  RestoreObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bucketClient, clientSettings, md5, refusal } from "../../support/backup";
import { type CloudEngine, startCloud } from "../../support/engines-cloud";

/** The lab's cloud must refuse what AWS refuses: tests of backups rest on that. */

let cloud: CloudEngine;
let operator: S3Client;
let iam: IAMClient;
const Bucket = "shelf";
const region = "eu-central-1";

beforeAll(async () => {
  cloud = await startCloud();
  operator = client(cloud.operator);
  iam = new IAMClient(clientSettings({ ...cloud, region: "us-east-1" }, cloud.operator));
  await operator.send(
    new CreateBucketCommand({
      Bucket,
      ObjectLockEnabledForBucket: true,
      CreateBucketConfiguration: { LocationConstraint: region },
    }),
  );
  await put(operator, "a/one");
});

afterAll(() => cloud?.stop());
afterEach(() => operator.send(new DeleteBucketPolicyCommand({ Bucket })));

function client(key: { accessKeyId: string; secretAccessKey: string }, endpoint = cloud.endpoint): S3Client {
  return bucketClient({ region, endpoint, caCertificate: cloud.caCertificate }, key);
}

const document = (statements: object[]) => JSON.stringify({ Version: "2012-10-17", Statement: statements });
const guard = (...statements: object[]) =>
  operator.send(new PutBucketPolicyCommand({ Bucket, Policy: document(statements) }));
const deny = (rest: object) => ({
  Effect: "Deny",
  Principal: "*",
  Action: "s3:*",
  Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
  ...rest,
});
const put = (s3: S3Client, Key: string, more: object = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body: "body", ...more }));
const get = (s3: S3Client, Key: string) => s3.send(new GetObjectCommand({ Bucket, Key }));

let users = 0;
/** A user who may do that, with a client of their own. */
async function userWith(...statements: object[]) {
  users += 1;
  const UserName = `user-${users}`;
  const { User } = await iam.send(new CreateUserCommand({ UserName }));
  const PolicyDocument = document(statements);
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "own", PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  const key = {
    accessKeyId: AccessKey?.AccessKeyId ?? "",
    secretAccessKey: AccessKey?.SecretAccessKey ?? "",
  };
  return { UserName, arn: User?.Arn ?? "", key, s3: client(key) };
}
const allow = (Action: string | string[], Resource: string | string[], rest: object = {}) => ({
  Effect: "Allow",
  Action,
  Resource,
  ...rest,
});

describe("who asks", () => {
  test("has a name and proves it", async () => {
    expect((await fetch(`${cloud.plainEndpoint}/${Bucket}/a/one`)).status).toBe(403);
    const stranger = client({ accessKeyId: "AKIASTRANGER", secretAccessKey: "none" });
    expect(await refusal(get(stranger, "a/one"))).toBe("InvalidAccessKeyId");
    const liar = client({ ...cloud.operator, secretAccessKey: "wrong" });
    expect(await refusal(get(liar, "a/one"))).toBe("SignatureDoesNotMatch");
  });

  test("may write keys with any character in them", async () => {
    for (const Key of ["a/b c+d=e&f%g", "a/ü/(1).sql~", "a//b"]) {
      await put(operator, Key);
      await get(operator, Key);
      const { KeyCount } = await operator.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
      expect(KeyCount, Key).toBe(1);
    }
  });

  test("finds no switch that turns the guard off", async () => {
    const off = await fetch(`${cloud.plainEndpoint}/moto-api/reset-auth`, { method: "POST", body: "100" });
    expect(off.status).toBe(403);
  });

  test("whose key was switched off is nobody", async () => {
    const { UserName, key, s3 } = await userWith(allow("s3:*", "*"));
    await get(s3, "a/one");
    const Status = "Inactive";
    await iam.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId: key.accessKeyId, Status }));
    expect(await refusal(get(s3, "a/one"))).toBe("AccessDenied");
  });
});

describe("a user's own policy", () => {
  test("allows what it names, on what it names", async () => {
    const { s3 } = await userWith(allow("s3:PutObject", `arn:aws:s3:::${Bucket}/a/*`));
    await put(s3, "a/two");
    expect(await refusal(put(s3, "b/two"))).toBe("AccessDenied");
    expect(await refusal(get(s3, "a/two"))).toBe("AccessDenied");
    expect(await refusal(s3.send(new ListObjectsV2Command({ Bucket })))).toBe("AccessDenied");
    expect(await refusal(s3.send(new DeleteObjectCommand({ Bucket, Key: "a/two" })))).toBe("AccessDenied");
    const { Errors } = await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "a/two" }] } }),
    );
    expect(Errors?.[0]?.Code).toBe("AccessDenied");
    await get(operator, "a/two");
  });

  test("that lets somebody write does not let them copy what they may not read", async () => {
    const { s3 } = await userWith(allow("s3:PutObject", "*"));
    const copy = new CopyObjectCommand({ Bucket, Key: "a/copy", CopySource: `${Bucket}/a/one` });
    expect(await refusal(s3.send(copy))).toBe("AccessDenied");
  });

  test("with a condition that is not understood stops the request", async () => {
    const { s3 } = await userWith(
      allow("s3:GetObject", "*", { Condition: { IpAddress: { "aws:SourceIp": "::1" } } }),
    );
    expect(await refusal(get(s3, "a/one"))).toMatch(/Error|Unknown/);
  });
});

describe("a bucket's policy", () => {
  test("refuses plain requests, and no others", async () => {
    await guard(deny({ Condition: { Bool: { "aws:SecureTransport": "false" } } }));
    const plain = client(cloud.operator, cloud.plainEndpoint);
    expect(await refusal(get(plain, "a/one"))).toBe("AccessDenied");
    expect(await refusal(plain.send(new ListObjectsV2Command({ Bucket })))).toBe("AccessDenied");
    await get(operator, "a/one");
  });

  test("refuses old TLS only", async () => {
    await guard(deny({ Condition: { NumericLessThan: { "s3:TlsVersion": "1.2" } } }));
    await get(operator, "a/one");
    await guard(deny({ Action: "s3:GetObject", Condition: { NumericLessThan: { "s3:TlsVersion": "1.4" } } }));
    expect(await refusal(get(operator, "a/one"))).toBe("AccessDenied");
  });

  test("refuses another encryption than it asks for; IfExists means what is not there too", async () => {
    const header = "s3:x-amz-server-side-encryption";
    const other = { StringNotEquals: { [header]: "aws:kms" } };
    await guard(deny({ Action: "s3:PutObject", Condition: { ...other, Null: { [header]: "false" } } }));
    await put(operator, "a/default");
    await put(operator, "a/kms", { ServerSideEncryption: "aws:kms" });
    expect(await refusal(put(operator, "a/other", { ServerSideEncryption: "AES256" }))).toBe("AccessDenied");
    for (const Condition of [other, { StringNotEqualsIfExists: other.StringNotEquals }]) {
      await guard(deny({ Action: "s3:PutObject", Condition }));
      expect(await refusal(put(operator, "a/default"))).toBe("AccessDenied");
    }
  });

  test("refuses a header that must not be there", async () => {
    const header = "s3:x-amz-server-side-encryption-customer-algorithm";
    await guard(deny({ Action: "s3:PutObject", Condition: { Null: { [header]: "false" } } }));
    await put(operator, "a/without");
    const customer = { SSECustomerAlgorithm: "AES256", SSECustomerKey: "0".repeat(32) };
    expect(await refusal(put(operator, "a/with", customer))).toBe("AccessDenied");
  });

  test("binds whom it names, to all but what it names", async () => {
    const one = await userWith(allow("s3:*", "*"));
    const other = await userWith(allow("s3:*", "*"));
    await guard(
      deny({ Principal: { AWS: one.arn }, Action: undefined, NotAction: "s3:PutObject" }),
      deny({
        Principal: { AWS: [one.arn] },
        Action: "s3:PutObject",
        Resource: undefined,
        NotResource: `arn:aws:s3:::${Bucket}/a/*`,
      }),
    );
    await put(one.s3, "a/three");
    expect(await refusal(put(one.s3, "b/three"))).toBe("AccessDenied");
    expect(await refusal(get(one.s3, "a/three"))).toBe("AccessDenied");
    await put(other.s3, "b/three");
    await get(other.s3, "a/three");
  });
});

describe("a write on condition", () => {
  const free = { IfNoneMatch: "*" };

  test("goes where nothing is, and nowhere else; a deletion makes room", async () => {
    await put(operator, "c/one", free);
    expect(await refusal(put(operator, "c/one", free))).toBe("PreconditionFailed");
    await operator.send(new DeleteObjectCommand({ Bucket, Key: "c/one" }));
    await put(operator, "c/one", free);
  });

  test("can be asked for, of the beginning of an upload too or not", async () => {
    const begin = () => refusal(operator.send(new CreateMultipartUploadCommand({ Bucket, Key: "c/parts" })));
    const Null = { "s3:if-none-match": "true" };
    await guard(deny({ Action: "s3:PutObject", Condition: { Null } }));
    expect(await refusal(put(operator, "c/two"))).toBe("AccessDenied");
    await put(operator, "c/two", free);
    expect(await begin()).toBe("AccessDenied");
    const Bool = { "s3:ObjectCreationOperation": "true" };
    await guard(deny({ Action: "s3:PutObject", Condition: { Null, Bool } }));
    expect(await refusal(put(operator, "c/three"))).toBe("AccessDenied");
    expect(await begin()).toBeUndefined();
  });
});

describe("the cold tier", () => {
  test("holds back a version until it was fetched, which takes its time and is asked for once", async () => {
    const Key = "cold/one";
    await put(operator, Key, { StorageClass: "DEEP_ARCHIVE" });
    const { VersionId } = await operator.send(new HeadObjectCommand({ Bucket, Key }));
    await put(operator, Key, { Body: "later" });
    const version = { Bucket, Key, VersionId };
    const read = () => refusal(operator.send(new GetObjectCommand(version)));
    const state = async () => (await operator.send(new HeadObjectCommand(version))).Restore;
    const fetch = () => operator.send(new RestoreObjectCommand({ ...version, RestoreRequest: { Days: 1 } }));
    expect(await read()).toBe("InvalidObjectState");
    await fetch();
    expect(await refusal(fetch())).toBe("RestoreAlreadyInProgress");
    expect(await state()).toBe('ongoing-request="true"');
    await expect.poll(state, { timeout: 5000 }).toMatch(/^ongoing-request="false", expiry-date=/);
    expect(await read()).toBeUndefined();
  });
});

describe("a lock", () => {
  test("holds versions, those of several parts too", async () => {
    const rule = { DefaultRetention: { Mode: "COMPLIANCE", Days: 1 } } as const;
    const ObjectLockConfiguration = { ObjectLockEnabled: "Enabled", Rule: rule } as const;
    await operator.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
    await put(operator, "locked/one", { ContentMD5: md5("body") });
    const Key = "locked/parts";
    const { UploadId } = await operator.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = { Bucket, Key, UploadId, PartNumber: 1, Body: "body", ContentMD5: md5("body") };
    const { ETag } = await operator.send(new UploadPartCommand(part));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await operator.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
    for (const locked of ["locked/one", Key]) {
      const { VersionId, ObjectLockMode } = await operator.send(
        new HeadObjectCommand({ Bucket, Key: locked }),
      );
      expect(ObjectLockMode, locked).toBe("COMPLIANCE");
      const version = new DeleteObjectCommand({ Bucket, Key: locked, VersionId });
      expect(await refusal(operator.send(version)), locked).toBe("AccessDenied");
    }
  });
});
