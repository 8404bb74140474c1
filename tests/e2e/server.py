"""Throwaway PostgreSQL servers with the extension."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg

from local_aws import CREDENTIALS, REGION
from reader import Reader
from waiting import wait_for

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_HBA = """\
local all all trust
host all with_password 127.0.0.1/32 scram-sha-256
host all refused 127.0.0.1/32 reject
host all all 127.0.0.1/32 trust
host replication all 127.0.0.1/32 trust
"""


def _as_server():
    # PostgreSQL refuses to run as root.
    return ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []


def _free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def random_id(prefix):
    """An id as consumers expect it."""
    return prefix + "".join(secrets.choice(_BASE32) for _ in range(26))


class Installation:
    """A PostgreSQL with the extension in it; makes one empty data directory and copies that."""

    def __init__(self, pg_config):
        self.bin = Path(subprocess.check_output([pg_config, "--bindir"], text=True).strip())
        version = subprocess.check_output([pg_config, "--version"], text=True)
        self.major = int(re.search(r"\d+", version).group())
        self._template = None

    def run(self, *command, environment=None, timeout=120, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
        """Runs a program of the server as the server's user."""
        env = {k: v for k, v in os.environ.items() if k != "RUST_BACKTRACE" and not k.startswith(("AWS_", "PG"))}
        env |= CREDENTIALS | {"HOME": "/tmp", "AWS_EC2_METADATA_DISABLED": "true", "LC_ALL": "C.UTF-8"}
        env |= environment or {}
        command = [*_as_server(), str(self.bin / command[0]), *map(str, command[1:])]
        return subprocess.run(
            command,
            env=env,
            cwd="/",
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )

    def new_folder(self):
        """A folder that belongs to the server's user."""
        folder = Path(tempfile.mkdtemp(prefix="activity-e2e-", dir="/tmp"))
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        folder.chmod(0o755)
        return folder

    def new_data_directory(self, folder):
        if self._template is None:
            self._template = self.new_folder()
            made = self.run(
                "initdb", "-D", self._template / "data", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"
            )
            assert made.returncode == 0, made.stderr
        data = folder / "data"
        subprocess.run([*_as_server(), "cp", "-a", str(self._template / "data"), str(data)], check=True, cwd="/")
        return data

    def close(self):
        if self._template:
            shutil.rmtree(self._template, ignore_errors=True)


class Cluster:
    """One server."""

    def __init__(self, installation, aws, alias, conf, endpoint=None, environment=None):
        self.installation = installation
        self.aws = aws
        self.environment = environment
        self.port = _free_port()
        self.cluster_id = random_id("cluster-")
        self.instance_id = random_id("db-")
        self.stream = f"aws-rds-das-{self.cluster_id}"
        self.folder = installation.new_folder()
        self.data = installation.new_data_directory(self.folder)
        self.log_file = self.folder / "log"
        self.conf_file = None
        """Where the configuration is, if not in the data directory."""
        self.options = []
        """For the server's command line."""
        self.conf = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "shared_buffers": "32MB",
            "log_line_prefix": "%m [%p] %e ",
            "shared_preload_libraries": "activity_stream",
            "activity_stream.mode": "async",
            "activity_stream.kms_key_id": alias,
            "activity_stream.cluster_id": self.cluster_id,
            "activity_stream.instance_id": self.instance_id,
            "activity_stream.region": REGION,
            "activity_stream.endpoint_url": endpoint or aws.endpoint,
            "activity_stream.batch_linger": "20ms",
            "activity_stream.heartbeat_interval": "0",
        }
        self.configure(conf)
        (self.data / "pg_hba.conf").write_text(_HBA)
        self.reader = Reader(aws, self.stream, self.cluster_id)

    def configure(self, conf):
        """Writes the configuration file with these changes; `None` leaves a setting out."""
        self.conf |= conf
        lines = (f"{name} = '{value}'\n" for name, value in self.conf.items() if value is not None)
        (self.conf_file or self.data / "postgresql.conf").write_text("".join(lines))

    # Running

    def start(self):
        """Starts it and waits until it serves."""
        result = self.try_start()
        assert result.returncode == 0, f"{result.stderr}\n{self.log()[-3000:]}"
        return self

    def try_start(self):
        """Starts it; how that went."""
        options = [option for text in self.options for option in ("-o", text)]
        return self._pg_ctl("-w", "-t", "60", "-l", self.log_file, *options, "start")

    def _pg_ctl(self, *arguments):
        # To a file, not to a pipe: the server would keep that open.
        with open(self.folder / "pg_ctl.out", "w+", encoding="utf-8") as out:
            result = self.installation.run(
                "pg_ctl", "-D", self.data, *arguments, environment=self.environment, stdout=out, stderr=out
            )
            out.seek(0)
            result.stderr = out.read()
            return result

    def stop(self, mode="fast"):
        """Stops it and waits for that."""
        result = self._pg_ctl("-w", "-t", "60", "-m", mode, "stop")
        assert result.returncode == 0, f"{result.stderr}\n{self.log()[-3000:]}"

    def running(self):
        return (self.data / "postmaster.pid").exists()

    def reload(self, **conf):
        """Changes settings of ours (without their prefix), reloads, and waits until they are in force."""
        with self.change(self.value, conf):
            assert self._pg_ctl("reload").returncode == 0

    @contextlib.contextmanager
    def change(self, value, conf):
        """Writes them; when the body has made the server read them, waits until they are in force. `value` runs a statement."""
        shown = {name: value(f"SHOW activity_stream.{name}") for name in conf}
        changes = self.changes_in_force()
        self.configure({f"activity_stream.{name}": new for name, new in conf.items()})
        yield
        for name, new in conf.items():
            wait_for(lambda n=name, v=new: value(f"SHOW activity_stream.{n}") == v, f"{name} = {new}")
        if shown != conf:
            wait_for(lambda: self.changes_in_force() > changes, f"{conf} are in force")

    def changes_in_force(self):
        """How often changed settings have come into force."""
        return len(self.log_lines("LOG:", "changed settings are in force"))

    def kill(self, pid, number=signal.SIGKILL):
        """Sends a signal to a process of the server; one that kills has been noticed by the server when this returns."""
        os.kill(pid, number)
        if number == signal.SIGKILL:
            wait_for(lambda: self.log_lines(f"(PID {pid}) was terminated by signal"), f"the server notices the end of {pid}")

    def postmaster(self):
        """The process id of the server's first process."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def kill_postmaster(self):
        """Kills the server's first process and returns when the others have seen that and are gone."""
        postmaster = self.postmaster()
        others = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        os.kill(postmaster, signal.SIGKILL)
        folders = [Path(f"/proc/{pid}") for pid in (postmaster, *others)]
        wait_for(lambda: not any(folder.exists() for folder in folders), "every process of the server is gone")

    def close(self):
        """Leaves nothing behind."""
        if self.running():
            self._pg_ctl("-w", "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.aws.delete_stream(self.stream)

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    def log_lines(self, *words):
        """Lines of the log with all of these words."""
        return [line for line in self.log().splitlines() if all(word in line for word in words)]

    # Sessions

    def connect(self, **options):
        """A session by TCP that commits each statement."""
        defaults = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "postgres",
            "dbname": "postgres",
            "autocommit": True,
            "connect_timeout": 10,
            "application_name": "e2e",
        }
        return psycopg.connect(**(defaults | options))

    def execute(self, *statements, **options):
        """Runs statements in a session of their own."""
        with self.connect(**options) as session:
            for statement in statements:
                session.execute(statement)

    def value(self, statement, **options):
        """The one value that a statement returns."""
        with self.connect(**options) as session:
            return session.execute(statement).fetchone()[0]

    def wait_until_serving(self, timeout=30):
        def serves():
            try:
                return self.value("SELECT 1") == 1
            except psycopg.OperationalError:
                return False

        wait_for(serves, "the server serves again", timeout)

    def program(self, name, *arguments, environment=None, timeout=120):
        """Runs psql, pgbench, … against the server."""
        connection = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres", "PGDATABASE": "postgres"}
        return self.installation.run(name, *arguments, environment=connection | (environment or {}), timeout=timeout)

    # What it told

    def record(self, run, **options):
        """The events of what `run(session)` does, without those of the session's beginning and end."""
        with self.connect(**options) as session:
            pid = session.info.backend_pid
            run(session)
        self.wait_for_end(pid)
        return [e for e in self.session_events(pid) if e["command"] not in ("CONNECT", "DISCONNECT")]

    def wait_for_end(self, pid, timeout=30):
        """Reads until the end of that session is there, and all that was published before it: records overtake one another."""

        def all_there(events):
            end = next((e for e in events if e["pid"] == pid and e["command"] == "DISCONNECT"), None)
            return end and self.reader.is_whole_up_to(end)

        self.reader.wait_for(all_there, f"the end of session {pid}", timeout)

    def wait_for_all_up_to(self, event, timeout=60):
        """Reads until all that was published before an event is there."""
        self.reader.wait_for(
            lambda _: self.reader.is_whole_up_to(event), f"all events up to sequence {event['sequence']}", timeout
        )

    def session_events(self, pid):
        """What is on the stream of the latest session of that process id."""
        mine = [e for e in self.reader.events if e["pid"] == pid]
        latest = max((e["sessionId"] for e in mine), default=None)
        return sorted((e for e in mine if e["sessionId"] == latest), key=lambda e: e["sequence"])

    def settle(self, timeout=60):
        """Reads until everything that was published before this call is there."""
        marker = f"settled {secrets.token_hex(8)}"
        self.execute(f"SELECT '{marker}'")
        last = self.reader.wait_for_text(marker, timeout)[0]

        self.wait_for_all_up_to(last, timeout)
        return self.reader.events
