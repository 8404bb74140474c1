"""The worker's memory: closed to others of its OS user, and without a data key outside of locked pages."""

import base64
import json
import os
import resource
from pathlib import Path

import pytest

from waiting import wait_for
from worker_process import as_server_user, pid_of, threads

PTRACE = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
attach = 16
sys.exit(0 if libc.ptrace(attach, int(sys.argv[1]), None, None) == 0 else ctypes.get_errno())
"""
READ_FILE = "import sys; print(len(open(sys.argv[1], 'rb').read(1)))"
READ_MAPPED = """
import ctypes, sys
class Vec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
libc = ctypes.CDLL(None, use_errno=True)
libc.process_vm_readv.restype = ctypes.c_ssize_t
here = ctypes.create_string_buffer(8)
local, remote = Vec(ctypes.addressof(here), 8), Vec(int(sys.argv[2], 16), 8)
got = libc.process_vm_readv(int(sys.argv[1]), ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)
sys.exit(0 if got == 8 else ctypes.get_errno())
"""
EPERM = 1


@pytest.fixture
def running(make_cluster):
    def make(**settings):
        cluster = make_cluster(**settings)
        cluster.execute("CREATE EXTENSION activity_stream")
        cluster.settle()
        return cluster

    return make


def mappings(pid):
    """(start, end, permissions, flags) of each mapping."""
    found, place = [], None
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            start, end = (int(number, 16) for number in words[0].split("-"))
            place = (start, end, words[1])
        elif words[0] == "VmFlags:":
            found.append((*place, words[1:]))
    return found


def places(pid, needles):
    """Where these bytes are in the memory of a process: (needle's number, address, flags of the mapping). Root may look."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, permissions, flags in mappings(pid):
            # What is shared is the ring, which has no keys; the kernel's own pages cannot be read.
            if "r" not in permissions or "s" in permissions:
                continue
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except (OSError, OverflowError):
                continue
            for number, needle in enumerate(needles):
                at = content.find(needle)
                while at >= 0:
                    found.append((number, hex(start + at), flags))
                    at = content.find(needle, at + 1)
    return found


def keys_of(cluster):
    """The plaintext data keys of the records so far, in the order in which they were used."""
    cluster.reader.poll()
    seen = {}
    for record in cluster.reader.records:
        blob = base64.b64decode(json.loads(record["Data"])["key"])
        if blob not in seen:
            context = {"aws:rds:dbc-id": cluster.cluster_id}
            seen[blob] = cluster.aws.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"]
    return list(seen.values())


def test_its_user_can_neither_trace_nor_read_it(running):
    cluster = running()
    worker = pid_of(cluster)
    session = cluster.connect()
    other = session.info.backend_pid
    address = hex(mappings(worker)[0][0])
    # Another process of the server can be read: what refuses is not the machine.
    assert as_server_user(READ_MAPPED, other, hex(mappings(other)[0][0]))[0] == 0
    assert as_server_user(READ_MAPPED, worker, address)[0] == EPERM
    assert as_server_user(PTRACE, worker)[0] == EPERM
    for name in ("mem", "environ", "maps", "auxv", "stack", "syscall"):
        code, output = as_server_user(READ_FILE, f"/proc/{worker}/{name}")
        assert code != 0, name
        assert "Permission" in output or "not permitted" in output, output
    assert as_server_user(READ_FILE, f"/proc/{other}/environ")[0] == 0
    # Nor does SQL get there.
    with pytest.raises(Exception, match="ermission denied"):
        session.execute(f"SELECT pg_read_binary_file('/proc/{worker}/environ')")
    session.close()
    limits = Path(f"/proc/{worker}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
    assert os.stat(f"/proc/{worker}/environ").st_uid == 0
    assert pid_of(cluster) == worker
    cluster.settle()
    cluster.reader.check_complete()


@pytest.mark.skipif(os.getuid() != 0, reason="root alone can read the worker's memory")
def test_a_data_key_is_in_locked_memory_alone(running):
    cluster = running()
    for number in range(5):
        cluster.execute(f"SELECT {number}")
        cluster.settle()
    worker = pid_of(cluster)
    key = keys_of(cluster)[-1]
    found = places(worker, [key])
    assert found, "it is in use"
    for _, address, flags in found:
        assert {"lo", "dd", "wf"} <= set(flags), f"{address} {flags}"
    assert len(found) == 1
    # Nor as KMS sent it. Not its ends, which another alignment would change.
    text = base64.b64encode(key)[4:40]
    wait_for(lambda: not places(worker, [text]), lambda: f"no text of the key: {places(worker, [text])}", timeout=10, pause=0.5)
    assert int(threads(worker)[worker]["VmLck"].split()[0]) > 0
    assert not cluster.log_lines("cannot be locked")


def test_a_limit_of_locked_memory_is_told_and_stops_nothing(running):
    before = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, before[1]))
    try:
        cluster = running()
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, before)
    cluster.execute("SELECT 'not locked'")
    cluster.reader.wait_for_text("not locked")
    assert len(cluster.log_lines("WARNING", "AS004", "a data key cannot be locked")) == 1


@pytest.mark.skipif(os.getuid() != 0, reason="root alone can read the worker's memory")
def test_a_data_key_that_was_replaced_is_nowhere(running):
    cluster = running(data_key_max_age="1s")

    def several():
        cluster.execute("SELECT 'again'")
        return len(keys_of(cluster)) >= 3

    wait_for(several, "three data keys", timeout=60, pause=0.2)
    *old, _ = keys_of(cluster)
    worker = pid_of(cluster)
    assert not places(worker, old)
    # As KMS sent it: the buffer of the connection is used again for the next answer. Not its ends, which another alignment would change.
    texts = [base64.b64encode(key)[4:40] for key in old]
    wait_for(lambda: not places(worker, texts), lambda: f"no text of an old key: {places(worker, texts)}", timeout=10, pause=0.5)
