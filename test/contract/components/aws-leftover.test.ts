import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  GetRoleCommand,
  GetUserCommand,
  IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { CreateAliasCommand, CreateKeyCommand, KMSClient, ListAliasesCommand } from "@aws-sdk/client-kms";
import { CreateBucketCommand, HeadBucketCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { clearLeftover } from "../../../components/plans/aws-leftover";
import type { AwsPlace } from "../../../connect/aws";
import { bucketClient, clientSettings, md5, refusal } from "../../support/backup";
import { type CloudEngine, startCloud } from "../../support/engines-cloud";

const minutes = 60_000;
const region = "eu-central-1";
const document = (statement: object) => JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
const trust = document({
  Effect: "Allow",
  Principal: { Service: "s3.amazonaws.com" },
  Action: "sts:AssumeRole",
});
const right = document({ Effect: "Allow", Action: "s3:GetObject", Resource: "*" });

let cloud: CloudEngine;
let place: AwsPlace;
let iam: IAMClient;
let kms: KMSClient;
let s3: S3Client;

beforeAll(async () => {
  cloud = await startCloud();
  const settings = clientSettings({ ...cloud, region }, cloud.operator);
  iam = new IAMClient(settings);
  kms = new KMSClient(settings);
  s3 = bucketClient({ ...cloud, region }, cloud.operator);
  place = { region, endpoint: cloud.endpoint, caCertificate: cloud.caCertificate };
  vi.stubEnv("AWS_ACCESS_KEY_ID", cloud.operator.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", cloud.operator.secretAccessKey);
}, 5 * minutes);
afterAll(async () => {
  vi.unstubAllEnvs();
  await cloud?.stop();
}, minutes);

const put = (Bucket: string) =>
  s3.send(new PutObjectCommand({ Bucket, Key: "a", Body: "a", ContentMD5: md5("a") }));

describe("what a killed run left in AWS", () => {
  it("goes: a user without keys, a role without rights, an empty bucket, an alias", async () => {
    await iam.send(new CreateUserCommand({ UserName: "bare" }));
    await clearLeftover("aws:iam/user:User", "bare", "writer", place);
    expect(await refusal(iam.send(new GetUserCommand({ UserName: "bare" })))).toMatch(/^NoSuchEntity/);

    await iam.send(new CreateRoleCommand({ RoleName: "bare", AssumeRolePolicyDocument: trust }));
    await clearLeftover("aws:iam/role:Role", "bare", "copier", place);
    expect(await refusal(iam.send(new GetRoleCommand({ RoleName: "bare" })))).toMatch(/^NoSuchEntity/);

    await s3.send(new CreateBucketCommand({ Bucket: "empty-one" }));
    await clearLeftover("aws:s3/bucket:Bucket", "empty-one", "backup", place);
    expect(await refusal(s3.send(new HeadBucketCommand({ Bucket: "empty-one" })))).toBe("NotFound");

    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    await kms.send(new CreateAliasCommand({ AliasName: "alias/left", TargetKeyId: KeyMetadata?.KeyId }));
    await clearLeftover("aws:kms/alias:Alias", "alias/left", "alias", place);
    const { Aliases = [] } = await kms.send(new ListAliasesCommand({}));
    expect(Aliases.map(({ AliasName }) => AliasName)).not.toContain("alias/left");
  });

  it.each([
    ["aws:iam/user:User", "nobody"],
    ["aws:iam/role:Role", "nobody"],
    ["aws:s3/bucket:Bucket", "no-bucket"],
    ["aws:kms/alias:Alias", "alias/none"],
  ] as const)("may be nothing: %s", async (type, name) => {
    await expect(clearLeftover(type, name, "resource", place)).resolves.toBeUndefined();
  });

  it("is somebody's where it holds something: it stays, and the error names the import", async () => {
    await iam.send(new CreateUserCommand({ UserName: "used" }));
    await iam.send(new CreateAccessKeyCommand({ UserName: "used" }));
    await expect(clearLeftover("aws:iam/user:User", "used", "writer", place)).rejects.toThrow(
      "pulumi import aws:iam/user:User writer used",
    );
    await iam.send(new GetUserCommand({ UserName: "used" }));

    await iam.send(new CreateRoleCommand({ RoleName: "used", AssumeRolePolicyDocument: trust }));
    await iam.send(new PutRolePolicyCommand({ RoleName: "used", PolicyName: "p", PolicyDocument: right }));
    await expect(clearLeftover("aws:iam/role:Role", "used", "copier", place)).rejects.toThrow(
      "pulumi import",
    );
    await iam.send(new GetRoleCommand({ RoleName: "used" }));

    await s3.send(new CreateBucketCommand({ Bucket: "full-one" }));
    await put("full-one");
    await expect(clearLeftover("aws:s3/bucket:Bucket", "full-one", "backup", place)).rejects.toThrow(
      "pulumi import aws:s3/bucket:Bucket backup full-one",
    );
    await s3.send(new HeadBucketCommand({ Bucket: "full-one" }));
  });
});
