"""Other extensions with the same hooks, before us and behind us: each says what it says without us, and so do we."""

from pathlib import Path

import pytest

from beside import AUDIT, CONF, NEIGHBOURS, OURS, SCRIPT, Account
from conftest import Factory
from filtered import settle
from waiting import wait_for

ORDERS = {
    "we are first": [OURS, *NEIGHBOURS],
    "we are last": [*NEIGHBOURS, OURS],
    "we are last of them reversed": [*reversed(NEIGHBOURS), OURS],
    "we are first of them reversed": [OURS, *reversed(NEIGHBOURS)],
    "we are among them": [NEIGHBOURS[0], OURS, *NEIGHBOURS[1:]],
    "we are among them reversed": [NEIGHBOURS[2], OURS, NEIGHBOURS[1], NEIGHBOURS[0]],
}
# One alone beside us; where it is first and where we are.
ORDERS |= {f"{name} first": [name, OURS] for name in NEIGHBOURS}
ORDERS |= {f"{name} last": [OURS, name] for name in NEIGHBOURS}


class Servers:
    """One server an order, started when it is asked for, and what was said in it."""

    def __init__(self, installation, aws, alias):
        self._what = (installation, aws, alias)
        self._found = {}

    def account(self, libraries):
        """What everybody said, and what we told; the server is gone then."""
        key = tuple(libraries)
        if key not in self._found:
            factory = Factory(*self._what)
            try:
                self._found[key] = self._run(factory, libraries)
            finally:
                factory.close()
        return self._found[key]

    @staticmethod
    def _run(factory, libraries):
        conf = {name: value for name, value in CONF.items() if "." not in name or name.split(".")[0] in libraries}
        cluster = factory(preload=",".join(libraries), conf=conf)
        account = Account(cluster, libraries)
        if OURS not in libraries:
            return account, None
        settle(cluster)
        wait_for(lambda: cluster.reader.poll() == [], "nothing new")
        cluster.reader.check_complete()
        return account, account.told(cluster)


@pytest.fixture(scope="module")
def servers(installation, aws, alias):
    libraries = Path(installation.run("pg_config", "--pkglibdir").stdout.strip())
    if not (libraries / f"{AUDIT}.so").exists():
        pytest.skip(f"{AUDIT} is not installed in {libraries}")
    return Servers(installation, aws, alias)


def without_us(libraries):
    return [name for name in libraries if name != OURS]


@pytest.mark.parametrize("order", ORDERS)
def test_the_clients_see_what_they_see_without_us(servers, order):
    account, _ = servers.account(ORDERS[order])
    alone, _ = servers.account(without_us(ORDERS[order]))
    assert account.failed == alone.failed
    assert len(account.failed) >= 8
    assert not account.crashed


@pytest.mark.parametrize("order", [order for order, libraries in ORDERS.items() if AUDIT in libraries])
def test_pgaudit_writes_the_lines_that_it_writes_without_us(servers, order):
    account, _ = servers.account(ORDERS[order])
    alone, _ = servers.account(without_us(ORDERS[order]))
    assert len(alone.audited) > len(SCRIPT)
    assert {line.split(",")[0] for line in alone.audited} == {"SESSION", "OBJECT"}
    assert account.audited == alone.audited


@pytest.mark.parametrize("order", [order for order, libraries in ORDERS.items() if "pg_stat_statements" in libraries])
def test_pg_stat_statements_counts_what_it_counts_without_us(servers, order):
    account, _ = servers.account(ORDERS[order])
    alone, _ = servers.account(without_us(ORDERS[order]))
    assert len(alone.counted) > 20
    assert account.counted == alone.counted


@pytest.mark.parametrize("order", [order for order, libraries in ORDERS.items() if "auto_explain" in libraries])
def test_auto_explain_logs_the_plans_that_it_logs_without_us(servers, order):
    account, _ = servers.account(ORDERS[order])
    alone, _ = servers.account(without_us(ORDERS[order]))
    assert len(alone.plans) > 15 and alone.explained > 15
    assert (account.plans, account.explained) == (alone.plans, alone.explained)


@pytest.mark.parametrize("order", ORDERS)
def test_we_tell_what_we_tell_without_them(servers, order):
    _, told = servers.account(ORDERS[order])
    _, alone = servers.account([OURS])
    assert len(alone) > len(SCRIPT)
    assert told == alone
