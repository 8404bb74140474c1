"""Signals that the worker is sent: those of the postmaster are obeyed, all others are told and have no effect."""

import os
import signal

import pytest

from waiting import wait_for
from worker_process import as_server_user, params, pid_of, send_as_server_user, threads, told

# Cannot be handled; the server's own (procsignal, latches).
LEFT_ALONE = {signal.SIGKILL, signal.SIGSTOP, signal.SIGUSR1, signal.SIGURG}
# The C library keeps these two for itself.
LIBRARY = (32, 33)
TELLABLE = sorted(({*range(1, signal.SIGRTMAX + 1)} - LEFT_ALONE) - set(LIBRARY))
NAMES = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "SIGINT", signal.SIGHUP: "SIGHUP", signal.SIGSEGV: "SIGSEGV", 40: "SIGRTMIN+6"}


@pytest.fixture(scope="module", autouse=True)
def extension(cluster):
    cluster.execute("CREATE EXTENSION activity_stream")


@pytest.fixture(autouse=True)
def same_worker(cluster):
    """None of these tests ends the worker."""
    before = pid_of(cluster)
    yield before
    assert pid_of(cluster) == before
    cluster.settle()
    cluster.reader.check_complete()


def test_a_signal_of_another_process_is_told_with_its_sender(cluster, same_worker):
    sender = send_as_server_user(same_worker, signal.SIGTERM)
    event = told(cluster, "STREAM SIGNAL", senderPid=sender)[0]
    uid = os.stat(cluster.data).st_uid
    assert (event["class"], event["dbUserName"]) == ("MISC", "activity_stream")
    expected = {"signal": "SIGTERM", "times": "1", "senderPid": str(sender), "senderUid": str(uid), "senderUser": "postgres"}
    told_of_it = params(event)
    # By then the sender may be gone.
    program = told_of_it.pop("senderProgram", "python3")
    assert (told_of_it, program) == (expected, "python3")
    lines = cluster.log_lines("AS008", "WARNING", "SIGTERM was sent to the worker")
    assert lines
    assert cluster.log_lines(f"by process {sender} (", "of OS user postgres")


@pytest.mark.parametrize("number", sorted(NAMES))
def test_signals_are_named(cluster, same_worker, number):
    sender = send_as_server_user(same_worker, number)
    assert params(told(cluster, "STREAM SIGNAL", senderPid=sender)[0])["signal"] == NAMES[number]


def test_every_signal_that_can_be_handled_is_told(cluster, same_worker):
    # From one process each: 16 senders are kept between two looks, a second apart.
    for number in TELLABLE:
        sender = send_as_server_user(same_worker, number)
        told(cluster, "STREAM SIGNAL", senderPid=sender)


def test_signals_that_the_c_library_keeps_for_itself_end_nothing(cluster, same_worker):
    cancel, set_ids = LIBRARY
    # The library has its own handler for this one, which leaves others' alone.
    send_as_server_user(same_worker, set_ids)
    sender = send_as_server_user(same_worker, cancel)
    assert params(told(cluster, "STREAM SIGNAL", senderPid=sender)[0])["signal"] == f"SIG{cancel}"


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGURG])
def test_signals_of_the_servers_own_do_nothing(cluster, same_worker, number):
    send_as_server_user(same_worker, number)


def test_a_superuser_cannot_end_it_by_sql(cluster, same_worker):
    cluster.execute(
        f"SELECT pg_terminate_backend({same_worker}), pg_cancel_backend({same_worker})",
        f"COPY (SELECT) TO PROGRAM 'kill -TERM {same_worker}; cat >/dev/null'",
    )
    event = told(cluster, "STREAM SIGNAL", signal="SIGTERM", senderUser="postgres")[-1]
    assert int(params(event)["senderPid"]) > 0


def test_a_hangup_of_another_process_reloads_nothing(cluster, same_worker):
    cluster.configure({"activity_stream.mode": "off"})
    try:
        sender = send_as_server_user(same_worker, signal.SIGHUP)
        told(cluster, "STREAM SIGNAL", senderPid=sender, signal="SIGHUP")
        assert cluster.value("SELECT 'still on'") == "still on"
        cluster.reader.wait_for_text("still on")
    finally:
        cluster.configure({"activity_stream.mode": "async"})


SIGQUEUE = """
import ctypes, os, struct, sys
target, number, code, claimed = map(int, sys.argv[1:])
info = struct.pack("iiiiiI", number, 0, code, 0, claimed, 0).ljust(128, bytes(1))
print(os.getpid())
rt_sigqueueinfo = 129
sys.exit(ctypes.CDLL(None, use_errno=True).syscall(rt_sigqueueinfo, target, number, info) and ctypes.get_errno())
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the system call's number")
def test_nobody_passes_for_the_postmaster(cluster, same_worker):
    si_user, si_queue = 0, -1
    # The kernel lets nobody say that.
    code, _ = as_server_user(SIGQUEUE, same_worker, signal.SIGTERM, si_user, cluster.postmaster())
    assert code != 0
    code, output = as_server_user(SIGQUEUE, same_worker, signal.SIGTERM, si_queue, cluster.postmaster())
    assert code == 0, output
    event = told(cluster, "STREAM SIGNAL", claimedSenderPid=cluster.postmaster())[0]
    assert params(event)["signal"] == "SIGTERM"
    assert cluster.log_lines(f"process {cluster.postmaster()}", "(as it says itself)")
    # An abort of another process is none of ours, and neither is a fault.
    for number in (signal.SIGABRT, signal.SIGSEGV):
        code, output = as_server_user(SIGQUEUE, same_worker, number, si_queue, same_worker)
        assert code == 0, output
        told(cluster, "STREAM SIGNAL", claimedSenderPid=same_worker, signal=signal.Signals(number).name)


BY_DESCRIPTOR = """
import fcntl, os, sys
target, number = map(int, sys.argv[1:])
read, write = os.pipe()
fcntl.fcntl(read, fcntl.F_SETOWN, target)
fcntl.fcntl(read, fcntl.F_SETSIG, number)
fcntl.fcntl(read, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
os.write(write, b"x")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGALRM])
def test_a_descriptor_that_is_made_to_send_signals_ends_nothing(cluster, same_worker, number):
    code, output = as_server_user(BY_DESCRIPTOR, same_worker, number)
    assert code == 0, output
    name = signal.Signals(number).name
    wait_for(lambda: cluster.log_lines(f"{name} was sent to the worker", "WARNING"), f"{name} is in the log")


FLOOD = """
import os, signal, sys, time
target, end = int(sys.argv[1]), time.monotonic() + 3
sent = 0
print(os.getpid())
while time.monotonic() < end:
    os.kill(target, signal.SIGTERM)
    sent += 1
print(sent)
"""


def test_a_loop_of_kills_does_not_flood_the_stream(cluster, same_worker):
    code, output = as_server_user(FLOOD, same_worker)
    assert code == 0, output
    sender, sent = map(int, output.split())
    last = send_as_server_user(same_worker, signal.SIGINT)
    told(cluster, "STREAM SIGNAL", senderPid=last)
    cluster.settle()
    events = [params(e) for e in cluster.reader.events if e["command"] == "STREAM SIGNAL"]
    mine = [int(e["times"]) for e in events if e.get("senderPid") == str(sender)]
    assert sent > 1000
    # A signal that is pending already is not sent twice.
    assert 1 <= sum(mine) <= sent
    assert len(mine) <= 6, "one a second"


def test_threads_beside_the_main_one_take_no_signals(cluster, same_worker):
    cluster.settle()
    of_all = threads(same_worker)
    assert len(of_all) > 2
    # SIGKILL and SIGSTOP cannot be blocked; the C library leaves out its own.
    unblockable = {signal.SIGKILL, signal.SIGSTOP, *LIBRARY}
    everything = sum(1 << (number - 1) for number in range(1, signal.SIGRTMAX + 1) if number not in unblockable)
    for thread, status in of_all.items():
        blocked = int(status["SigBlk"], 16)
        if thread == same_worker:
            assert not blocked & (1 << (signal.SIGTERM - 1)), "the main thread takes them"
        else:
            assert blocked & everything == everything, f"thread {thread} ({status['Name']}): {blocked:x}"
