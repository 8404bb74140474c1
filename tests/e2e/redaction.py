"""A secret, the servers and clients that it is tried with, and where it shows."""

import json
import re

from conftest import Factory
from told import ask, record_raw

SECRET = "Xyzzy7PlughQuux8Frobnicate9"
REDACTED = "<REDACTED>"
SETUP = (
    "CREATE EXTENSION dblink",
    "CREATE EXTENSION postgres_fdw",
    "CREATE SERVER s0 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1')",
    "CREATE TABLE note (a text, b text)",
    "CREATE TABLE account (login text, password text)",
    "CREATE FUNCTION run(statement text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE statement; END'",
    "CREATE FUNCTION careful(statement text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE statement; "
    "EXCEPTION WHEN OTHERS THEN PERFORM 1; END'",
)


def secret(text):
    """What is sent."""
    return re.sub("[«»]", "", text).replace("§", SECRET)


def redacted(text):
    """What is told."""
    return re.sub("«.*?»", "§", text).replace("§", REDACTED)


def as_it_is(statement):
    return statement


def broken(statement):
    return f"SELEC 'kept' || {statement}"


def make_server(installation, aws, alias):
    """What makes a server, and one that writes none of this into its own log."""
    factory = Factory(installation, aws, alias)
    cluster = factory(conf={"log_min_messages": "log", "log_min_error_statement": "panic", "wal_level": "logical"})
    cluster.execute(*SETUP)
    return factory, cluster


def leaks(events):
    """Events with the secret anywhere in their JSON."""
    shown = ("command", "commandText", "paramList", "errorMessage")
    return [[e[name] for name in shown] for e in events if SECRET in json.dumps(e)]


def run(cluster, statements, protocol):
    """The events of statements, each in a message of its own, whatever comes of it."""

    def send(session):
        for statement in statements:
            got = ask(session, secret(statement), protocol).until("ZG")
            if got[-1].kind == "G":
                session.copy_done().answer()

    return record_raw(cluster, send)
