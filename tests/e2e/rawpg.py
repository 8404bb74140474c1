"""A client that speaks PostgreSQL's protocol message by message.

libpq decides for its callers: it cannot suspend a portal, leave out a Sync or send what is wrong on purpose. Here
each method sends one message at once, or within `batch` all of them in one write; nothing is read until it is asked for.
Every read has a deadline.
"""

import contextlib
import select
import socket
import struct
from typing import NamedTuple

PROTOCOL = 3 << 16
CANCEL_REQUEST = 80877102
DEADLINE = 30


class Message(NamedTuple):
    """What the server sent: its type and what follows the length."""

    kind: str
    body: bytes

    @property
    def tag(self):
        """Of a CommandComplete."""
        return self.body[:-1].decode()

    @property
    def row(self):
        """The values of a DataRow in text form."""
        values, place = [], 2
        for _ in range(struct.unpack_from("!h", self.body)[0]):
            (length,) = struct.unpack_from("!i", self.body, place)
            place += 4
            values.append(None if length < 0 else self.body[place : place + length].decode())
            place += max(length, 0)
        return values

    @property
    def fields(self):
        """Of an ErrorResponse or a NoticeResponse: S severity, C SQLSTATE, M message, …"""
        return {part[:1].decode(): part[1:].decode() for part in self.body.split(b"\0") if part}


class Refused(Exception):
    """The server did not let us in."""

    def __init__(self, fields):
        super().__init__(fields["M"])
        self.sqlstate, self.message = fields["C"], fields["M"]


def kinds(messages):
    """The types of messages in a row: "12DDs"."""
    return "".join(m.kind for m in messages)


def errors(messages):
    """The SQLSTATEs of the errors among messages."""
    return [m.fields["C"] for m in messages if m.kind == "E"]


def warnings(messages):
    """The SQLSTATEs of the warnings among messages."""
    return [m.fields["C"] for m in messages if m.kind == "N" and m.fields["S"] == "WARNING"]


def _text(value):
    return str(value).encode() + b"\0"


def _values(values):
    out = struct.pack("!h", len(values))
    for value in values:
        encoded = None if value is None else str(value).encode()
        out += struct.pack("!i", -1) if encoded is None else struct.pack("!i", len(encoded)) + encoded
    return out


class RawSession:
    """A connection. As a context manager it is logged in, and says goodbye at its end."""

    def __init__(self, port, host="127.0.0.1", protocol=PROTOCOL, **parameters):
        """`parameters` go into the startup message; None leaves one out."""
        self._where = (host, port)
        self.pid = self.secret = None
        self.parameters = {}
        self._socket = self._open()
        self._buffer = b""
        self._batch = None
        given = {"user": "postgres", "database": "postgres", "application_name": "raw"} | parameters
        body = struct.pack("!i", protocol)
        body += b"".join(_text(name) + _text(value) for name, value in given.items() if value is not None) + b"\0"
        self._socket.sendall(struct.pack("!i", len(body) + 4) + body)

    def _open(self):
        host, port = self._where
        if host.startswith("/"):
            opened = socket.socket(socket.AF_UNIX)
            opened.settimeout(DEADLINE)
            opened.connect(f"{host}/.s.PGSQL.{port}")
        else:
            opened = socket.create_connection((host, port), timeout=DEADLINE)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def __enter__(self):
        return self.ready()

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.terminate()
        self.close_socket()

    def ready(self):
        """Reads until the server is ready for the first query."""
        for message in self.until("ZE"):
            if message.kind == "E":
                self.close_socket()
                raise Refused(message.fields)
            if message.kind == "K":
                self.pid, self.secret = struct.unpack("!ii", message.body)
            elif message.kind == "S":
                name, value = message.body.split(b"\0")[:2]
                self.parameters[name.decode()] = value.decode()
        return self

    def close_socket(self):
        """Vanishes without a word."""
        self._socket.close()

    # Reading

    def _take(self, size):
        while len(self._buffer) < size:
            more = self._socket.recv(1 << 16)
            if not more:
                raise ConnectionError("the server closed the connection")
            self._buffer += more
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def read(self):
        """The next message."""
        kind, length = struct.unpack("!ci", self._take(5))
        return Message(kind.decode(), self._take(length - 4))

    def until(self, wanted):
        """Messages up to one of the types in `wanted`, that one included."""
        got = [self.read()]
        while got[-1].kind not in wanted:
            got.append(self.read())
        return got

    def answer(self):
        """What comes until the server is ready again."""
        return [m for m in self.until("Z") if m.kind not in "NSA"]

    def heard(self):
        """Whether the server sent something that was not read."""
        return bool(self._buffer or select.select([self._socket], [], [], 0)[0])

    def until_closed(self):
        """What comes until the server hangs up."""
        got = []
        try:
            while True:
                got.append(self.read())
        except ConnectionError:
            return got

    # Sending

    def send(self, kind, body=b""):
        message = kind.encode() + struct.pack("!i", len(body) + 4) + body
        if self._batch is None:
            self._socket.sendall(message)
        else:
            self._batch += message
        return self

    @contextlib.contextmanager
    def batch(self):
        """What is sent meanwhile goes out in one write at its end."""
        self._batch = b""
        yield self
        held, self._batch = self._batch, None
        self._socket.sendall(held)

    def query(self, sql):
        return self.send("Q", _text(sql))

    def parse(self, sql, statement="", types=()):
        return self.send("P", _text(statement) + _text(sql) + struct.pack(f"!h{len(types)}I", len(types), *types))

    def bind(self, values=(), portal="", statement=""):
        return self.send("B", _text(portal) + _text(statement) + struct.pack("!h", 0) + _values(values) + b"\0\0")

    def describe(self, name="", kind="P"):
        return self.send("D", kind.encode() + _text(name))

    def execute(self, rows=0, portal=""):
        return self.send("E", _text(portal) + struct.pack("!i", rows))

    def close(self, name="", kind="P"):
        return self.send("C", kind.encode() + _text(name))

    def flush(self):
        return self.send("H")

    def sync(self):
        return self.send("S")

    def copy_data(self, data):
        return self.send("d", data)

    def copy_done(self):
        return self.send("c")

    def copy_fail(self, reason):
        return self.send("f", _text(reason))

    def call_function(self, oid, *arguments):
        return self.send("F", struct.pack("!Ih", oid, 0) + _values(arguments) + struct.pack("!h", 0))

    def terminate(self):
        return self.send("X")

    def cancel(self):
        """Asks by a connection of its own to cancel what runs here; returns when the server has passed that on."""
        with self._open() as other:
            other.sendall(struct.pack("!iiii", 16, CANCEL_REQUEST, self.pid, self.secret))
            assert other.recv(1) == b""

    # Several at once

    def run(self, sql):
        """A simple query and its whole answer."""
        return self.query(sql).answer()

    def statement(self, sql, values=(), rows=0):
        """Parse, Bind and Execute of the unnamed statement."""
        return self.parse(sql).bind(values).execute(rows)
