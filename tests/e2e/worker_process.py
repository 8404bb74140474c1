"""The worker as the operating system sees it, and what processes of others do to it.

Others run as the server's own OS user, which is what a superuser gets by COPY … PROGRAM.
"""

import os
import signal
import subprocess
from pathlib import Path

from server import _as_server
from waiting import wait_for


def pid_of(cluster):
    """The worker's process id, when there is a worker."""
    return wait_for(lambda: cluster.value("SELECT worker_pid FROM activity_stream.status"), "a worker")


def as_server_user(program, *arguments):
    """Runs a Python program as the server's OS user; (exit code, output)."""
    # Where the server's user may read the interpreter of the tests is not known; the machine's own does.
    done = subprocess.run(
        [*_as_server(), "/usr/bin/python3", "-c", program, *map(str, arguments)],
        cwd="/",
        text=True,
        timeout=60,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout


def send_as_server_user(pid, number):
    """The process that sent it: alive until the signal is sent, and named python3."""
    code, sender = as_server_user("import os, sys; print(os.getpid()); os.kill(int(sys.argv[1]), int(sys.argv[2]))", pid, number)
    assert code == 0, sender
    return int(sender)


def threads(pid):
    """The status of each of its threads, as a dictionary; the main thread's is the one of `pid`."""

    def status(folder):
        lines = (folder / "status").read_text().splitlines()
        return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}

    return {int(folder.name): status(folder) for folder in Path(f"/proc/{pid}/task").iterdir()}


def is_stopped(pid):
    return threads(pid)[pid]["State"].startswith("T")


def stop(pid):
    """Stops it, and returns when it is."""
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: is_stopped(pid), f"{pid} is stopped")


def params(event):
    """`name=value` as a dictionary."""
    return dict(param.split("=", 1) for param in event["paramList"])


def told(cluster, command, **wanted):
    """The events of a command whose parameters are these, when there are some."""

    def those(events):
        mine = [(e, params(e)) for e in events if e["command"] == command]
        return [e for e, has in mine if all(has.get(name) == str(value) for name, value in wanted.items())]

    return cluster.reader.wait_for(those, f"{command} {wanted}")
