"""The two servers that are compared, and the local AWS."""

import contextlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))

from local_aws import Aws  # noqa: E402
from server import Cluster, Installation  # noqa: E402

# What an operator would have; nothing that is tuned for a benchmark but the size that keeps the disk out of it.
COMMON = {
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "autovacuum": "off",
    "activity_stream.batch_linger": "200ms",
    "activity_stream.heartbeat_interval": "1s",
}


@contextlib.contextmanager
def bare_and_streaming(start=True):
    """A server with nothing loaded, one in async mode, and the process id of the local AWS."""
    aws = Aws("ministack", os.environ["ACTIVITY_E2E_ENDPOINT"])
    installation = Installation(os.environ["ACTIVITY_E2E_PG_CONFIG"])
    alias = aws.make_key()[1]
    clusters = []
    try:
        for preload in ("", "activity_stream"):
            conf = COMMON | {"shared_preload_libraries": preload}
            clusters.append(Cluster(installation, aws, alias, conf))
            if start:
                clusters[-1].start()
        yield (*clusters, int(os.environ["ACTIVITY_BENCH_AWS_PID"]))
    finally:
        for cluster in clusters:
            cluster.close()
        installation.close()
