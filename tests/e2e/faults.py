"""What can go wrong with a whole call. Each has a name, under which the injector counts it."""

import json
import secrets

from injector_calls import Answer

_JSON = "application/x-amz-json-1.1"


def error_answer(status, code, message):
    """A service's error in the AWS JSON protocol."""
    body = json.dumps({"__type": code, "message": message}).encode()
    return Answer(status, [("Content-Type", _JSON), ("x-amzn-RequestId", f"injected-{secrets.token_hex(8)}")], body)


class Fail:
    """An error instead of the call, or after it was done: then it is stored and said to have failed."""

    def __init__(self, status=500, code="InternalFailure", message="injected", stored=False):
        self.name = f"{code} after" if stored else code
        self._what = (status, code, message)
        self._stored = stored

    def act(self, exchange):
        if self._stored:
            exchange.forward()
        exchange.answer(error_answer(*self._what))


class Page:
    """The page of something between client and AWS that is not AWS."""

    def __init__(self, status=503, body=b"<html>\n<h1>not AWS</h1>\n</html>"):
        self.name = f"page {status}"
        self._answer = (status, [("Content-Type", "text/html")], body)

    def act(self, exchange):
        exchange.answer(Answer(*self._answer))


class Lose:
    """The call is done, and the connection closes without an answer."""

    name = "lost answer"

    def act(self, exchange):
        exchange.forward()
        exchange.close()


class Cut:
    """The call is done, and the answer ends in the middle of its body."""

    name = "cut answer"

    def act(self, exchange):
        exchange.cut(exchange.forward())


class Hang:
    """The call is never answered, whether it is done or not. It closes when its rule ends."""

    def __init__(self, stored=False):
        self.name = "hang after" if stored else "hang"
        self._stored = stored

    def act(self, exchange):
        if self._stored:
            exchange.forward()
        exchange.wait()
        exchange.close()


class Hold:
    """The call is done when its rule ends, and not before."""

    name = "hold"

    def act(self, exchange):
        exchange.wait()
        if exchange.client_waits():
            exchange.answer(exchange.forward())
        else:
            exchange.close()


class Delay:
    """The call is done at once and answered later."""

    name = "delay"

    def __init__(self, seconds):
        self._seconds = seconds

    def act(self, exchange):
        answer = exchange.forward()
        exchange.wait(self._seconds)
        exchange.answer(answer)


class Rewrite:
    """`change` makes another answer of the answer, both as JSON objects."""

    name = "rewrite"

    def __init__(self, change):
        self._change = change

    def act(self, exchange):
        answer = exchange.forward()
        if answer.status == 200:
            answer.body = json.dumps(self._change(json.loads(answer.body))).encode()
        exchange.answer(answer)


def stream_status(status):
    """DescribeStreamSummary tells this status of every stream that is there."""

    def change(answer):
        answer["StreamDescriptionSummary"]["StreamStatus"] = status
        return answer

    return Rewrite(change)
