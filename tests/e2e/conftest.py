"""Fixtures: a local AWS, a PostgreSQL, throwaway servers."""

import contextlib
import os
import subprocess

import pytest

from attacks import Target
from frozen import SETTINGS, SyncServer
from injector import Injector
from local_aws import Aws
from proxy import Proxy
from server import Cluster, Installation
from told import PROTOCOLS, ask, record_raw


def pytest_collection_modifyitems(items):
    skipped = {}
    if os.environ.get("ACTIVITY_E2E_AWS") != "localstack":
        skipped["localstack"] = "needs LocalStack"
    if not os.environ.get("ACTIVITY_E2E_LONG"):
        skipped["long"] = "takes minutes: ACTIVITY_E2E_LONG=1 runs it"
    for item in items:
        for marker, reason in skipped.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its servers logged."""
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            clusters = value if isinstance(value, list) else getattr(value, "clusters", [getattr(value, "cluster", value)])
            for cluster in clusters:
                if isinstance(cluster, Cluster):
                    report.sections.append((f"log of {cluster.folder}", cluster.log()[-6000:]))
    return report


@pytest.fixture(scope="session")
def aws():
    """The local AWS that scripts/e2e.sh started."""
    return Aws(os.environ["ACTIVITY_E2E_AWS"], os.environ["ACTIVITY_E2E_ENDPOINT"])


@pytest.fixture(scope="session")
def installation():
    """The PostgreSQL that scripts/e2e.sh installed into."""
    installed = Installation(os.environ["ACTIVITY_E2E_PG_CONFIG"])
    yield installed
    installed.close()


@pytest.fixture(scope="module")
def alias(aws):
    """An alias of a KMS key that this module has to itself."""
    return aws.make_key()[1]


class Factory:
    """Makes servers and ends them."""

    def __init__(self, installation, aws, alias):
        self._what = (installation, aws, alias)
        self.clusters = []

    def __call__(
        self, start=True, endpoint=None, alias=None, preload=None, conf=None, environment=None, **settings
    ):
        """`settings` are ours, without their prefix; `conf` is the rest; `environment` is the server's, beyond the usual."""
        installation, aws, own_alias = self._what
        conf = dict(conf or {}) | {f"activity_stream.{name}": value for name, value in settings.items()}
        if preload is not None:
            conf["shared_preload_libraries"] = preload
        cluster = Cluster(installation, aws, alias or own_alias, conf, endpoint, environment)
        self.clusters.append(cluster)
        return cluster.start() if start else cluster

    def close(self):
        for cluster in self.clusters:
            cluster.close()


@pytest.fixture
def make_cluster(installation, aws, alias):
    """Servers of one test's own."""
    factory = Factory(installation, aws, alias)
    yield factory
    factory.close()


@pytest.fixture(scope="module")
def cluster(installation, aws, alias):
    """A server that the tests of a module share."""
    factory = Factory(installation, aws, alias)
    yield factory()
    factory.close()


@pytest.fixture(scope="module")
def target(cluster):
    """That server, to be attacked."""
    cluster.execute("CREATE EXTENSION activity_stream")
    return Target(cluster)


@pytest.fixture
def make_proxy(aws):
    """Proxies before the local AWS."""
    proxies = []

    def make(state=Proxy.OPEN):
        proxies.append(Proxy(aws.endpoint, state))
        return proxies[-1]

    yield make
    for proxy in proxies:
        proxy.close()


@pytest.fixture
def make_injector(aws):
    """Injectors of faults before the local AWS."""
    with contextlib.ExitStack() as injectors:
        yield lambda seed=1: injectors.enter_context(Injector(aws, seed))


@pytest.fixture
def injector(make_injector):
    """One injector, if one is enough."""
    return make_injector()


@contextlib.contextmanager
def sync_server(installation, aws, alias, conf=None, **settings):
    """A server in sync mode whose stream can be frozen."""
    with contextlib.ExitStack() as ends:
        factory = Factory(installation, aws, alias)
        ends.callback(factory.close)
        injector = ends.enter_context(Injector(aws))
        cluster = factory(endpoint=injector.endpoint, conf=conf, **(SETTINGS | settings))
        yield ends.enter_context(contextlib.closing(SyncServer(cluster, injector)))


@pytest.fixture
def make_sync(installation, aws, alias):
    """Such servers of one test's own."""
    with contextlib.ExitStack() as servers:

        def make(**settings):
            server = servers.enter_context(sync_server(installation, aws, alias, **settings))
            make.clusters.append(server.cluster)
            return server

        make.clusters = []
        yield make


@pytest.fixture(scope="session")
def consumer():
    """Starts activity-consumer."""
    binary = os.environ["ACTIVITY_E2E_CONSUMER"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    env |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}

    def start(*arguments, environment=None, **options):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([binary, *arguments], env=env | (environment or {}), **(pipes | options))

    return start


@pytest.fixture(params=PROTOCOLS)
def run(cluster, request):
    """The events of statements in a session of their own, by either protocol."""

    def record(*statements):
        def send(session):
            for statement in statements:
                ask(session, statement, request.param).answer()

        return record_raw(cluster, send)

    return record


@pytest.fixture(params=PROTOCOLS)
def send(request):
    """Sends a statement by either protocol and reads nothing."""
    return lambda session, statement: ask(session, statement, request.param)
