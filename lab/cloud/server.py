"""S3, KMS and IAM of the lab: moto over TLS, which lets nobody do what their policies do not allow.

    server.py ADDRESS PORT CERTIFICATE KEY OPERATOR_CREDENTIALS [PLAIN_PORT]

OPERATOR_CREDENTIALS is a file with the access key and the secret of the operator, a line each. PLAIN_PORT also answers
without TLS: there a policy that asks for TLS must refuse. Everything lives in memory.
"""

import os
import ssl
import sys
import threading

# From the first request on every action is looked at; the operator is made in this process.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"
# Buckets are named in the path, never in the host.
os.environ["S3_IGNORE_SUBDOMAIN_BUCKETNAME"] = "true"

from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

import authority
import cold
import locks
import signature

EVERYTHING = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
REFUSED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code="-", size="-"):
        pass

    def make_environ(self):
        environ = super().make_environ()
        if isinstance(self.connection, ssl.SSLSocket):
            environ["estate.tls_version"] = self.connection.version().removeprefix("TLSv")
        return environ


def guarded(application):
    """Nobody without a name, and no switch that turns the guard off."""

    def answer(environ, start_response):
        # Moto judges by what the client says of itself; whether there is TLS only the socket knows.
        environ["wsgi.url_scheme"] = "https" if "estate.tls_version" in environ else "http"
        unnamed = not environ.get("HTTP_AUTHORIZATION", "").startswith("AWS4-HMAC-SHA256 ")
        if unnamed or environ.get("PATH_INFO", "").startswith("/moto-api"):
            start_response("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(REFUSED)))])
            return [REFUSED]
        return application(environ, start_response)

    return answer


def make_operator(credentials):
    with open(credentials) as file:
        key_id, secret = file.read().split()
    iam = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
    iam.create_user("aws", "operator")
    key = iam.create_access_key("operator")
    key.access_key_id, key.secret_access_key = key_id, secret
    iam.put_user_policy("operator", "everything", EVERYTHING)


def main(address, port, certificate, key, credentials, plain_port=None):
    authority.install()
    cold.install()
    locks.install()
    signature.install()
    make_operator(credentials)
    application = guarded(DomainDispatcherApplication(create_backend_app))
    if plain_port:
        plain = make_server(address, int(plain_port), application, threaded=True, request_handler=Handler)
        threading.Thread(target=plain.serve_forever, daemon=True).start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    server = make_server(address, int(port), application, threaded=True, request_handler=Handler, ssl_context=context)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
