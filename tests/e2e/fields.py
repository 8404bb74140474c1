"""The fields of an event, their order and their types, as das-format says and typed consumers rely on."""

import re

_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00")
_SESSION = re.compile(r"[0-9a-f]+\.[0-9a-f]+")
_SQLSTATE_OR_EXIT = re.compile(r"[0-9A-Z]{5}|\d{1,3}")
_CLASSES = {"READ", "WRITE", "FUNCTION", "ROLE", "DDL", "MISC"}


def _text(value):
    return isinstance(value, str)


def _text_or_null(value):
    return value is None or isinstance(value, str)


def _int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _positive(value):
    return _int(value) and value >= 1


def _int_or_null(value):
    return value is None or _int(value) and value >= 0


def _like(pattern):
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _texts(value):
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


# Aurora's, in Aurora's order.
AURORA = {
    "startTime": _like(_TIME),
    "logTime": _like(_TIME),
    "statementId": _positive,
    "substatementId": _positive,
    "objectType": _text_or_null,
    "command": _text,
    "objectName": _text_or_null,
    "databaseName": _text,
    "dbUserName": _text,
    "remoteHost": _text,
    "remotePort": _text,
    "sessionId": _like(_SESSION),
    "rowCount": _int_or_null,
    "commandText": _text_or_null,
    "paramList": _texts,
    "pid": _positive,
    "clientApplication": _text_or_null,
    "exitCode": lambda v: v is None or _like(_SQLSTATE_OR_EXIT)(v),
    "class": lambda v: v in _CLASSES,
    "serverVersion": _text,
    "serverType": lambda v: v == "PostgreSQL",
    "serviceName": _text,
    "serverHost": _text,
    "netProtocol": lambda v: v in ("TCP", "UNIX"),
    "dbProtocol": lambda v: v == "Postgres 3.0",
    "type": lambda v: v == "record",
    "errorMessage": _text_or_null,
}
# Ours, after them.
OURS = {
    "sequence": _positive,
    "effectiveUserName": _text_or_null,
    "transactionId": _text_or_null,
    "queryId": _text_or_null,
}
# Only where the text was cut.
CUT = {"commandTextLength": _positive}
_WHOLE = AURORA | OURS
_NAMES = [list(_WHOLE), list(_WHOLE | CUT)]


def check(event):
    """Fails where the event is not what consumers expect."""
    assert list(event) in _NAMES, list(event)
    for name, value in event.items():
        right = _WHOLE.get(name) or CUT[name]
        assert right(value), f"{name} = {value!r} in {event}"
    assert event["startTime"] <= event["logTime"], event
    assert event["sessionId"].endswith(f".{event['pid']:x}"), event
    if event["errorMessage"] is not None:
        assert event["exitCode"] is not None, event
