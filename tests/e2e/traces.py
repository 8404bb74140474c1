"""Looks for a text in files, in every form in which it could be read by who has the file alone.

UTF-8, UTF-16, hexadecimal, base64 at each of its three alignments, each of those inside gzip and zlib streams, and inside base64
that holds such a stream.
"""

import base64
import re
import zlib

_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/]{32,}={0,2}")
_GZIP = b"\x1f\x8b\x08"
_ZLIB = (b"\x78\x01", b"\x78\x9c", b"\x78\xda")


def forms(text):
    """What stands for the text in a file, by name."""
    raw = text.encode()
    found = {"plain": raw, "UTF-16": text.encode("utf-16-le"), "hexadecimal": raw.hex().encode()}
    for shift in range(3):
        # The characters that depend on their neighbours are left out at both ends.
        encoded = base64.b64encode(b"\0" * shift + raw)
        found[f"base64 + {shift}"] = encoded[-(-shift * 4 // 3) : len(encoded) - 4]
    return found


def traces(data, text):
    """The forms in which the text is in these bytes."""
    wanted = forms(text)
    found = [name for name, form in wanted.items() if form in data]
    found += [f"{name} in {where}" for where, inner in _unpacked(data) for name, form in wanted.items() if form in inner]
    for run in _BASE64_RUN.findall(data):
        decoded = base64.b64decode(run + b"=" * (-len(run) % 4), validate=False) if len(run) % 4 != 1 else b""
        found += [
            f"{name} in {where} in base64"
            for where, inner in _unpacked(decoded)
            for name, form in wanted.items()
            if form in inner
        ]
    return found


def _unpacked(data):
    for magic, window, name in [(_GZIP, zlib.MAX_WBITS + 16, "gzip"), *((m, zlib.MAX_WBITS, "zlib") for m in _ZLIB)]:
        place = data.find(magic)
        while place >= 0:
            if inner := _inflated(data[place:], window):
                yield name, inner
            place = data.find(magic, place + 1)


def _inflated(data, window):
    """What comes out of a stream up to where it is damaged or ends."""
    stream = zlib.decompressobj(window)
    out = b""
    try:
        for start in range(0, len(data), 4096):
            out += stream.decompress(data[start : start + 4096])
            if stream.eof:
                break
    except zlib.error:
        pass
    return out


def in_files(folders, text):
    """(path, forms) of each file below these folders with the text in it, and how many files were looked at."""
    found, count = [], 0
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                count += 1
                if there := traces(path.read_bytes(), text):
                    found.append((path, there))
    return found, count
