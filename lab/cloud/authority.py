"""Whether a signed request to S3 is allowed: the caller's policies and the bucket's, with principals and conditions.

Of policies moto looks only at effect, action and resource: a refusal with a condition would refuse
everything. This takes the place of that check. What it does not understand in a policy is an error, never ignored.
"""

import json
import re
from urllib.parse import parse_qs, unquote, urlsplit

import xmltodict
from flask import request as current
from moto.iam.access_control import PermissionResult, S3IAMRequest
from moto.s3.models import FakeBucket, s3_backends

# By method and parameter of the query; the first that is there.
BUCKET_ACTIONS = {
    "GET": {
        "versions": "ListBucketVersions", "uploads": "ListBucketMultipartUploads", "location": "GetBucketLocation",
        "lifecycle": "GetLifecycleConfiguration", "versioning": "GetBucketVersioning", "policy": "GetBucketPolicy",
        "acl": "GetBucketAcl", "tagging": "GetBucketTagging", "encryption": "GetEncryptionConfiguration",
        "object-lock": "GetBucketObjectLockConfiguration", "publicAccessBlock": "GetBucketPublicAccessBlock",
        "ownershipControls": "GetBucketOwnershipControls", "replication": "GetReplicationConfiguration",
        "policyStatus": "GetBucketPolicyStatus", "": "ListBucket",
    },
    "HEAD": {"": "ListBucket"},
    "PUT": {
        "lifecycle": "PutLifecycleConfiguration", "versioning": "PutBucketVersioning", "policy": "PutBucketPolicy",
        "acl": "PutBucketAcl", "tagging": "PutBucketTagging", "encryption": "PutEncryptionConfiguration",
        "object-lock": "PutBucketObjectLockConfiguration", "publicAccessBlock": "PutBucketPublicAccessBlock",
        "ownershipControls": "PutBucketOwnershipControls", "replication": "PutReplicationConfiguration",
        "": "CreateBucket",
    },
    "DELETE": {
        "lifecycle": "PutLifecycleConfiguration", "policy": "DeleteBucketPolicy", "tagging": "PutBucketTagging",
        "encryption": "PutEncryptionConfiguration", "publicAccessBlock": "PutBucketPublicAccessBlock",
        "ownershipControls": "PutBucketOwnershipControls", "replication": "PutReplicationConfiguration",
        "": "DeleteBucket",
    },
}
OBJECT_ACTIONS = {
    "GET": {
        "uploadId": "ListMultipartUploadParts", "acl": "GetObjectAcl", "tagging": "GetObjectTagging",
        "retention": "GetObjectRetention", "legal-hold": "GetObjectLegalHold", "versionId": "GetObjectVersion",
        "": "GetObject",
    },
    "HEAD": {"versionId": "GetObjectVersion", "": "GetObject"},
    "PUT": {
        "acl": "PutObjectAcl", "tagging": "PutObjectTagging", "retention": "PutObjectRetention",
        "legal-hold": "PutObjectLegalHold", "": "PutObject",
    },
    "DELETE": {
        "uploadId": "AbortMultipartUpload", "tagging": "DeleteObjectTagging", "versionId": "DeleteObjectVersion",
        "": "DeleteObject",
    },
    "POST": {"uploads": "PutObject", "uploadId": "PutObject", "restore": "RestoreObject"},
}
# Headers of a request that are a right of their own.
HEADER_ACTIONS = {
    "x-amz-object-lock-mode": "PutObjectRetention",
    "x-amz-object-lock-retain-until-date": "PutObjectRetention",
    "x-amz-object-lock-legal-hold": "PutObjectLegalHold",
    "x-amz-bypass-governance-retention": "BypassGovernanceRetention",
    "x-amz-acl": "PutObjectAcl",
    "x-amz-tagging": "PutObjectTagging",
}
ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "Condition"}


def install():
    S3IAMRequest.check_action_permitted = check
    # Moto's own look at the bucket's policy, which does not know who asks.
    FakeBucket.get_permission = lambda bucket, action, resource: PermissionResult.NEUTRAL


def check(self, _resource):
    caller = self._access_key.arn
    if is_switched_off(self._access_key):
        self._raise_access_denied()
    policies = [document(policy) for policy in self._access_key.collect_policies()]
    for action, resource in asked(self._method, self._path, self._headers, self._body):
        statements = [statement for policy in policies for statement in several(policy["Statement"])]
        own = verdicts(statements, action, resource, None)
        bucket = bucket_of(self.account_id, resource)
        if bucket and bucket.policy:
            own |= verdicts(several(json.loads(bucket.policy)["Statement"]), action, resource, caller)
        if own != {"Allow"}:
            self._raise_access_denied()


def is_switched_off(access_key):
    keys = access_key.backend.list_access_keys(access_key._owner_user_name)
    return any(key.access_key_id == access_key._access_key_id and key.status != "Active" for key in keys)


def document(policy):
    return json.loads(policy if isinstance(policy, str) else policy["policy_document"])


def bucket_of(account, resource):
    name = resource.removeprefix("arn:aws:s3:::").split("/")[0]
    return s3_backends[account]["aws"].buckets.get(name)


def asked(method, path, headers, body):
    """Every action and resource that a request stands for."""
    parts = urlsplit(path)
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    query = parse_qs(parts.query, keep_blank_values=True)
    arn = f"arn:aws:s3:::{bucket}"
    if not bucket:
        return [("s3:ListAllMyBuckets", "*")]
    if not key:
        if method == "POST" and "delete" in query:
            return several_deletes(arn, body)
        return [(named(BUCKET_ACTIONS, method, query), arn)]
    found = [(named(OBJECT_ACTIONS, method, query), f"{arn}/{key}")]
    for header, action in HEADER_ACTIONS.items():
        if header in headers:
            found.append((f"s3:{action}", f"{arn}/{key}"))
    source = unquote(headers.get("x-amz-copy-source", "")).lstrip("/")
    if source:
        found.append(("s3:GetObject", f"arn:aws:s3:::{source.split('?')[0]}"))
    return found


def several_deletes(arn, body):
    objects = several(xmltodict.parse(body)["Delete"]["Object"])
    return [
        ("s3:DeleteObjectVersion" if one.get("VersionId") else "s3:DeleteObject", f"{arn}/{one['Key']}")
        for one in objects
    ]


def named(actions, method, query):
    for parameter, action in actions.get(method, {}).items():
        if parameter == "" or parameter in query:
            return f"s3:{action}"
    raise NotImplementedError(f"{method} {sorted(query)} is no action that is known here")


def verdicts(statements, action, resource, caller):
    """Allow, Deny, both or none. `caller`: of a bucket's policy, where statements name principals."""
    return {
        statement["Effect"]
        for statement in statements
        if applies(statement, action, resource, caller)
    }


def applies(statement, action, resource, caller):
    unknown = set(statement) - ELEMENTS
    if unknown:
        raise NotImplementedError(f"policies with {', '.join(sorted(unknown))} are not understood here")
    if caller and not is_named(statement["Principal"], caller):
        return False
    return (
        chosen(statement, "Action", action, ignore_case=True)
        and chosen(statement, "Resource", resource)
        and all(
            holds(operator, key, several(expected))
            for operator, keys in statement.get("Condition", {}).items()
            for key, expected in keys.items()
        )
    )


def is_named(principal, caller):
    named_ones = ["*"] if principal == "*" else several(principal.get("AWS", []))
    return "*" in named_ones or caller in named_ones


def chosen(statement, element, value, ignore_case=False):
    if f"Not{element}" in statement:
        return not any(matches(pattern, value, ignore_case) for pattern in several(statement[f"Not{element}"]))
    return any(matches(pattern, value, ignore_case) for pattern in several(statement[element]))


def matches(pattern, value, ignore_case=False):
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def holds(operator, key, expected):
    found = value_of(key)
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    if operator == "Null":
        return (found is None) == (str(expected[0]).lower() == "true")
    if found is None:
        # A negated comparison holds for what is not there.
        return if_exists or operator.startswith("StringNot")
    if operator == "Bool":
        return found.lower() == str(expected[0]).lower()
    if operator == "StringEquals":
        return found in expected
    if operator == "StringNotEquals":
        return found not in expected
    if operator == "StringLike":
        return any(matches(pattern, found) for pattern in expected)
    if operator == "NumericLessThan":
        return float(found) < float(expected[0])
    raise NotImplementedError(f"the condition {operator} is not understood here")


def value_of(key):
    environ = current.environ
    if key == "aws:SecureTransport":
        return "true" if environ["wsgi.url_scheme"] == "https" else "false"
    if key == "s3:TlsVersion":
        return environ.get("estate.tls_version")
    if key.startswith("s3:x-amz-") or key in ("s3:if-none-match", "s3:if-match"):
        return current.headers.get(key.removeprefix("s3:"))
    if key == "s3:ObjectCreationOperation":
        return creates_object()
    # Only S3 itself, acting for somebody, has these; here it does not ask KMS.
    if key.startswith("kms:"):
        return None
    raise NotImplementedError(f"the condition key {key} is not understood here")


def creates_object():
    """Whether there is an object after this request: the beginning of an upload and its parts make none. None: it puts nothing."""
    if current.method not in ("PUT", "POST"):
        return None
    part = current.method == "PUT" and "uploadId" in current.args
    return "false" if part or "uploads" in current.args else "true"


def several(value):
    return value if isinstance(value, list) else [value]
