"""iam_server.py PORT: moto's server, made to look at all that a policy says.

moto knows users, access keys, signatures, actions and policies. It takes every call of Kinesis, KMS, SNS and EventBridge for one
on the resource "*", and passes over conditions. Here it learns which resource a call is for, and the encryption context of
KMS; an operator of conditions that is not known here is an error, and not a permission.

A call that is refused is answered in the form of its service; moto's own answer is XML for all of them. Signatures are
checked over the body as it was sent; moto's own way is to write a form anew, as Python would.

Not imitated: key policies and topic policies. moto does not look at them.
"""

import base64
import io
import json
import sys
import threading

from moto.core.responses import BaseResponse
from moto.events.responses import EventsHandler
from moto.iam.access_control import IAMPolicyStatement, IAMRequest
from moto.kinesis.responses import KinesisResponse
from moto.kms.responses import KmsResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.server import main
from moto.sns.responses import SNSResponse
from werkzeug.exceptions import BadRequest, Forbidden

_KEY_ID_BYTES = 36
_call = threading.local()


def _stream(call):
    name = call._get_param("StreamName")
    if iterator := call._get_param("ShardIterator"):
        name = base64.decodebytes(iterator.encode()).decode().split(":")[0]
    return call._get_param("StreamARN") or f"arn:aws:kinesis:{call.region}:{call.current_account}:stream/{name}"


def _key(call):
    # AWS judges by the key, by whatever name it was called, and Decrypt by the key that the ciphertext names.
    if blob := call._get_param("CiphertextBlob"):
        name = blob[:_KEY_ID_BYTES].decode()
    else:
        name = call._get_param("KeyId") or ""
    key = call.kms_backend.keys.get(call.kms_backend.any_id_to_key_id(name))
    return key.arn if key else "*"


def _bus(call):
    entries = call._get_param("Entries") or [{}]
    return f"arn:aws:events:{call.region}:{call.current_account}:event-bus/{entries[0].get('EventBusName', 'default')}"


def _with_context(resource):
    def determine(call):
        _call.context = call._get_param("EncryptionContext", {}) if isinstance(call, KmsResponse) else {}
        return resource(call)

    return determine


def _conditions_hold(statement, _values):
    for operator, wanted in statement._statement.get("Condition", {}).items():
        assert operator == "StringEquals", f"{operator} is not imitated"
        for key, value in wanted.items():
            prefix, _, name = key.partition("kms:EncryptionContext:")
            assert not prefix, f"{key} is not imitated"
            if _call.context.get(name) not in (value if isinstance(value, list) else [value]):
                return False
    return True


def _raise_access_denied(request):
    message = f"User: {request._access_key.arn} is not authorized to perform: {request._action}"
    if request._service == "sns":
        raise Forbidden(f"<ErrorResponse><Error><Code>AuthorizationError</Code><Message>{message}</Message></Error></ErrorResponse>")
    raise BadRequest(json.dumps({"__type": "AccessDeniedException", "message": message}))


def _keeping_the_body(answer):
    def keep(application, environ, start_response):
        _call.body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(_call.body)
        return answer(application, environ, start_response)

    return keep


def _with_the_body(make):
    def init(request, **arguments):
        make(request, **(arguments | {"body": _call.body}))

    return init


for response, resource in (
    (KinesisResponse, _stream),
    (KmsResponse, _key),
    (SNSResponse, lambda call: call._get_param("TopicArn") or "*"),
    (EventsHandler, _bus),
):
    assert issubclass(response, BaseResponse)
    response._determine_resource = _with_context(resource)
IAMPolicyStatement._check_conditions = _conditions_hold
IAMRequest._raise_access_denied = _raise_access_denied
IAMRequest.__init__ = _with_the_body(IAMRequest.__init__)
DomainDispatcherApplication.__call__ = _keeping_the_body(DomainDispatcherApplication.__call__)

if __name__ == "__main__":
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])
