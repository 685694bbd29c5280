"""Object lock as S3 has it where moto falls short: objects of several parts are locked too, the bucket's rule may change
while it holds objects, and a lock in compliance mode is never shortened, whoever asks."""

from datetime import datetime

from moto.s3.exceptions import AccessDeniedByLock, InvalidBucketState
from moto.s3.models import FakeKey, S3Backend


def install():
    complete, retain = S3Backend.complete_multipart_upload, S3Backend.put_object_retention

    def complete_locked(self, bucket_name, multipart_id, body):
        key = complete(self, bucket_name, multipart_id, body)
        bucket = self.get_bucket(bucket_name)
        if key and bucket.has_default_lock and not key.lock_mode:
            key.lock_mode, key.lock_until = bucket.default_lock_mode, bucket.default_retention()
        return key

    def retain_longer(self, bucket_name, key_name, version_id, retention):
        key = self.get_object(bucket_name, key_name, version_id=version_id)
        if key and key.lock_mode == "COMPLIANCE" and key.is_locked(False):
            mode, until = retention
            if mode != "COMPLIANCE" or not until or moment(until) < moment(key.lock_until):
                raise AccessDeniedByLock
        retain(self, bucket_name, key_name, version_id, retention)

    # A listing of versions takes a copy of each, with all that it holds, and keeps its file open.
    FakeKey.__deepcopy__ = lambda key, memo: key
    S3Backend.complete_multipart_upload = complete_locked
    S3Backend.put_object_retention = retain_longer
    S3Backend.put_object_lock_configuration = put_rule


def put_rule(self, bucket_name, lock_enabled, mode=None, days=None, years=None):
    bucket = self.get_bucket(bucket_name)
    if not bucket.is_versioned:
        raise InvalidBucketState("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
    bucket.object_lock_enabled = bucket.object_lock_enabled or lock_enabled
    bucket.default_lock_mode, bucket.default_lock_days, bucket.default_lock_years = mode, days, years


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
