"""Both implementations of the verification over what is on a stream."""

import base64
import json

import das
import verify
from local_aws import REGION

_OF_EPOCHS = ("epoch", "events", "first_sequence", "last_sequence", "duplicates", "end", "gaps", "broken_links")


def inner_records(reader):
    """The inner JSON of every record of events that was read, as bytes."""
    found = []
    for raw in reader.records:
        envelope = json.loads(raw["Data"])
        key = reader.opener.keys[base64.b64decode(envelope["key"])]
        found.append(das.open_message(base64.b64decode(envelope["databaseActivityEvents"]), key).encode())
    return found


def rust_verify(consumer, cluster, *arguments):
    """The report of activity-consumer verify, and its exit code. It reads the stream unless told to read files."""
    where = ("--cluster-id", cluster.cluster_id, "--endpoint-url", cluster.aws.endpoint, "--region", REGION)
    process = consumer("verify", *where, "--json", *arguments)
    out, err = process.communicate(timeout=60)
    assert process.returncode in (0, 1), err
    return json.loads(out), process.returncode


def _plain(value):
    """A list, where the report has its length beside it."""
    return value["list"] if isinstance(value, dict) and value.keys() == {"count", "list"} else value


def counts(report):
    """What both of them report, in one form."""
    epochs = [{name: _plain(epoch[name]) for name in _OF_EPOCHS} for epoch in report["epochs"]]
    return report["accounted"], epochs, report["losses"]


def verify_both(consumer, cluster):
    """Stops the server, so that nothing comes any more. Both say that all is accounted for, and count alike; their report."""
    if cluster.running():
        cluster.stop()
    cluster.reader.poll()
    python = verify.verify(inner_records(cluster.reader)).to_json()
    assert python["accounted"], python
    rust, code = rust_verify(consumer, cluster)
    assert code == 0, rust
    assert counts(rust) == counts(python)
    return python
