import { BUCKET, BUCKET_ACL, OWNERSHIP } from "../kinds";
import { isUnknown, object, objects, show } from "../plain";
import { resourceRule } from "../rule";

export const bucketAclPrivate = resourceRule({
  name: "bucket-acl-private",
  description: "No ACL opens a bucket or hands its objects to others.",
  severity: "critical",
  remediationSteps: 'Leave ACLs out: ownership "BucketOwnerEnforced" turns them off.',
  types: [BUCKET, BUCKET_ACL, OWNERSHIP],
  *faults({ type, props }) {
    if (type === OWNERSHIP) {
      const { objectOwnership } = object(props.rule);
      if (isUnknown(props.rule) || isUnknown(objectOwnership) || objectOwnership === "BucketOwnerEnforced")
        return;
      yield `rule.objectOwnership is ${show(objectOwnership)}: ACLs count. Use "BucketOwnerEnforced"`;
      return;
    }
    const { acl } = props;
    if (acl !== undefined && !isUnknown(acl) && acl !== "private")
      yield `acl is ${show(acl)}. Use "private" or leave it out`;
    const grants = [...objects(props.grants), ...objects(object(props.accessControlPolicy).grants)];
    for (const grant of grants) {
      const uri = grant.uri ?? object(grant.grantee).uri;
      if (typeof uri === "string" && /AllUsers|AuthenticatedUsers/.test(uri)) {
        yield `a grant goes to ${uri.split("/").at(-1)}, which is everybody. Leave it out`;
      }
    }
  },
});
