"""Reads the event files of TensorBoard."""

import struct
from pathlib import Path


def scalars(folder, name):
    """Return {step: value} of one curve."""
    from tensorboardX.proto.event_pb2 import Event

    found = {}
    for file in sorted(Path(folder).glob("events*")):
        data, at = file.read_bytes(), 0
        while at < len(data):  # length, checksum of 4 bytes, event, checksum
            (length,) = struct.unpack_from("<Q", data, at)
            event = Event.FromString(data[at + 12 : at + 12 + length])
            at += 16 + length
            for value in event.summary.value:
                if value.tag == name:
                    found[event.step] = value.simple_value
    return found
