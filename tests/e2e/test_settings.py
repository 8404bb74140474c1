"""Settings: a server that is configured wrongly does not start, or keeps what it had, and says why."""

import psycopg
import pytest

from waiting import wait_for


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kms_key_id": ""}, ["activity_stream.kms_key_id is required when activity_stream.mode is not off"]),
        (
            {"mode": "sometimes"},
            ['invalid value for parameter "activity_stream.mode": "sometimes"', "off, async, sync"],
        ),
        ({"cluster_id": "cluster-db"}, ['invalid value for parameter "activity_stream.cluster_id"', "A-Z"]),
        ({"instance_id": "db-lower"}, ['invalid value for parameter "activity_stream.instance_id"', '"db-"']),
        ({"region": "Frankfurt"}, ['invalid value for parameter "activity_stream.region"', "eu-central-1"]),
        ({"kms_key_id": "a key"}, ['invalid value for parameter "activity_stream.kms_key_id"', "alias/NAME"]),
        ({"endpoint_url": "localhost"}, ['invalid value for parameter "activity_stream.endpoint_url"', "http://"]),
        ({"ring_size": "1kB"}, ['invalid value for parameter "activity_stream.ring_size"', "kB"]),
        ({"max_in_flight": "many"}, ['invalid value for parameter "activity_stream.max_in_flight"']),
        ({"stream_name": "no spaces please"}, ['invalid value for parameter "activity_stream.stream_name"']),
    ],
)
def test_a_server_with_a_wrong_setting_does_not_start_and_says_why(make_cluster, settings, words):
    cluster = make_cluster(start=False, **settings)
    assert cluster.try_start().returncode != 0
    assert not cluster.running()
    for word in words:
        assert word in cluster.log(), cluster.log()
    assert "HINT:" in cluster.log()


def test_a_server_that_has_no_room_for_the_worker_does_not_start(make_cluster):
    cluster = make_cluster(start=False, conf={"max_worker_processes": 0})
    assert cluster.try_start().returncode != 0
    assert "activity_stream has no background worker" in cluster.log()
    assert "HINT:  Raise max_worker_processes" in cluster.log()


def test_mode_off_needs_no_key(make_cluster):
    cluster = make_cluster(mode="off", kms_key_id="")
    assert cluster.value("SHOW activity_stream.mode") == "off"


def test_loaded_by_a_session_it_says_where_it_belongs(make_cluster):
    cluster = make_cluster(preload="")
    with pytest.raises(psycopg.errors.Error) as caught, cluster.connect() as session:
        session.execute("LOAD 'activity_stream'")
    error = caught.value.diag
    assert error.message_primary == "activity_stream must be loaded via shared_preload_libraries"
    assert "postgresql.conf" in error.message_hint
    assert error.message_detail
    # Nothing is left of it in the server.
    assert cluster.value("SELECT 1") == 1


def test_a_wrong_value_on_reload_keeps_the_old_one_and_is_logged(make_cluster):
    cluster = make_cluster()
    for name, wrong in (("mode", "sometimes"), ("kms_key_id", "a key"), ("max_in_flight", "0"), ("kms_key_id", "")):
        before = cluster.value(f"SHOW activity_stream.{name}")
        right = cluster.conf[f"activity_stream.{name}"] if name != "max_in_flight" else None
        lines = len(cluster.log_lines(f'"activity_stream.{name}"'))
        cluster.configure({f"activity_stream.{name}": wrong})
        cluster.execute("SELECT pg_reload_conf()")
        wait_for(
            lambda n=name, seen=lines: len(cluster.log_lines(f'"activity_stream.{n}"')) > seen,
            lambda n=name: f"the log tells of {n}: {cluster.log()[-1500:]}",
        )
        assert cluster.value(f"SHOW activity_stream.{name}") == before
        cluster.configure({f"activity_stream.{name}": right})
    cluster.execute("SELECT 'still streamed'")
    cluster.reader.wait_for_text("still streamed")


def test_ids_are_derived_from_the_system_identifier_and_stay(make_cluster):
    cluster = make_cluster(mode="off", cluster_id="", instance_id="")
    ids = [cluster.value(f"SHOW activity_stream.{name}") for name in ("cluster_id", "instance_id", "stream_name")]
    assert ids[2] == f"aws-rds-das-{ids[0]}"
    cluster.stop()
    cluster.start()
    assert ids == [
        cluster.value(f"SHOW activity_stream.{name}") for name in ("cluster_id", "instance_id", "stream_name")
    ]


def test_parameters_are_left_out_when_asked(make_cluster):
    cluster = make_cluster(log_parameters="off")
    events = cluster.record(lambda session: session.execute("SELECT %s::text", ("private",)))
    assert events[0]["paramList"] == []


def test_the_service_name_is_in_the_events(make_cluster):
    cluster = make_cluster(service_name="orders")
    assert cluster.record(lambda session: session.execute("SELECT 1"))[0]["serviceName"] == "orders"
