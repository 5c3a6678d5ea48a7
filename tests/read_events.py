#!/usr/bin/env python3
"""Prints the scalars of TensorBoard event files, as a reader that is not the writer sees them.

    tests/read_events.py FOLDER    one JSON object per value: {"step", "tag", "value"}

Reads the record framing and the protobuf wire format by their public descriptions, checks every
checksum, and fails on anything that is not as they say.
"""

import json
import pathlib
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        (length_crc,) = struct.unpack_from("<I", data, at + 8)
        payload = data[at + 12 : at + 12 + length]
        (payload_crc,) = struct.unpack_from("<I", data, at + 12 + length)
        assert length_crc == masked(data[at : at + 8]), f"checksum of the length at {at}"
        assert payload_crc == masked(payload), f"checksum of the event at {at}"
        yield payload
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size = {1: 8, 5: 4}.get(key & 7)
            if size is None:
                assert key & 7 == 2, f"wire type {key & 7}"
                size, at = varint(data, at)
            value, at = data[at : at + size], at + size
            assert len(value) == size, "a field is cut off"
        yield key >> 3, value


def main():
    for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        events = [dict(fields(record)) for record in records(path.read_bytes())]
        assert events[0][3] == b"brain.Event:2", "the first event names the version of the format"
        for event in events:
            assert struct.unpack("<d", event[1])[0] > 1e9, "a time long ago"
            for field, value in fields(event.get(5, b"")):
                assert field == 1
                scalar = dict(fields(value))
                (number,) = struct.unpack("<f", scalar[2])
                print(json.dumps({"step": event[2], "tag": scalar[1].decode(), "value": number}))


if __name__ == "__main__":
    main()
