import { describe, expect, test } from "vitest";
import { lifecycle } from "../../../toolchain/plugins/aws/bucket-lifecycle";
import { objectLock } from "../../../toolchain/plugins/aws/bucket-settings";
import { allTags, awsConfig, checkConfig, inRegion } from "../../../toolchain/plugins/aws/config";
import { keptText, policyField } from "../../../toolchain/plugins/aws/document";
import { kinds } from "../../../toolchain/plugins/aws/kinds";

const withKey = { accessKey: "a", secretKey: "s" };
const nowhere = { HOME: "/nowhere" };

describe("the configuration", () => {
  test("arrives as the real package sends it", () => {
    const sent = {
      region: "eu-central-1",
      ...withKey,
      s3UsePathStyle: "true",
      skipRegionValidation: "true",
      endpoints: '[{"s3":"https://s3.test","sts":"https://sts.test"}]',
      defaultTags: '{"tags":{"owner":"platform"}}',
    };
    expect(checkConfig(sent, nowhere).failures).toEqual([]);
    expect(awsConfig(sent, nowhere)).toMatchObject({
      region: "eu-central-1",
      s3UsePathStyle: true,
      endpoints: [{ s3: "https://s3.test" }],
    });
  });

  test("is refused where the stand-in lacks something, at every depth", () => {
    const sent = {
      region: "r",
      ...withKey,
      insecure: "true",
      endpoints: '[{"ec2":"https://e","s3":"s3.test"}]',
    };
    expect(
      checkConfig(sent, nowhere).failures.map(({ property, reason }) => `${property}: ${reason}`),
    ).toEqual([
      "insecure: unsupported by the stand-in of @pulumi/aws. Leave it out, or run with the real plugin",
      "endpoints[0].ec2: unsupported by the stand-in of @pulumi/aws. Leave it out, or run with the real plugin",
      "endpoints[0].s3: must be a URL",
    ]);
  });

  test("needs credentials and a region, as the real one does", () => {
    expect(checkConfig({}, nowhere).failures.map(({ property }) => property)).toEqual([
      "region",
      "accessKey",
    ]);
    for (const source of ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"]) {
      expect(checkConfig({ region: "r" }, { ...nowhere, [source]: "x" }).failures, source).toEqual([]);
    }
    expect(checkConfig({ region: "r", accessKey: "a" }, nowhere).failures).toHaveLength(1);
    expect(checkConfig(withKey, { ...nowhere, AWS_REGION: "r" }).failures).toEqual([]);
  });
});

describe("what a resource takes from its provider", () => {
  test("is the region, unless it has its own", () => {
    expect(inRegion({ bucket: "b" }, { region: "eu-west-1" })).toEqual({ bucket: "b", region: "eu-west-1" });
    expect(inRegion({ region: "eu-north-1" }, { region: "eu-west-1" })).toEqual({ region: "eu-north-1" });
  });

  test("are tags, under its own", () => {
    const defaultTags = '{"tags":{"owner":"platform","purpose":"none"}}';
    expect(allTags({ tags: { purpose: "backup" } }, { defaultTags })).toEqual({
      owner: "platform",
      purpose: "backup",
    });
    expect(allTags({}, undefined)).toEqual({});
  });
});

describe("a policy document", () => {
  const one = '{"Statement":[{"Action":["a","b"],"Effect":"Deny"}]}';
  const same = '{ "Statement": { "Effect": "Deny", "Action": ["b", "a"] } }';
  const other = '{"Statement":[{"Action":["a","b"],"Effect":"Allow"}]}';

  test("is the same however it is written", () => {
    expect(policyField.same(one, same)).toBe(true);
    expect(policyField.same(one, other)).toBe(false);
    expect(keptText(same, one)).toBe(one);
    expect(keptText(other, one)).toBe(other);
  });

  test("is JSON", () => {
    expect(policyField.fault("{")).toBe("must be a JSON document");
    expect(policyField.fault(one)).toBeUndefined();
  });
});

describe("parts of a property", () => {
  const provider = { region: "eu-central-1" };
  const checked = (rules: object[]) =>
    lifecycle.check({ bucket: "b", rules } as never, undefined, { urn: "", provider });

  test("are checked, each with its path", () => {
    const { failures } = checked([
      { id: "a", status: "On", expiration: { days: "90" } },
      { status: "Enabled", noncurrentVersionExpiration: {} },
    ]);
    expect(failures.map(({ property, reason }) => `${property}: ${reason}`)).toEqual([
      "rules[0].status: must be Enabled or Disabled",
      "rules[0].expiration.days: must be a whole number",
      "rules[1].noncurrentVersionExpiration.noncurrentDays: is missing",
      "rules[1].id: is missing",
    ]);
  });

  test("get their defaults", () => {
    const { inputs } = objectLock.check({ bucket: "b" }, undefined, { urn: "", provider });
    expect(inputs).toEqual({ bucket: "b", region: "eu-central-1", objectLockEnabled: "Enabled" });
  });
});

test("every kind has the real package's token", () => {
  expect(kinds.map(({ token }) => token).sort()).toEqual(
    [...new Set(kinds.map(({ token }) => token))].sort(),
  );
  for (const { token } of kinds) {
    const [, module = "", name = ""] = token.split(":");
    const path = require.resolve(`@pulumi/aws/${module}.js`);
    expect((require(path)[name] as { __pulumiType: string }).__pulumiType, token).toBe(token);
  }
});

test("the one kind whose real schema has a version says so in the state", () => {
  expect(kinds.filter(({ schemaVersion }) => schemaVersion !== undefined).map(({ token }) => token)).toEqual([
    lifecycle.token,
  ]);
  expect(lifecycle.schemaVersion).toBe(1);
});
