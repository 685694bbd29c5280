import { bucketAclPrivate } from "../../../policy/rules/bucket-acl-private";
import { verifyRule } from "../../support/policy";

verifyRule(bucketAclPrivate, { type: "aws:s3/bucket:Bucket", props: { bucket: "backups" } }, [
  {
    clause: "public-read",
    props: { acl: "public-read" },
    says: ['acl is "public-read". Use "private" or leave it out'],
  },
  {
    clause: "a grant to everybody",
    props: {
      grants: [
        { type: "Group", uri: "http://acs.amazonaws.com/groups/global/AllUsers", permissions: ["READ"] },
      ],
    },
    says: ["a grant goes to AllUsers. Leave it out: who may do what stands in policies"],
  },
]);

verifyRule(bucketAclPrivate, { type: "aws:s3/bucketAcl:BucketAcl", props: { acl: "private" } }, [
  {
    clause: "another canned ACL",
    props: { acl: "authenticated-read" },
    says: ['acl is "authenticated-read". Use "private" or leave it out'],
  },
  {
    clause: "a grant to everybody who has an account",
    props: {
      accessControlPolicy: {
        grants: [
          {
            grantee: { uri: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers" },
            permission: "READ",
          },
        ],
      },
    },
    says: ["a grant goes to AuthenticatedUsers. Leave it out: who may do what stands in policies"],
  },
]);

verifyRule(
  bucketAclPrivate,
  {
    type: "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    props: { rule: { objectOwnership: "BucketOwnerEnforced" } },
  },
  [
    {
      clause: "ownership that lets ACLs count",
      props: { rule: { objectOwnership: "ObjectWriter" } },
      says: ['rule.objectOwnership is "ObjectWriter": ACLs count. Use "BucketOwnerEnforced"'],
    },
  ],
);
