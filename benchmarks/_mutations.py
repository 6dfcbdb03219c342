"""Ways in which a media file comes to harm: each takes the bytes, a generator and another file, and gives new bytes."""

from __future__ import annotations

import re
import struct
import zlib

import numpy as np

LENGTHS = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)
"""Values that readers of lengths and counts stumble over."""
TAG = re.compile(rb"[A-Za-z0-9 ]{4}")


def flip_bits(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """1 to 64 single bits, anywhere."""
    changed = np.frombuffer(data, np.uint8).copy()
    places = rng.integers(0, len(changed), int(2 ** rng.integers(0, 7)))
    np.bitwise_xor.at(changed, places, (1 << rng.integers(0, 8, len(places))).astype(np.uint8))
    return changed.tobytes()


def truncate(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """The end is missing."""
    return data[: int(rng.integers(0, len(data)))]


def behead(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """The beginning is missing, up to a quarter."""
    return data[int(rng.integers(1, max(2, len(data) // 4))) :]


def swap_chunks(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Two stretches change places."""
    a, b, c, d = np.sort(rng.integers(0, len(data) + 1, 4)).tolist()
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def edit_length(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """A number of 2, 4 or 8 bytes before or behind a chunk's name, or in the header, becomes an awkward one."""
    named = [match.start() for match in TAG.finditer(data[:65_536])]
    if named and rng.random() < 0.6:
        place = named[int(rng.integers(len(named)))] + int(rng.choice((-8, -4, 4, 8, 12)))
    else:
        place = int(rng.integers(0, min(len(data), 256)))
    width, order = int(rng.choice((2, 4, 4, 4, 8))), "<" if rng.random() < 0.5 else ">"
    value = int(rng.choice(LENGTHS)) if rng.random() < 0.8 else int(rng.integers(0, 2**32))
    code = {2: "H", 4: "I", 8: "Q"}[width]
    packed = struct.pack(order + code, value & ((1 << 8 * width) - 1))
    place = min(max(place, 0), len(data))
    return data[:place] + packed + data[place + width :]


def splice(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """The beginning of one file and the end of another."""
    return data[: int(rng.integers(1, max(2, len(data))))] + other[int(rng.integers(0, len(other))) :]


def insert_run(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Up to 4096 bytes in between: noise, one value again and again, or a piece of the file itself."""
    place, length = int(rng.integers(0, len(data) + 1)), int(2 ** rng.integers(0, 13))
    kind = int(rng.integers(3))
    if kind == 0:
        run = rng.bytes(length)
    elif kind == 1:
        run = bytes([int(rng.choice((0, 0xFF, 0x41, int(rng.integers(256)))))]) * length
    else:
        start = int(rng.integers(0, len(data)))
        run = data[start : start + length]
    return data[:place] + run + data[place:]


def delete_run(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Up to 4096 bytes from the middle are missing."""
    place = int(rng.integers(0, len(data)))
    return data[:place] + data[place + int(2 ** rng.integers(0, 13)) :]


def overwrite_run(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Up to 1024 bytes become noise or zeros."""
    place, length = int(rng.integers(0, len(data))), int(2 ** rng.integers(0, 11))
    run = rng.bytes(length) if rng.random() < 0.5 else bytes(length)
    return (data[:place] + run + data[place + length :])[: len(data)]


MUTATORS = (
    flip_bits, truncate, behead, swap_chunks, edit_length, edit_length, splice, insert_run, delete_run, overwrite_run,
)  # fmt: skip


def mutated(data: bytes, other: bytes, rng: np.random.Generator) -> tuple[bytes, list[str]]:
    """One to three mutations, and their names. Half of the PNG files get checksums that fit again."""
    names = []
    for _ in range(int(rng.integers(1, 4))):
        change = MUTATORS[int(rng.integers(len(MUTATORS)))]
        data = change(data, rng, other)
        names.append(change.__name__)
        if not data:
            break
    if data.startswith(b"\x89PNG") and rng.random() < 0.5:
        data = with_checksums(data)
        names.append("with_checksums")
    return data, names


def with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have right checksums, as far as their lengths lead, so that faults reach the decoder."""
    out, place = bytearray(data), 8
    while place + 12 <= len(out):
        length = int.from_bytes(out[place : place + 4], "big")
        end = place + 8 + length
        if end + 4 > len(out):
            break
        out[end : end + 4] = struct.pack(">I", zlib.crc32(out[place + 4 : end]))
        place = end + 4
    return bytes(out)
