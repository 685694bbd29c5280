"""The cold tier as S3 has it where moto falls short: a version is fetched by its id, takes its time, and is not asked for twice."""

from datetime import datetime

from flask import request as current
from moto.moto_api import state_manager
from moto.s3.exceptions import InvalidObjectState, S3ClientError
from moto.s3.models import ARCHIVE_STORAGE_CLASSES, S3Backend


class RestoreAlreadyInProgress(S3ClientError):
    code = 409

    def __init__(self):
        super().__init__("RestoreAlreadyInProgress", "Object restore is already in progress")


def install():
    # AWS takes hours.
    state_manager.set_transition("s3::keyrestore", {"progression": "time", "seconds": 1})
    S3Backend.restore_object = restore


def restore(self, bucket_name, key_name, days, _type):
    key = self.get_object(bucket_name, key_name, version_id=current.args.get("versionId"))
    if key.storage_class not in ARCHIVE_STORAGE_CLASSES:
        raise InvalidObjectState(storage_class=key.storage_class)
    asked = key.expiry_date is not None
    if asked and key.status == "IN_PROGRESS":
        raise RestoreAlreadyInProgress
    if not asked:
        key.status, key._time_progressed = "IN_PROGRESS", datetime.now()
    key.restore(int(days))
    return asked
