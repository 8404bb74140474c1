"""A superuser against the stream by programs that the server runs as its own user: what cannot be refused is told before it runs."""

import pytest

from attacks import program

SIGNALS = ["TERM", "INT", "HUP", "QUIT", "ALRM", "USR2", "PIPE", "ABRT", "SEGV", "BUS", "ILL", "FPE", "SYS", "TRAP", "XCPU", "RTMIN"]

ATTACKS = {f"kill -{name}": program(f"kill -s {name} {{worker}}", command="STREAM SIGNAL", text=name) for name in SIGNALS} | {
    "kill -KILL": program("kill -KILL {worker}", logged="was terminated by signal 9"),
    "kill -CONT": program("kill -STOP {worker}; kill -CONT {worker}"),
    "memory of the worker": program("dd if=/proc/{worker}/mem of=/dev/null bs=1 count=1 skip=4194304 2>/dev/null", refused="38000"),
    "environment of the worker": program("cat /proc/{worker}/environ >/dev/null 2>&1", refused="38000"),
    "descriptors of the worker": program("ls /proc/{worker}/fd >/dev/null 2>&1", refused="38000"),
    "the mapping": program("ls /proc/{worker}/map_files >/dev/null 2>&1", refused="38000"),
    "a core dump": program("gcore -o /dev/null {worker} >/dev/null 2>&1", refused="38000"),
    "the mode in postgresql.auto.conf": program(
        "echo \"activity_stream.capture = 'none'\" >> {data}/postgresql.auto.conf; kill -HUP {postmaster}; sleep 0.1;"
        " sed -i '/capture/d' {data}/postgresql.auto.conf; kill -HUP {postmaster}",
        command="STREAM CONFIG",
        text="new=none",
        logged="activity_stream.capture: none -> all|changed back before they were in force",
    ),
    "the spool, deleted": program("rm -f {spool}/*.segment"),
    "the marker, deleted": program("rm -f {spool}/state*"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_program_of_the_server_cannot_stop_blind_or_alter_the_stream_unseen(target, name):
    target.attack(ATTACKS[name])
