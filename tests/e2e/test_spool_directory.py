"""The spool's directory: on a disk that is full, of another user, in a data directory that was copied."""

import os
import secrets
import shutil
import subprocess

import pytest

from accounts import closed_windows, gap_ends, missing, params, spooled, status, stream_events, windows
from verified import verify_both
from waiting import wait_for

as_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
_DISK_BYTES = 2 * 1024 * 1024


@pytest.fixture
def small_disk(installation):
    """A file system of 2 MB that belongs to the server's user."""
    folder = installation.new_folder()
    options = f"size={_DISK_BYTES},mode=700,uid={folder.stat().st_uid},gid={folder.stat().st_gid}"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True)
    if mounted.returncode != 0:
        shutil.rmtree(folder)
        pytest.skip(f"cannot mount: {mounted.stderr.strip()}")
    yield folder
    # The server that uses it is ended after this.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    shutil.rmtree(folder)


def publish(cluster, what, count=20, filler_bytes=8):
    """Statements in a session of their own; their texts."""
    texts = [f"SELECT length('{what} {number} {secrets.token_hex(filler_bytes)}')" for number in range(count)]
    cluster.execute(*texts)
    return texts


def check_delivered(cluster, texts):
    cluster.settle()
    cluster.reader.check_complete(twice_is_fine=True)
    assert not missing(cluster, texts)


@as_root
def test_a_full_disk_is_told_and_all_is_delivered_when_there_is_room(make_cluster, injector, small_disk, consumer):
    cluster = make_cluster(endpoint=injector.endpoint, spool_directory=small_disk / "spool")
    cluster.execute("CREATE EXTENSION activity_stream")
    cluster.settle()
    with injector.off():
        # Twice what the disk takes, and a fraction of the ring.
        texts = publish(cluster, "on a full disk", 60, filler_bytes=50_000)
        wait_for(lambda: cluster.log_lines("WARNING", "AS002", "events might be lost"), "the log tells of the disk")
        (window,) = windows(cluster)
        assert (window["reason"], window["ended_at"]) == ("spool unwritable", None)
        assert "No space left on device" in window["detail"]
        resized = ["mount", "-o", f"remount,size={16 * _DISK_BYTES}", str(small_disk)]
        subprocess.run(resized, check=True)
        wait_for(lambda: windows(cluster)[0]["ended_at"], "the window is closed")
        spooled(cluster)
    check_delivered(cluster, texts)
    (window,) = closed_windows(cluster)
    assert window["lost_events"] == 0
    assert len(cluster.log_lines("AS002", "no more events can be lost; none is known to be")) == 1
    end = params(gap_ends(cluster)[0])
    assert (end["window"], end["reason"], end["count"]) == (window["id"], "spool unwritable", "0")
    assert verify_both(consumer, cluster)["losses"] == {"windows": 1, "events": 0, "unknown": 0}


@as_root
def test_a_directory_that_the_server_may_not_use_is_told_and_the_stream_works_without(make_cluster, injector):
    cluster = make_cluster(start=False, endpoint=injector.endpoint)
    directory = cluster.data / "activity_stream_spool"
    directory.mkdir(mode=0o700)
    assert directory.stat().st_uid == 0
    cluster.start()
    cluster.execute("CREATE EXTENSION activity_stream")
    check_delivered(cluster, publish(cluster, "without a spool"))
    told = wait_for(lambda: cluster.log_lines("WARNING", "activity_stream", str(directory.name)), "the log tells of it")
    with injector.off():
        texts = publish(cluster, "in the ring alone")
        wait_for(lambda: cluster.log_lines("WARNING", "the stream cannot be reached"), "the outage is noticed")
    check_delivered(cluster, texts)
    assert status(cluster, "spooled_events") == 0
    assert len(told) <= 2, told
    assert not list(directory.iterdir())
    # While AWS is there: without a spool it would wait for it.
    cluster.stop()


@pytest.fixture
def original_and_copy(make_cluster, injector):
    """A server that was stopped in an outage, and one that was started on a copy of its data directory; what the spool of the
    first one holds."""

    def make(same_instance=False):
        original = make_cluster(endpoint=injector.endpoint)
        original.execute("CREATE EXTENSION activity_stream")
        original.settle()
        # The same stream, so that what it delivers is seen.
        copy = make_cluster(start=False, cluster_id=original.cluster_id)
        if same_instance:
            copy.configure({"activity_stream.instance_id": original.instance_id})
        with injector.off():
            texts = publish(original, "of the original")
            spooled(original)
            original.stop()
            conf = (copy.data / "postgresql.conf").read_bytes()
            shutil.rmtree(copy.data)
            subprocess.run(["cp", "-a", str(original.data), str(copy.data)], check=True)
            (copy.data / "postgresql.conf").write_bytes(conf)
            copy.start()
        copy.reader = original.reader
        return original, copy, texts

    return make


@pytest.mark.parametrize("same_instance", [True, False], ids=["same instance", "another instance"])
def test_a_copied_data_directory_does_not_deliver_the_originals_records(original_and_copy, same_instance):
    original, copy, texts = original_and_copy(same_instance)
    check_delivered(copy, publish(copy, "of the copy"))
    assert len(missing(copy, texts)) == len(texts)
    assert len(copy.log_lines("WARNING", "set aside as *.foreign and not delivered")) == 1
    assert list((copy.data / "activity_stream_spool").glob("*.segment.foreign"))
    copy.stop()
    copy.start()
    copy.settle()
    assert len(missing(copy, texts)) == len(texts)
    copy.stop()
    original.start()
    check_delivered(original, texts)


def test_a_copy_does_not_go_on_in_the_originals_name(original_and_copy):
    _, copy, _ = original_and_copy()
    copy.settle()
    assert params(stream_events(copy, "START")[-1])["previousEpoch"] == "none"
    assert len(copy.log_lines("WARNING", "state.json", "is set aside as")) == 1
