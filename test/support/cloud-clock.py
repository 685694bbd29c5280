"""The lab's cloud, whose S3 has a clock that tests set: clock-offset holds the seconds that it is ahead."""

import sys
from datetime import timedelta
from pathlib import Path

import server
from moto.s3 import models

real = models.utcnow
offset = Path(__file__).with_name("clock-offset")


def utcnow():
    return real() + timedelta(seconds=float(offset.read_text()) if offset.exists() else 0)


models.utcnow = utcnow
server.main(*sys.argv[1:])
