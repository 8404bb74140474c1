"""What is on the stream, by three that do not know one another: the reader of the end-to-end tests, which opens records with
AWS's own libraries and checks every event; `verify.py`, from the definition of the chain; and `activity-consumer verify`.

Millions of events do not fit into memory as Python objects: the reader here counts and forgets, and leaves the records' text
in a file for verify.py.
"""

import base64
import json
import os
import subprocess
import tempfile
from collections import Counter

import das
import verify
from load import STATEMENTS
from local_aws import CREDENTIALS, REGION
from reader import Reader

_READ_TIMEOUT_SECONDS = 900
# What activity-consumer lists as far as a report may grow, with the whole count beside it.
_LISTED = ("gaps", "broken_links")


class Counts(Reader):
    """The reader, which keeps counts alone."""

    def __init__(self, cluster, texts):
        super().__init__(cluster.aws, cluster.stream, cluster.cluster_id)
        self._texts = texts
        self.numbers = {}
        """Sequence numbers by epoch."""
        self.of_application = Counter()
        self.statements = Counter()
        """Distinct events by application, command and object."""
        self.twice = 0
        self.record_count = 0

    def _take(self, raw):
        events = super()._take(raw)
        # What Reader keeps of a record.
        self.records.clear()
        self.heartbeats.clear()
        self.record_count += 1
        envelope = json.loads(raw["Data"])
        key = self.opener.keys[base64.b64decode(envelope["key"])]
        self._texts.write(das.open_message(base64.b64decode(envelope["databaseActivityEvents"]), key).encode() + b"\n")
        for event in events:
            numbers = self.numbers.setdefault(event["epoch"], set())
            if event["sequence"] in numbers:
                self.twice += 1
                continue
            numbers.add(event["sequence"])
            application = event["clientApplication"]
            self.of_application[application] += 1
            self.statements[application, event["command"], event["objectName"]] += 1
        return []

    def take_file(self, path):
        """Records of a file instead of the stream's, one a line."""
        with open(path, "rb") as lines:
            for line in lines:
                self._take({"Data": line.rstrip(b"\n")})

    def distinct(self):
        return sum(map(len, self.numbers.values()))

    def of_load(self, load):
        """How often each of the load's statements is there, by command."""
        return {command: self.statements[load.name, command, name] for command, name in STATEMENTS.items()}


class Judgement:
    """All three over the stream as it is now, or over a file of records."""

    def __init__(self, cluster, records_file=None):
        with tempfile.TemporaryFile(dir=cluster.folder) as texts:
            self.counts = Counts(cluster, texts)
            if records_file:
                self.counts.take_file(records_file)
            else:
                self.counts.poll()
            texts.seek(0)
            self.python = verify.verify(line.rstrip(b"\n") for line in texts).to_json()
        self.rust, self.exit_code = self._ask_consumer(cluster, records_file)

    @staticmethod
    def _ask_consumer(cluster, records_file):
        command = [os.environ["ACTIVITY_E2E_CONSUMER"], "verify", "--json", "--cluster-id", cluster.cluster_id]
        command += ["--region", REGION, "--endpoint-url", cluster.aws.endpoint]
        command += ["--files", str(records_file)] if records_file else ["--settle", "2"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | CREDENTIALS
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_READ_TIMEOUT_SECONDS)
        assert ran.returncode in (0, 1), ran.stderr
        return json.loads(ran.stdout), ran.returncode

    def agree(self):
        """Whether both verifications report the same. What activity-consumer has for people is left out."""
        rust = {name: self.rust[name] for name in ("accounted", "losses")}
        rust["unreadable"] = self.rust["unreadable"]["count"]
        rust["problems"] = sorted({(problem["kind"], problem["epoch"] or "") for problem in self.rust["problems"]["list"]})
        rust["epochs"] = [
            {name: epoch[name]["list"] if name in _LISTED else epoch[name] for name in of_python}
            for epoch, of_python in zip(self.rust["epochs"], self.python["epochs"])
        ]
        python = self.python | {"problems": [tuple(problem) for problem in self.python["problems"]]}
        return rust == python and len(self.rust["epochs"]) == len(self.python["epochs"])

    def tell(self, outcome):
        """The figures and claims that every run has."""
        counts, epochs = self.counts, self.python["epochs"]
        outcome.figure("records on the stream", counts.record_count)
        outcome.figure("distinct events on the stream", counts.distinct())
        outcome.figure("events that are there twice", counts.twice)
        outcome.figure("epochs", len(epochs))
        outcome.figure("gaps in the sequence that are accounted for", sum(len(epoch["gaps"]) for epoch in epochs))
        outcome.figure("loss windows, their events, those that do not know", list(self.python["losses"].values()))
        outcome.figure("problems that verify.py found", self.python["problems"])
        outcome.figure("problems that activity-consumer found", self.rust["problems"]["list"])
        outcome.claim("activity-consumer verify exits with 0", self.exit_code == 0)
        outcome.claim("verify.py has all accounted for", self.python["accounted"])
        outcome.claim("both report the same", self.agree())
        outcome.claim("the reader counts what verify.py counts", counts.distinct() == sum(e["events"] for e in epochs))
