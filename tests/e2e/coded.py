"""Text that goes over the wire in another encoding than UTF-8, through the raw client as any text does."""

from rawpg import RawSession
from told import ended


class Coded(str):
    """A text with the codec that it is sent by."""

    def __new__(cls, text, codec):
        made = super().__new__(cls, text)
        made.codec = codec
        return made

    @classmethod
    def of_bytes(cls, data):
        """These bytes, whatever they mean."""
        return cls(data.decode("latin-1"), "latin-1")

    def __str__(self):
        return self

    def encode(self, *_):
        return super().encode(self.codec)


def record_coded(cluster, codec, statements, parameters=(), protocol="simple", **startup):
    """The events of statements that are sent in an encoding; those that are bytes as they are."""

    def coded(text):
        return Coded.of_bytes(text) if isinstance(text, bytes) else Coded(text, codec)

    with RawSession(cluster.port, **startup) as session:
        for statement in statements:
            if protocol == "simple" and not parameters:
                session.run(coded(statement))
            else:
                session.statement(coded(statement), [coded(p) for p in parameters]).sync().answer()
    return ended(cluster, session.pid)
