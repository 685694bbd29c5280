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
      const { uri, id } = { ...object(grant.grantee), ...grant };
      const to = typeof uri === "string" ? uri.split("/").at(-1) : show(id);
      yield `a grant goes to ${to}. Leave it out: who may do what stands in policies`;
    }
  },
});
