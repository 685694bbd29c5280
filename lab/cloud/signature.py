"""Signatures of requests to S3 (version 4), over the request as it came: moto's own check takes it apart first, and refuses
what it put together in another order."""

import hashlib
import hmac
import re

from flask import request as current
from moto.iam.access_control import S3IAMRequest


def install():
    S3IAMRequest.check_signature = check


def check(self):
    fields = dict(re.findall(r"(Credential|SignedHeaders|Signature)=([^,\s]+)", current.headers["Authorization"]))
    scope = fields["Credential"].split("/", 1)[1]
    secret = self._access_key.create_credentials().secret_key
    text = "\n".join(
        ["AWS4-HMAC-SHA256", current.headers["X-Amz-Date"], scope, digest(canonical(fields["SignedHeaders"]))]
    )
    expected = hmac.new(signing_key(secret, scope), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, fields["Signature"]) or not is_signed(current.get_data()):
        self._raise_signature_does_not_match()


def canonical(signed):
    path, _, query = current.environ["RAW_URI"].partition("?")
    parts = sorted(part if "=" in part else f"{part}=" for part in query.split("&") if part)
    headers = [f"{name}:{' '.join(current.headers[name].split())}\n" for name in signed.split(";")]
    lines = [current.method, path, "&".join(parts), "".join(headers), signed, current.headers["X-Amz-Content-SHA256"]]
    return "\n".join(lines)


def is_signed(body):
    """Of what is not sent in chunks the hash is part of the signature, and has to be right."""
    claimed = current.headers["X-Amz-Content-SHA256"]
    return claimed.startswith(("STREAMING-", "UNSIGNED-")) or claimed == hashlib.sha256(body).hexdigest()


def signing_key(secret, scope):
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()
