import { type AwsPlace, awsClientSettings } from "../../connect/aws";

/** What AWS gives one name to, so that a run which was killed before it could note what it made fails at it for ever. */
export const NAMED_TYPES = {
  "aws:iam/user:User": "name",
  "aws:iam/role:Role": "name",
  "aws:kms/alias:Alias": "name",
  "aws:s3/bucket:Bucket": "bucket",
} as const;

export type NamedType = keyof typeof NAMED_TYPES;

/** It is not there: the ordinary case. */
const ABSENT = ["NoSuchEntity", "NoSuchEntityException", "NoSuchBucket", "NotFoundException", "NotFound"];
/** AWS deletes nothing that holds anything; other services that speak as it does are not all so careful with identities. */
const IN_USE = ["DeleteConflict", "DeleteConflictException", "BucketNotEmpty", "InUse"];

class InUse extends Error {
  override name = "InUse";
}

/**
 * Clears away what a killed run made and did not note: an identity without keys and rights, an empty bucket, an alias, which
 * is a name and no more. `resource`: its name in the program. Credentials come from the environment. Errors: what stands there holds
 * something.
 */
export async function clearLeftover(
  type: NamedType,
  name: string,
  resource: string,
  place: AwsPlace,
): Promise<void> {
  try {
    await deleteBare(type, name, place);
  } catch (error) {
    const { name: code = "" } = error as Error;
    if (ABSENT.includes(code)) return;
    if (!IN_USE.includes(code)) throw error;
    throw new Error(
      `${name} is there already and not empty, so it was not left by a run that was killed. If it belongs to this stack: ` +
        `pulumi import ${type} ${resource} ${name}`,
    );
  }
}

async function deleteBare(type: NamedType, name: string, place: AwsPlace): Promise<void> {
  const settings = awsClientSettings(place);
  switch (type) {
    case "aws:iam/user:User": {
      const { DeleteUserCommand, IAMClient, ListAccessKeysCommand, ListUserPoliciesCommand } = await import(
        "@aws-sdk/client-iam"
      );
      const iam = new IAMClient(settings);
      const UserName = name;
      const { AccessKeyMetadata: keys = [] } = await iam.send(new ListAccessKeysCommand({ UserName }));
      const { PolicyNames: policies = [] } = await iam.send(new ListUserPoliciesCommand({ UserName }));
      if (keys.length + policies.length > 0) throw new InUse();
      await iam.send(new DeleteUserCommand({ UserName }));
      return;
    }
    case "aws:iam/role:Role": {
      const { DeleteRoleCommand, IAMClient, ListRolePoliciesCommand } = await import("@aws-sdk/client-iam");
      const iam = new IAMClient(settings);
      const { PolicyNames: policies = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName: name }));
      if (policies.length > 0) throw new InUse();
      await iam.send(new DeleteRoleCommand({ RoleName: name }));
      return;
    }
    case "aws:kms/alias:Alias": {
      const { KMSClient, DeleteAliasCommand } = await import("@aws-sdk/client-kms");
      await new KMSClient(settings).send(new DeleteAliasCommand({ AliasName: name }));
      return;
    }
    case "aws:s3/bucket:Bucket": {
      const { S3Client, DeleteBucketCommand } = await import("@aws-sdk/client-s3");
      await new S3Client(settings).send(new DeleteBucketCommand({ Bucket: name }));
    }
  }
}
