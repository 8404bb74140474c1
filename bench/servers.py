"""The servers that are compared, and the local AWS."""

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


# pgAudit with all that we tell, to a file as it is used: by the logging collector.
PGAUDIT = {
    "shared_preload_libraries": "pgaudit",
    "logging_collector": "on",
    "pgaudit.log": "all",
    "pgaudit.log_relation": "on",
    "pgaudit.log_parameter": "on",
    "pgaudit.log_rows": "on",
}


@contextlib.contextmanager
def bare_and_streaming(start=True, pgaudit=False):
    """A server with nothing loaded, one in async mode, one with pgAudit if asked for, and the process id of the local AWS."""
    aws = Aws("ministack", os.environ["ACTIVITY_E2E_ENDPOINT"])
    installation = Installation(os.environ["ACTIVITY_E2E_PG_CONFIG"])
    alias = aws.make_key()[1]
    kinds = [{"shared_preload_libraries": ""}, {"shared_preload_libraries": "activity_stream"}, PGAUDIT]
    clusters = []
    try:
        for conf in kinds[: 3 if pgaudit else 2]:
            clusters.append(Cluster(installation, aws, alias, COMMON | conf))
            if start:
                clusters[-1].start()
        yield (*clusters, int(os.environ["ACTIVITY_BENCH_AWS_PID"]))
    finally:
        for cluster in clusters:
            cluster.close()
        installation.close()
