"""demo-summary.py EVENTS STATS: events by class and command, and the line that activity-consumer --stats ends with."""

import json
import sys
from collections import Counter

counts = Counter()
failed = 0
sequences = Counter()
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        event = json.loads(line)
        counts[event["class"], event["command"]] += 1
        sequences[event["sequence"]] += 1
        failed += event["errorMessage"] is not None

print(f"  {'class':<10}{'command':<24}{'events':>8}")
for (kind, command), count in sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1])):
    print(f"  {kind:<10}{command:<24}{count:>8}")
missing = max(sequences, default=0) - len(sequences)
twice = sum(sequences.values()) - len(sequences)
print(f"\n  {sum(counts.values())} events, {failed} of them failures")
print(f"  by their sequence numbers {missing} are missing and {twice} are there twice")

with open(sys.argv[2], encoding="utf-8") as lines:
    stats = json.loads(lines.read().splitlines()[-1])
lag = stats["lag_ms"]
print(f"  {stats['records']} records, {stats['bytes']} bytes, {stats['kms_calls']} KMS calls to read them")
print(f"  from the statement's end to the printed line: half within {lag['p50']} ms, 95 % within {lag['p95']} ms")
