"""A worker that does not move: stopped by its OS user, it can say nothing; a session notices, and it tells itself when it goes on."""

import ctypes
import os
import signal

import pytest

from waiting import wait_for
from worker_process import as_server_user, params, pid_of, stop, told

TIMEOUT_MS = 1500
NOTICED = "the worker has not moved for"
OVER = "activity_stream worker moves again"


@pytest.fixture
def stalling(make_cluster):
    cluster = make_cluster(worker_stall_timeout=f"{TIMEOUT_MS}ms")
    cluster.execute("CREATE EXTENSION activity_stream")
    cluster.settle()
    return cluster


def until_noticed(cluster, session, times=1):
    """Statements of a session until the log has a stall."""

    def noticed():
        session.execute("SELECT 'meanwhile'")
        return len(cluster.log_lines(NOTICED)) >= times

    wait_for(noticed, "a session notices")


def test_a_stop_is_noticed_once_and_told_when_it_is_over(stalling):
    cluster = stalling
    worker = pid_of(cluster)
    with cluster.connect() as one, cluster.connect() as other:
        notices = []
        one.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        stop(worker)
        until_noticed(cluster, one)
        for _ in range(20):
            one.execute("SELECT 'one'")
            other.execute("SELECT 'other'")
        assert cluster.value("SELECT state FROM activity_stream.status") == "stalled"
        assert len(cluster.log_lines(NOTICED)) == 1
        assert len(cluster.log_lines(NOTICED, "WARNING", "AS008")) == 1
        assert not notices, "it is not the session's affair"
        os.kill(worker, signal.SIGCONT)
        event = told(cluster, "STREAM STALL")[0]
        assert int(params(event)["durationMs"]) > TIMEOUT_MS
        assert params(event)["from"].endswith("+00")
        assert len(cluster.log_lines(OVER)) == 1
        assert params(told(cluster, "STREAM SIGNAL", signal="SIGCONT")[0])["times"] == "1"
        wait_for(lambda: cluster.value("SELECT state FROM activity_stream.status") == "streaming", "it streams again")
        # The next one is another one.
        stop(worker)
        until_noticed(cluster, other, times=2)
        os.kill(worker, signal.SIGCONT)
        wait_for(lambda: len(cluster.log_lines(OVER)) == 2, "the second is over")
    cluster.settle()
    cluster.reader.check_complete()
    assert len([e for e in cluster.reader.events if e["command"] == "STREAM STALL"]) == 2


def test_a_superuser_cannot_keep_it_out_of_the_log(stalling):
    cluster = stalling
    worker = pid_of(cluster)
    with cluster.connect() as session:
        session.execute("SET log_min_messages = panic")
        session.execute("SET client_min_messages = error")
        session.execute(f"COPY (SELECT) TO PROGRAM 'kill -STOP {worker}; cat >/dev/null'")
        until_noticed(cluster, session)
        session.execute(f"COPY (SELECT) TO PROGRAM 'kill -CONT {worker}; cat >/dev/null'")
        # Its setting is as it was.
        assert session.execute("SHOW log_min_messages").fetchone() == ("panic",)
    told(cluster, "STREAM STALL")
    cluster.settle()
    texts = [e["commandText"] or "" for e in cluster.reader.events]
    assert any("kill -STOP" in text for text in texts)
    cluster.reader.check_complete()


def test_a_stopped_worker_that_is_killed_has_its_stall_told_by_the_next(stalling):
    cluster = stalling
    worker = pid_of(cluster)
    stop(worker)
    with cluster.connect() as session:
        until_noticed(cluster, session)
        cluster.kill(worker)
        session.close()
    cluster.wait_until_serving()
    told(cluster, "STREAM STALL")
    assert pid_of(cluster) != worker
    cluster.settle()
    cluster.reader.check_complete(twice_is_fine=True)


@pytest.mark.parametrize("signal_name", ["TSTP", "TTIN", "TTOU"])
def test_a_terminals_ways_to_stop_it_are_of_no_use(stalling, signal_name):
    cluster = stalling
    worker = pid_of(cluster)
    code, output = as_server_user(f"import os, signal; os.kill({worker}, signal.SIG{signal_name})")
    assert code == 0, output
    told(cluster, "STREAM SIGNAL", signal=f"SIG{signal_name}")
    assert not cluster.log_lines(NOTICED)


def test_zero_notices_nothing(make_cluster):
    cluster = make_cluster(worker_stall_timeout="0")
    cluster.execute("CREATE EXTENSION activity_stream")
    cluster.settle()
    worker = pid_of(cluster)
    stop(worker)
    with cluster.connect() as session:
        session.execute("SELECT pg_sleep(2)")
        session.execute("SELECT 'unnoticed'")
    os.kill(worker, signal.SIGCONT)
    cluster.reader.wait_for_text("unnoticed")
    assert not cluster.log_lines(NOTICED)
    assert not cluster.log_lines(OVER)


def test_a_working_server_has_no_stall(stalling):
    cluster = stalling
    with cluster.connect() as session:
        for _ in range(3):
            session.execute("SELECT pg_sleep(1)")
    cluster.settle()
    assert not [e for e in cluster.reader.events if e["command"] == "STREAM STALL"]
    cluster.stop()
    assert not cluster.log_lines(NOTICED)


def test_a_killed_worker_is_back_at_once_and_nothing_is_lost(stalling):
    """The server restarts all its processes when one with shared memory is killed; the next worker comes with them."""
    cluster = stalling
    for round_ in range(3):
        before = pid_of(cluster)
        cluster.execute(f"SELECT 'before kill {round_}'")
        cluster.kill(before)
        # From the moment at which the server has noticed; a second, and what a busy machine takes on top.
        started = "activity_stream worker started"
        wait_for(lambda n=round_: len(cluster.log_lines(started)) >= n + 2, "the next worker", timeout=5)
        cluster.wait_until_serving()
        assert pid_of(cluster) != before
    for round_ in range(3):
        cluster.reader.wait_for_text(f"before kill {round_}")
    cluster.settle()
    cluster.reader.check_complete(twice_is_fine=True)


class Tracer:
    """Has a process run into a fault, which root alone can (x86-64: user_regs_struct, rip is word 16, orig_rax word 15)."""

    ATTACH, POKEUSER, DETACH = 16, 6, 17

    def __init__(self):
        self.ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        self.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def call(self, request, pid, address=None, data=None):
        assert self.ptrace(request, pid, address, data) == 0, os.strerror(ctypes.get_errno())

    def fault(self, pid):
        self.call(self.ATTACH, pid)
        os.waitpid(pid, 0x40000000)  # __WALL
        self.call(self.POKEUSER, pid, 15 * 8, 2**64 - 1)
        self.call(self.POKEUSER, pid, 16 * 8, 0)
        self.call(self.DETACH, pid)


@pytest.mark.skipif(os.getuid() != 0 or os.uname().machine != "x86_64", reason="root alone can trace the worker")
def test_a_fault_of_its_own_ends_it_as_ever(stalling):
    cluster = stalling
    worker = pid_of(cluster)
    Tracer().fault(worker)
    wait_for(lambda: cluster.log_lines(f"(PID {worker}) was terminated by signal 11"), "it dies of it")
    cluster.wait_until_serving()
    assert pid_of(cluster) != worker
    cluster.settle()
    cluster.reader.check_complete(twice_is_fine=True)
    assert not [e for e in cluster.reader.events if e["command"] == "STREAM SIGNAL" and params(e)["signal"] == "SIGSEGV"]
