import { describe, expect, it } from "vitest";
import { tagsComplete } from "../../../policy/rules/tags-complete";
import { mended, verifyRule } from "../../support/policy";

const tags = { owner: "platform", "data-protection-contact": "dpo@estate.test" };
const good = { type: "aws:s3/bucket:Bucket", props: { bucket: "backups", tags } };

verifyRule(tagsComplete, good, [
  { clause: "no owner", props: { tags: { ...tags, owner: undefined } }, says: ['tags hold no "owner"'] },
  { clause: "an empty owner", props: { tags: { ...tags, owner: "" } }, says: ['tags hold no "owner"'] },
  {
    clause: "no tags",
    props: { tags: undefined },
    says: ['tags hold no "owner"', 'tags hold no "data-protection-contact"'],
  },
  {
    clause: "what the stack asks besides",
    config: { required: ["cost-centre"] },
    says: ['tags hold no "cost-centre"'],
  },
  {
    clause: "nothing where the provider has the tags",
    props: { tags: undefined },
    provider: { defaultTags: JSON.stringify({ tags }) },
    says: [],
  },
]);

for (const type of ["aws:iam/user:User", "aws:iam/role:Role", "aws:kms/key:Key"]) {
  verifyRule(tagsComplete, { ...good, type }, [
    { clause: "no owner", props: { tags: { ...tags, owner: undefined } }, says: ['tags hold no "owner"'] },
  ]);
}

describe("with values for missing tags", () => {
  const config = { defaults: { owner: "platform" } };

  it("adds them and keeps the others", () => {
    const given = { ...good, config, props: { bucket: "backups", tags: { purpose: "backup" } } };
    expect(mended(tagsComplete, given)).toEqual({
      bucket: "backups",
      tags: { purpose: "backup", owner: "platform" },
    });
  });

  it("leaves alone what is complete, and what it has no value for", () => {
    expect(mended(tagsComplete, { ...good, config })).toBeUndefined();
    expect(mended(tagsComplete, { ...good, props: {} })).toBeUndefined();
  });
});
