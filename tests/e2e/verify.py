"""Whether records prove that their stream is complete and unchanged: docs/format.md, "Sequence and chain".

A second implementation beside `activity-consumer verify`, written from the definition and sharing no code with it. It keeps
every event's chain in memory, which a test can afford.

    python verify.py FILE          one inner JSON a line; prints the report, and exits with 1 if not all is accounted for
    python verify.py --many FILE   several such lists, each ended by an empty line; prints a report a line

FILE may be -, for standard input.
"""

import argparse
import hashlib
import json
import re
import sys
from dataclasses import dataclass, field

_EPOCH = re.compile(r"[0-9a-f]{16}")
_CHAIN = re.compile(r"[0-9a-f]{64}")
_WINDOW = re.compile(r"[0-9a-f]{16}-[0-9]+")
_DIGITS = re.compile(r"[0-9]+")
_SPACE = re.compile(r"[ \t\n\r]*")
_MAX_SEQUENCE = 2**63 - 1

# Members that are read; twice in one object they would be read in two ways.
_RECORD = {"type", "instanceId", "databaseActivityEventList", "epoch", "firstSequence", "chain"}
_EVENT = {"type", "sequence", "logTime", "class", "command", "dbUserName", "paramList"}


class Unreadable(Exception):
    """A record that is no evidence, or an event of the stream that makes no sense."""


def _object(pairs):
    """A JSON object, none of whose members that are read is there twice."""
    names = [name for name, _ in pairs]
    if any(names.count(name) > 1 for name in _RECORD | _EVENT):
        raise Unreadable("a member is there twice")
    return dict(pairs)


def _constant(name):
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


def begin(epoch):
    """The chain before the first event of an epoch."""
    return hashlib.sha256(b"activity_stream chain 1\n" + epoch.encode()).digest()


def then(chain, event):
    """The chain after one more event, given as its bytes."""
    return hashlib.sha256(chain + event).digest()


def _events_as_sent(text):
    """The bytes of each event in a record's text."""
    place = _skip(text, 0, "{")
    while True:
        name, place = _DECODER.raw_decode(text, place)
        place = _skip(text, place, ":")
        if name == "databaseActivityEventList":
            break
        _, place = _DECODER.raw_decode(text, place)
        place = _skip(text, place, ",")
    place = _skip(text, place, "[")
    events = []
    while text[place] != "]":
        _, end = _DECODER.raw_decode(text, place)
        events.append(text[place:end].encode())
        place = _SPACE.match(text, end).end()
        if text[place] == ",":
            place = _skip(text, place, ",")
    return events


def _skip(text, place, mark):
    place = _SPACE.match(text, place).end()
    if text[place] != mark:
        raise Unreadable(f"no {mark} at {place}")
    return _SPACE.match(text, place + 1).end()


def _expect(holds, what):
    if not holds:
        raise Unreadable(what)


def _is_number(value):
    return type(value) is int and 0 <= value <= _MAX_SEQUENCE


@dataclass
class Record:
    """A record of events."""

    instance: str
    epoch: str
    chain: bytes
    events: list  # of (members, bytes)


def parse(raw):
    """A record; None for a heartbeat."""
    try:
        text = raw.decode()
        record = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"no JSON: {error}") from error
    _expect(isinstance(record, dict) and record.get("type") == "DatabaseActivityMonitoringRecord", "another type")
    events = record.get("databaseActivityEventList")
    _expect(isinstance(events, list) and events, "no events")
    for event in events:
        _expect(isinstance(event, dict), "an event that is no object")
        for name in ("type", "logTime", "class", "command", "dbUserName"):
            _expect(event.get(name) is None or isinstance(event[name], str), name)
    place = [record.get(name) for name in ("epoch", "firstSequence", "chain")]
    if place == [None, None, None] and all(event.get("type") == "heartbeat" for event in events):
        return None
    epoch, first, chain = place
    _expect(isinstance(epoch, str) and _EPOCH.fullmatch(epoch), "no epoch")
    _expect(isinstance(chain, str) and _CHAIN.fullmatch(chain), "no chain")
    numbers = [event.get("sequence") for event in events]
    _expect(all(map(_is_number, numbers)), "no sequence")
    _expect(all(a < b for a, b in zip([0, *numbers], numbers)), "sequences that do not rise")
    _expect(_is_number(first) and first == numbers[0], "a firstSequence that does not fit")
    instance = record.get("instanceId", "")
    _expect(isinstance(instance, str), "instanceId")
    return Record(instance, epoch, bytes.fromhex(chain), list(zip(events, _events_as_sent(text), strict=True)))


def _params(event):
    params = {}
    listed = event.get("paramList") or []
    _expect(isinstance(listed, list) and all(isinstance(param, str) for param in listed), "paramList")
    for param in listed:
        name, equals, value = param.partition("=")
        _expect(equals and name not in params, "a parameter without a name, or twice")
        params[name] = value
    return params


def _get(params, name, form=None):
    _expect(name in params, f"no {name}")
    _expect(form is None or form.fullmatch(params[name]), f"another form of {name}")
    return params[name]


def _number(params, name):
    return int(_get(params, name, _DIGITS))


@dataclass
class Window:
    """A loss that the stream tells."""

    reason: str
    told_in: str
    ends: list = field(default_factory=list)  # of (to, count or -1, (epoch, first, last) or ())

    @property
    def end(self):
        """The latest: a count only rises, or becomes unknown."""
        return max(self.ends, key=lambda end: (end[0], end[1] < 0, end[1], end[2]))


@dataclass
class Epoch:
    """What is known of one epoch."""

    name: str
    instance: str
    before: dict = field(default_factory=dict)  # sequence to chain
    after: dict = field(default_factory=dict)
    logged: str | None = None
    duplicates: int = 0
    starts: list = field(default_factory=list)
    stop: int | None = None

    @property
    def last(self):
        return max(self.after)

    @property
    def first(self):
        return min(self.after)

    @property
    def previous(self):
        """(epoch, last sequence, chain, clean) of the one before, or None."""
        return self.starts[0][1] if self.starts else None


@dataclass
class Report:
    """What `verify` found."""

    problems: set = field(default_factory=set)  # of (kind, epoch or "")
    epochs: list = field(default_factory=list)
    unreadable: int = 0
    losses: dict = field(default_factory=dict)

    @property
    def accounted(self):
        """Whether all is accounted for."""
        return not self.problems

    def to_json(self):
        """As `activity-consumer verify --json` has it, but for what only people read."""
        return {
            "accounted": self.accounted,
            "problems": sorted(map(list, self.problems)),
            "epochs": self.epochs,
            "unreadable": self.unreadable,
            "losses": self.losses,
        }


class _Verifier:
    def __init__(self):
        self.report = Report()
        self.epochs = {}
        self.windows = {}
        self.unclean_stops = set()

    def problem(self, kind, epoch=""):
        self.report.problems.add((kind, epoch))

    def take(self, raw):
        try:
            record = parse(raw)
        except Unreadable:
            self.report.unreadable += 1
            return
        if record is None:
            return
        epoch = self.epochs.setdefault(record.epoch, Epoch(record.epoch, record.instance))
        chain = record.chain
        for event, sent in record.events:
            number, before = event["sequence"], chain
            chain = then(chain, sent)
            if number in epoch.after:
                epoch.duplicates += 1
                if epoch.after[number] != chain:
                    self.problem("conflict", epoch.name)
                continue
            epoch.before[number], epoch.after[number] = before, chain
            logged = event.get("logTime")
            if logged is not None and (epoch.logged is None or logged < epoch.logged):
                epoch.logged = logged
            if event.get("class") == "MISC" and event.get("dbUserName") == "activity_stream":
                try:
                    self.told(epoch, event)
                except Unreadable:
                    self.problem("malformed_event", epoch.name)

    def told(self, epoch, event):
        command = event.get("command")
        if command == "STREAM START":
            self.start(epoch, _params(event))
        elif command == "STREAM STOP":
            _expect(_get(_params(event), "epoch", _EPOCH) == epoch.name, "another epoch's stop")
            epoch.stop = max(epoch.stop or 0, event["sequence"])
        elif command in ("STREAM GAP BEGIN", "STREAM GAP END"):
            self.gap(epoch, _params(event), command == "STREAM GAP END")

    def start(self, epoch, params):
        name, end = _get(params, "epoch", _EPOCH), _get(params, "previousEnd")
        if _get(params, "previousEpoch") == "none":
            _expect(end == "none", "an end of no epoch")
            previous = None
        else:
            _expect(end in ("clean", "unclean"), "previousEnd")
            chain = bytes.fromhex(_get(params, "previousChain", _CHAIN))
            last = _number(params, "previousLastSequence")
            previous = (_get(params, "previousEpoch", _EPOCH), last, chain, end == "clean")
        epoch.starts.append((name, previous))

    def gap(self, epoch, params, is_end):
        name, reason = _get(params, "window", _WINDOW), _get(params, "reason")
        _get(params, "from")
        count = -1 if _get(params, "count") == "unknown" else _number(params, "count")
        lost = ()
        if is_end:
            _get(params, "to")
            if "firstSequence" in params or "lastSequence" in params:
                first, last = _number(params, "firstSequence"), _number(params, "lastSequence")
                _expect(0 < first <= last, "a range that is none")
                lost = (_get(params, "epoch", _EPOCH), first, last)
        window = self.windows.setdefault(name, Window(reason, epoch.name))
        window.told_in = epoch.name
        if is_end:
            window.ends.append((params["to"], count, lost))
            if reason == "unclean stop":
                # The epoch that opened the window; a later one may tell its end.
                self.unclean_stops.add(name.rsplit("-", 1)[0])

    # The verdict.

    def judge(self, allow_trimmed_start, allow_open_window, fail_on_loss):
        if not self.epochs:
            self.problem("nothing")
        if self.report.unreadable:
            self.problem("unreadable")
        self.order(allow_trimmed_start)
        self.lost = {}  # epoch to [first, last, count or -1], those that overlap or touch made one
        for epoch, first, last, count in sorted((*w.end[2], w.end[1]) for w in self.windows.values() if w.ends and w.end[2]):
            ranges = self.lost.setdefault(epoch, [])
            if ranges and first <= ranges[-1][1] + 1:
                known = -1 if -1 in (count, ranges[-1][2]) else count + ranges[-1][2]
                ranges[-1] = [ranges[-1][0], max(last, ranges[-1][1]), known]
            else:
                ranges.append([first, last, count])
        ordered = sorted(self.epochs.values(), key=lambda e: (e.logged is not None, e.logged or "", e.name))
        ends = {}
        for epoch in ordered:
            found = self.epoch(epoch)
            ends[epoch.name] = found["end"]
            self.report.epochs.append(found)
        self.losses(ends, allow_open_window, fail_on_loss)
        return self.report

    def order(self, allow_trimmed_start):
        self.successors, roots = {}, {}
        for epoch in self.epochs.values():
            if len(set(epoch.starts)) > 1 or any(name != epoch.name for name, _ in epoch.starts):
                self.problem("start_contradiction", epoch.name)
            if epoch.previous and epoch.previous[0] in self.epochs:
                self.successors.setdefault(epoch.previous[0], []).append(epoch)
            else:
                roots.setdefault(epoch.instance, []).append(epoch)
        self.firsts = set()
        reached = set()
        for of_instance in roots.values():
            first, *strays = sorted(of_instance, key=lambda e: (e.logged is not None, e.logged or ""))
            self.firsts.add(first.name)
            is_the_very_first = first.first == 1 and first.starts and first.previous is None
            if not is_the_very_first and not allow_trimmed_start:
                self.problem("trimmed_start", first.name)
            for stray in strays:
                # One that ended so soon that nothing of it is known to be delivered may have left nothing.
                _, named, _, clean = stray.previous or (None, None, None, True)
                if named != 0 or clean or stray.name not in self.unclean_stops:
                    self.problem("previous_missing", stray.name)
            following = list(of_instance)
            while following:
                epoch = following.pop()
                reached.add(epoch.name)
                following += self.successors.get(epoch.name, [])
        for name in self.epochs.keys() - reached:
            self.problem("circle", name)

    def epoch(self, epoch):
        numbers = sorted(epoch.after)
        broken = [1] if numbers[0] == 1 and epoch.before[1] != begin(epoch.name) else []
        for a, b in zip(numbers, numbers[1:]):
            if a + 1 == b and epoch.after[a] != epoch.before[b]:
                broken.append(b)
        if broken:
            self.problem("broken_link", epoch.name)
        last, unclean_above, end = epoch.last, None, "open"
        followed = self.successors.get(epoch.name, [])
        if len(followed) > 1:
            self.problem("two_successors", epoch.name)
        if followed:
            _, named, chain, clean = followed[0].previous
            known = begin(epoch.name) if named == 0 else epoch.after.get(named)
            if known not in (None, chain) or (clean and epoch.last > named):
                self.problem("end_differs", epoch.name)
            if not clean:
                unclean_above = named
                if followed[0].name not in self.unclean_stops:
                    self.problem("unclean_end_not_told", epoch.name)
            last, end = max(last, named), "clean" if clean else "unclean"
        if end != "unclean" and epoch.stop == epoch.last:
            end = "stop"
        return {
            "epoch": epoch.name,
            "events": len(numbers),
            "first_sequence": numbers[0],
            "last_sequence": numbers[-1],
            "duplicates": epoch.duplicates,
            "end": end,
            "gaps": self.gaps(epoch, last, unclean_above),
            "broken_links": broken,
        }

    def gaps(self, epoch, last, unclean_above):
        """Runs of missing numbers that have the same explanation."""
        gaps = []
        present = sorted(epoch.after)
        for low, high in zip([0, *present], [*present, last + 1]):
            marks = {low + 1, high, *(mark for a, b, _ in self.lost.get(epoch.name, []) for mark in (a, b + 1))}
            marks |= {unclean_above + 1} if unclean_above is not None else set()
            borders = sorted(mark for mark in marks if low < mark <= high)
            for first, behind in zip(borders, borders[1:]):
                by = self.account(epoch, first, unclean_above)
                if gaps and gaps[-1]["last"] + 1 == first and gaps[-1]["accounted_by"] == by:
                    gaps[-1]["last"] = behind - 1
                    continue
                gaps.append({"first": first, "last": behind - 1, "accounted_by": by})
        if any(gap["accounted_by"] is None for gap in gaps):
            self.problem("gap", epoch.name)
        for first, last, count in self.lost.get(epoch.name, []):
            if epoch.name in self.firsts:
                first = max(first, epoch.first)
            if unclean_above is not None:
                last = min(last, unclean_above)
            parts = (min(gap["last"], last) - max(gap["first"], first) + 1 for gap in gaps)
            if 0 <= count < sum(part for part in parts if part > 0):
                self.problem("loss_exceeded", epoch.name)
        return gaps

    def account(self, epoch, number, unclean_above):
        if any(first <= number <= last for first, last, _ in self.lost.get(epoch.name, [])):
            return "window"
        if epoch.name in self.firsts and number < epoch.first:
            return "trimmed_start"
        return "unclean_end" if unclean_above is not None and number > unclean_above else None

    def losses(self, ends, allow_open_window, fail_on_loss):
        counts = []
        for window in self.windows.values():
            if window.ends:
                counts.append(window.end[1])
            elif not (allow_open_window and ends[window.told_in] == "open"):
                self.problem("open_window", window.told_in)
        known = [count for count in counts if count >= 0]
        self.report.losses = {"windows": len(counts), "events": sum(known), "unknown": len(counts) - len(known)}
        if fail_on_loss and any(counts):
            self.problem("loss")


def verify(records, allow_trimmed_start=False, allow_open_window=False, fail_on_loss=False):
    """What these records prove, each the bytes of an inner JSON, in any order: a Report."""
    verifier = _Verifier()
    for raw in records:
        verifier.take(raw)
    return verifier.judge(allow_trimmed_start, allow_open_window, fail_on_loss)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=argparse.FileType("rb"))
    parser.add_argument("--many", action="store_true")
    for flag in ("--allow-trimmed-start", "--allow-open-window", "--fail-on-loss"):
        parser.add_argument(flag, action="store_true")
    arguments = vars(parser.parse_args())
    with arguments.pop("file") as file:
        if not arguments.pop("many"):
            report = verify([line.rstrip(b"\r\n") for line in file if line.strip()], **arguments)
            print(json.dumps(report.to_json(), indent=2))
            return 0 if report.accounted else 1
        records = []
        for line in file:
            if line.strip():
                records.append(line.rstrip(b"\r\n"))
                continue
            print(json.dumps(verify(records, **arguments).to_json()))
            records = []
    return 0


if __name__ == "__main__":
    sys.exit(main())
