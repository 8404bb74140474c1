"""One connection of a client to the injector, and the calls on it, one after the other."""

import http.client
import select
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

_EMULATOR_TIMEOUT_SECONDS = 60
_LOOK_SECONDS = 0.05
# They belong to one connection, not to the message.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: list
    body: bytes


class Exchange:
    """One call that is under way."""

    def __init__(self, connection, rule, target, body):
        self._connection = connection
        self._rule = rule
        self.injector = connection.injector
        self.target = target
        self.body = body

    def forward(self, body=None):
        """Has the local AWS do it, with another body if told; its answer."""
        return self._connection.ask_aws(self.body if body is None else body)

    def answer(self, answer):
        self._connection.send_answer(answer)

    def cut(self, answer):
        """Promises the whole answer, sends half of its body, and closes."""
        self._connection.send_answer(answer, body_bytes=len(answer.body) // 2)
        self._connection.hang_up()

    def close(self):
        """Closes the connection without an answer."""
        self._connection.hang_up()

    def wait(self, seconds=None):
        """Waits so long, or for ever; not longer than the rule lasts and the client stays."""
        steps = float("inf") if seconds is None else seconds / _LOOK_SECONDS
        while steps > 0 and not self._connection.client_has_gone():
            if self._rule.ended.wait(_LOOK_SECONDS):
                return
            steps -= 1

    def client_waits(self):
        """Whether the client is still there."""
        return not self._connection.client_has_gone()


class Connection(BaseHTTPRequestHandler):
    """One connection of a client and the one to the local AWS that goes with it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.injector = self.server
        self._aws = http.client.HTTPConnection(*self.injector.aws_address, timeout=_EMULATOR_TIMEOUT_SECONDS)

    def finish(self):
        self._aws.close()
        super().finish()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = self.headers.get("X-Amz-Target")
        with self.injector.call(target) as rule:
            exchange = Exchange(self, rule, target, body)
            if rule is None:
                exchange.answer(exchange.forward())
            else:
                rule.fault.act(exchange)

    def ask_aws(self, body):
        # A connection that it closed meanwhile. A call is never sent twice: the first may have been done.
        if self._aws.sock is not None and select.select([self._aws.sock], [], [], 0)[0]:
            self._aws.close()
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        self._aws.request("POST", self.path, body, headers)
        answer = self._aws.getresponse()
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
        return Answer(answer.status, headers, answer.read())

    def send_answer(self, answer, body_bytes=None):
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[:body_bytes])

    def hang_up(self):
        self.close_connection = True

    def client_has_gone(self):
        # It sends nothing while it waits for an answer, so what can be read is the end.
        return bool(select.select([self.connection], [], [], 0)[0])

    def log_message(self, *_):
        """The counters tell it."""
