"""What leaves the host does so over TLS, to whom the server trusts; what does not is allowed by name and told."""

import pytest

from accounts import params, status, stream_events
from local_aws import REGION
from tls import Authority, TlsEnd
from waiting import wait_for


@pytest.fixture(scope="module")
def authority(installation):
    authority = Authority(installation.new_folder(), "activity_stream e2e")
    yield authority
    authority.close()


@pytest.fixture(scope="module")
def stranger(installation):
    """An authority that signed nothing here."""
    stranger = Authority(installation.new_folder(), "somebody else")
    yield stranger
    stranger.close()


@pytest.fixture
def make_end(aws, authority):
    """TLS in front of the local AWS."""
    ends = []

    def make(*names, host=None, **how):
        ends.append(TlsEnd(aws.endpoint, authority.context(*names, **how), host or names[0]))
        return ends[-1]

    yield make
    for end in ends:
        end.close()


def refusal(cluster):
    """What the status says of the way to AWS, when it says something."""
    cluster.execute("CREATE EXTENSION IF NOT EXISTS activity_stream")
    return wait_for(lambda: status(cluster, "last_error"), "the status tells why")


def streams(cluster):
    cluster.execute("SELECT 'by a safe way'")
    cluster.settle()
    return cluster.reader.wait_for_text("by a safe way")


# Plain HTTP


@pytest.mark.parametrize(
    "setting",
    ["endpoint_url", "kinesis_endpoint_url", "kms_endpoint_url", "sns_endpoint_url", "eventbridge_endpoint_url"],
)
def test_a_server_with_a_plain_http_endpoint_on_another_host_does_not_start(make_cluster, setting):
    cluster = make_cluster(start=False, **{setting: "http://vpce.example.com"})
    assert cluster.try_start().returncode != 0
    assert cluster.log_lines("FATAL", "plain HTTP to another host is refused", f"activity_stream.{setting} = 'http://vpce")
    assert cluster.log_lines("HINT:", "https://", "activity_stream.allow_insecure_endpoint = on")


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KINESIS"])
def test_one_that_the_environment_names_is_refused_and_the_status_says_so(make_cluster, aws, variable):
    environment = {"AWS_ENDPOINT_URL": aws.endpoint} | {variable: "http://kinesis.example.com"}
    cluster = make_cluster(environment=environment, conf={"activity_stream.endpoint_url": None})
    told = refusal(cluster)
    assert "plain HTTP to " in told, told
    assert cluster.log_lines("WARNING", "AS001", "plain HTTP to ")
    assert cluster.log_lines("use an https:// ")
    assert not aws.stream(cluster.stream)


def test_one_that_is_allowed_is_used_and_told_in_the_log_and_on_the_stream(make_cluster, make_proxy):
    # No loopback address by any rule, and it leads here without a network.
    endpoint = make_proxy().endpoint.replace("127.0.0.1", "0.0.0.0")
    refused = make_cluster(start=False, endpoint=endpoint)
    assert refused.try_start().returncode != 0
    cluster = make_cluster(endpoint=endpoint, allow_insecure_endpoint="on")
    assert streams(cluster)
    assert cluster.log_lines("WARNING", "activity_stream.allow_insecure_endpoint is on")
    assert cluster.log_lines("DETAIL", f"activity_stream.endpoint_url = '{endpoint}'")
    assert params(stream_events(cluster, "START")[0])["allowInsecureEndpoint"] == "on"


def test_plain_http_on_this_host_is_nothing_to_tell_of(make_cluster, aws):
    cluster = make_cluster(endpoint=aws.endpoint.replace("127.0.0.1", "localhost"))
    assert streams(cluster)
    assert not cluster.log_lines("insecure")
    assert params(stream_events(cluster, "START")[0])["allowInsecureEndpoint"] == "off"


# TLS


def test_an_authority_of_ones_own_is_trusted_by_its_file(make_cluster, make_end, authority):
    end = make_end("127.0.0.1", "localhost")
    cluster = make_cluster(endpoint=end.endpoint, ca_file=str(authority.file))
    assert streams(cluster)
    assert end.handshakes and not end.refusals


def test_the_file_may_be_named_relative_to_the_data_directory(make_cluster, make_end, authority):
    end = make_end("localhost")
    cluster = make_cluster(start=False, endpoint=end.endpoint, ca_file="aws-ca.pem")
    (cluster.data / "aws-ca.pem").write_bytes(authority.file.read_bytes())
    assert streams(cluster.start())


@pytest.mark.parametrize(
    ("words", "names", "how", "trusted"),
    [
        ("UnknownIssuer", ["127.0.0.1"], {}, False),
        ("not valid for name", ["kinesis.example.com"], {"host": "127.0.0.1"}, True),
        ("certificate expired", ["127.0.0.1"], {"expired": True}, True),
    ],
    ids=["unknown issuer", "wrong name", "expired"],
)
def test_a_certificate_that_does_not_hold_is_refused_and_the_status_says_why(
    make_cluster, make_end, authority, stranger, aws, words, names, how, trusted
):
    end = make_end(*names, **how)
    cluster = make_cluster(endpoint=end.endpoint, ca_file=str((authority if trusted else stranger).file))
    told = refusal(cluster)
    assert words in told, told
    assert cluster.log_lines("HINT:", "ca_file" if words == "UnknownIssuer" else "the endpoint's")
    assert end.refusals and not end.handshakes
    assert not aws.stream(cluster.stream)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read"), ("", "no certificate in it"), ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "invalid")],
    ids=["missing", "empty", "damaged"],
)
def test_a_server_whose_ca_file_cannot_be_used_does_not_start(make_cluster, content, words):
    cluster = make_cluster(start=False, ca_file="aws-ca.pem")
    if content is not None:
        (cluster.data / "aws-ca.pem").write_text(content)
    assert cluster.try_start().returncode != 0
    assert cluster.log_lines("FATAL", 'activity_stream.ca_file "aws-ca.pem" cannot be used', words)
    assert cluster.log_lines("HINT:", "PEM file")


def test_the_consumer_keeps_the_same_rules(make_cluster, make_end, authority, stranger, consumer):
    cluster = make_cluster()
    assert streams(cluster)
    end = make_end("127.0.0.1")

    def tail(endpoint, *arguments):
        where = ("--stream", cluster.stream, "--endpoint-url", endpoint, "--from", "trim-horizon", "--idle-timeout", "2")
        process = consumer("tail", *where, *arguments, environment={"AWS_MAX_ATTEMPTS": "1"})
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    code, out, err = tail(end.endpoint, "--ca-file", str(authority.file))
    assert code == 0 and "by a safe way" in out, err
    for endpoint, arguments, words in (
        (end.endpoint, ("--ca-file", str(stranger.file)), "UnknownIssuer"),
        (end.endpoint, ("--ca-file", "/nonexistent"), "/nonexistent cannot be used"),
        ("http://kinesis.example.com", (), "plain HTTP to another host"),
    ):
        code, out, err = tail(endpoint, *arguments)
        assert code != 0 and not out and words in err, (words, err)


# Endpoints of single services


def test_each_service_has_an_endpoint_of_its_own(make_cluster, make_end, authority, aws):
    kinesis, kms = make_end("127.0.0.1"), make_end("localhost")
    cluster = make_cluster(
        endpoint="http://127.0.0.1:1",
        kinesis_endpoint_url=kinesis.endpoint,
        kms_endpoint_url=kms.endpoint,
        ca_file=str(authority.file),
    )
    assert streams(cluster)
    assert kinesis.handshakes and kms.handshakes
    assert cluster.value("SHOW activity_stream.region") == REGION


def test_the_fips_endpoints_are_asked_where_the_environment_wants_them(make_cluster):
    environment = {"AWS_USE_FIPS_ENDPOINT": "true"}
    # A region that does not exist: the name that is looked up is told.
    cluster = make_cluster(environment=environment, region="us-nowhere-1", conf={"activity_stream.endpoint_url": None})
    told = wait_for(lambda: cluster.log_lines("fips.us-nowhere-1.amazonaws.com"), lambda: cluster.log()[-2000:])
    assert told
