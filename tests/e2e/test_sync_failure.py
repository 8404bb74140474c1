"""Sync mode with on_failure = fail_operation: what cannot be made durable has not happened, in whatever shape it commits.

One server goes through it once, for all shapes: a session of each waits until the time is over (*late*); another one of each
finds the stream known to be unhealthy (*at once*); and when it is healthy again the late ones do the same once more (*again*).
"""

from dataclasses import dataclass, field

import pytest

import sync_shapes
from conftest import sync_server
from frozen import NOTICED_SECONDS, REFUSED, timed
from rawpg import RawSession, errors
from sync_shapes import SHAPES
from told import ended

_TIMEOUT_SECONDS = 2


@dataclass
class Outcome:
    """What came of a shape's act for one mark."""

    errors: list
    status: str
    seconds: float
    visible: int


@dataclass
class Story:
    """What happened, by the name of the shape and the part of the story."""

    server: object
    sessions: dict = field(default_factory=dict)
    outcomes: dict = field(default_factory=dict)

    def mark(self, name, part):
        return f"{part} {name}"

    def get_ready(self, name, part):
        session = self.sessions[name, part] = self.sessions.get((name, part)) or RawSession(self.server.cluster.port).ready()
        SHAPES[name].get_ready(session, self.mark(name, part))

    def act(self, name, part):
        SHAPES[name].act(self.sessions[name, part], self.mark(name, part))

    def outcome(self, name, part):
        got, seconds = timed(lambda: self.sessions[name, part].answer())
        visible = self.server.sees(SHAPES[name].probe_for(self.mark(name, part)))
        self.outcomes[name, part] = Outcome(errors(got), got[-1].body.decode(), seconds, visible)


@pytest.fixture(scope="module")
def story(installation, aws, alias):
    settings = {"sync_timeout": f"{_TIMEOUT_SECONDS}s", "on_failure": "fail_operation"}
    with sync_server(installation, aws, alias, conf=sync_shapes.CONF, **settings) as server:
        server.cluster.execute(*sync_shapes.SETUP)
        story = Story(server)
        for name in SHAPES:
            story.get_ready(name, "late")
            story.get_ready(name, "at once")
        with server.frozen():
            # Those that lock the same row or table would wait for one another.
            for name in SHAPES:
                story.act(name, "late")
            for name in SHAPES:
                story.outcome(name, "late")
            server.unhealthy()
            for name in SHAPES:
                story.act(name, "at once")
                story.outcome(name, "at once")
        server.healthy()
        for name in SHAPES:
            session = story.sessions[name, "again"] = story.sessions[name, "late"]
            session.run("ROLLBACK")
            story.get_ready(name, "again")
            story.act(name, "again")
            story.outcome(name, "again")
        yield story


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_not_durable_in_time_fails_and_leaves_no_trace(story, name):
    outcome = story.outcomes[name, "late"]
    assert (outcome.errors, outcome.visible) == ([REFUSED], 0)


@pytest.mark.parametrize("name", SHAPES)
def test_while_the_stream_is_unhealthy_it_fails_at_once_and_leaves_no_trace(story, name):
    outcome = story.outcomes[name, "at once"]
    assert (outcome.errors, outcome.visible) == ([REFUSED], 0)
    assert outcome.seconds < _TIMEOUT_SECONDS / 2


@pytest.mark.parametrize("name", SHAPES)
def test_when_it_is_healthy_again_the_same_session_succeeds(story, name):
    outcome = story.outcomes[name, "again"]
    assert (outcome.errors, outcome.visible) == ([], SHAPES[name].seen)


@pytest.mark.parametrize("name", SHAPES)
def test_no_trace_appears_later_and_the_session_is_in_no_transaction(story, name):
    for part in ("late", "at once"):
        assert story.server.sees(SHAPES[name].probe_for(story.mark(name, part))) == 0
        # A BEGIN or a COMMIT that fails leaves no block.
        assert story.outcomes[name, part].status == "I"


@pytest.mark.parametrize("part", ["late", "at once"])
def test_each_failure_is_an_event(story, part):
    for name in SHAPES:
        session = story.sessions[name, part]
        session.terminate()
        session.until_closed()
        failed = [e for e in ended(story.server.cluster, session.pid) if e["exitCode"] == REFUSED]
        assert len(failed) == 1, (name, failed)


def test_those_that_wait_are_let_go_together(story):
    assert sum(story.outcomes[name, "late"].seconds for name in SHAPES) < _TIMEOUT_SECONDS + NOTICED_SECONDS


def test_a_prepared_transaction_whose_end_is_refused_is_still_there(story):
    for part in ("late", "at once"):
        for name in ("COMMIT PREPARED", "ROLLBACK PREPARED"):
            gid = story.mark(name, part)
            assert story.server.sees(f"SELECT count(*) FROM pg_prepared_xacts WHERE gid = '{gid}'") == 1


def test_it_was_one_window_and_nothing_was_lost(story):
    assert story.server.windows() == [("not durable in time", True, 0)]
    assert story.server.all_is_on_the_stream()
    story.server.reader.check_complete(twice_is_fine=True)
