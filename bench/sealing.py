"""The one line of `sealing_speed` that the README wants: sealing batches of the default size."""

import re
import sys


def main():
    section = sys.stdin.read().split("batches of 256 kB", 1)[1]
    rate, size = re.search(r"seal, 0x0178 .*? (\d+) k events/s +(\d+) B an event", section).groups()
    print(f"{rate} 000 events a second in batches of 256 kB, {size} bytes an event on the stream", end="")


if __name__ == "__main__":
    main()
