"""Compares what pgaudit logged with what we told, and sums up."""

from collections import Counter
from dataclasses import dataclass, field

import pgaudit
from pgaudit_differences import OURS, THEIRS, Session


@dataclass
class Comparison:
    """What a comparison found."""

    lines: int = 0
    same: int = 0
    meant: int = 0
    events: int = 0
    # How often each rule explained something.
    used: Counter = field(default_factory=Counter)
    # What no rule explains.
    pairs: list = field(default_factory=list)
    extra: list = field(default_factory=list)

    @property
    def agreement(self):
        """The share of pgaudit's lines that are the same here, of those that are not meant to differ."""
        return self.same / max(1, self.lines - self.meant)

    @property
    def surplus(self):
        """The share of our events that pgaudit has nothing like and no rule explains."""
        return len(self.extra) / max(1, self.events)

    def __str__(self):
        shown = [
            f"{self.lines} lines of pgaudit's: {self.same} the same here ({self.same / max(1, self.lines):.1%}), {self.meant} differ"
            f" as meant, {len(self.pairs)} differ: {self.agreement:.1%} agree; rules: {dict(self.used)}"
        ]
        shown += _grouped(self.pairs, lambda pair: (tuple(sorted(pair.differs)), *_kind(pair.line)))
        shown += [f"{self.events} events of ours, {len(self.extra)} of them without a line there or a rule here"]
        shown += _grouped(self.extra, _kind)
        return "\n".join(shown)


def _kind(entry):
    return entry["class"], entry["command"], entry["type"]


def _grouped(found, key):
    counts, examples = Counter(map(key, found)), {}
    for one in found:
        examples.setdefault(key(one), one)
    return [f"  {count} {' '.join(map(str, group))}\n    {examples[group]}" for group, count in counts.most_common()]


def compare(theirs, ours, failed, with_rows):
    """Compares all sessions: each argument maps a session to its entries."""
    result = Comparison()
    for name in theirs.keys() | ours.keys():
        session = Session(with_rows, theirs.get(name, []), ours.get(name, []), failed.get(name, []))
        pairs, extra = pgaudit.pair(session.lines, session.events)
        result.lines += len(pairs)
        result.events += len(session.events)
        for pair in pairs:
            _judge(pair, session, result)
        for event in extra:
            rule = next((rule for rule in OURS if rule.applies(event, session)), None)
            if rule:
                result.used[rule.name] += 1
            else:
                result.extra.append(event)
    return result


def _judge(pair, session, result):
    if not pair.differs:
        result.same += 1
        return
    left, used = pair.differs, []
    for rule in THEIRS:
        explained = left & rule.applies(pair, session)
        if explained:
            left, used = left - explained, [*used, rule.name]
    if left:
        result.pairs.append(pair)
    else:
        result.meant += 1
        result.used.update(used)
