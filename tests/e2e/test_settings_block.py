"""What is in force is said in memory that every process of the server can write: whatever stands there, sessions go on with what they had."""

import os
import struct

import pytest

from waiting import wait_for

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="memory of another user's process is written")

_VERSION_AND_LENGTH = struct.Struct("<QI")


class Block:
    """The settings in force, in a server's memory: version, length, and then the first of them, which is the key."""

    def __init__(self, cluster):
        key = cluster.conf["activity_stream.kms_key_id"].encode()
        start = struct.pack("<I", len(key)) + key
        self._pid = cluster.postmaster()
        self._at = self._find(start) - _VERSION_AND_LENGTH.size
        self.mode_at = _VERSION_AND_LENGTH.size + len(start)

    def _find(self, start):
        with open(f"/proc/{self._pid}/maps", encoding="utf-8") as maps, open(f"/proc/{self._pid}/mem", "rb") as memory:
            for line in maps:
                if " rw-s " not in line or "/dev/zero" not in line:
                    continue
                begin, end = (int(number, 16) for number in line.split()[0].split("-"))
                memory.seek(begin)
                found = memory.read(end - begin).find(start)
                if found >= 0:
                    return begin + found
        raise AssertionError("no block")

    def read(self):
        with open(f"/proc/{self._pid}/mem", "rb") as memory:
            memory.seek(self._at)
            return _VERSION_AND_LENGTH.unpack(memory.read(_VERSION_AND_LENGTH.size))

    def write(self, offset, data):
        with open(f"/proc/{self._pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(self._at + offset)
            memory.write(data)

    def set(self, version, length):
        self.write(0, _VERSION_AND_LENGTH.pack(version, length))


def cut_off(block):
    version, _ = block.read()
    block.set(version + 2, 3)


def longer_than_it_can_be(block):
    version, _ = block.read()
    block.set(version + 2, 0xFFFF_FFFF)


def a_text_without_end(block):
    version, length = block.read()
    block.write(_VERSION_AND_LENGTH.size, struct.pack("<I", 0xFFFF_FFFF))
    block.set(version + 2, length)


def not_a_mode(block):
    version, length = block.read()
    block.write(block.mode_at, struct.pack("<i", 77))
    block.set(version + 2, length)


@pytest.mark.parametrize("damage", [cut_off, longer_than_it_can_be, a_text_without_end, not_a_mode])
def test_what_cannot_be_right_is_counted_and_not_taken(make_cluster, damage):
    cluster = make_cluster()
    cluster.execute("CREATE EXTENSION activity_stream")
    with cluster.connect() as session:
        session.execute("SELECT 'before'")
        damage(Block(cluster))
        session.execute("SELECT 'by a session that was there'")
        cluster.execute("SELECT 'by a new session'")
    cluster.reader.wait_for_text("by a session that was there")
    cluster.reader.wait_for_text("by a new session")
    assert cluster.value("SELECT row(mode, contained_failures > 0) FROM activity_stream.status") == ("async", "t")
    # What the worker says next is taken again.
    cluster.reload(capture="all, -read")
    assert cluster.value("SELECT in_force FROM activity_stream.settings WHERE name LIKE '%.capture'") == "all, -read"


def test_a_write_that_never_ends_holds_nobody_up(make_cluster):
    cluster = make_cluster()
    cluster.execute("CREATE EXTENSION activity_stream")
    block = Block(cluster)
    version, length = block.read()
    assert version % 2 == 0
    block.set(version + 1, length)
    cluster.execute("SELECT 'meanwhile'")
    cluster.reader.wait_for_text("meanwhile")
    cluster.reload(capture="all, -read")
    wait_for(lambda: block.read()[0] == version + 2, "the worker's own write ends")
    assert cluster.value("SELECT in_force FROM activity_stream.settings WHERE name LIKE '%.capture'") == "all, -read"
    assert cluster.value("SELECT contained_failures FROM activity_stream.status") == 0
