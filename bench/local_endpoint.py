"""The endpoint that stands in for Kinesis and KMS (bench/endpoint), as a process of its own."""

import http.client
import json
import os
import subprocess


class LocalEndpoint:
    """One endpoint. To a `Cluster` it is the AWS that it streams to; what it took cannot be read again."""

    kms = None

    def __init__(self, delay_ms=0):
        program = os.environ["ACTIVITY_BENCH_ENDPOINT"]
        self._process = subprocess.Popen([program, "--delay-ms", str(delay_ms)], stdout=subprocess.PIPE, text=True)
        self._port = int(self._process.stdout.readline())
        self.endpoint = f"http://127.0.0.1:{self._port}"

    @property
    def pid(self):
        return self._process.pid

    def _control(self, method, query=""):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, f"/control{query}", headers={"Connection": "close"})
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            return json.loads(body)
        finally:
            connection.close()

    def counters(self):
        """What it took since it was started: records, requests, bytes, the moment of the last one, the delay in truth."""
        return self._control("GET")

    def delay(self, milliseconds):
        """How long each request is held back from now on."""
        self._control("POST", f"?delay_ms={milliseconds}")

    def delete_stream(self, _):
        """What a cluster does when it is closed: here nothing is kept."""

    def close(self):
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()
