"""ICC profiles made from primaries and a curve (ICC.1:2022, sec. 7 and 8.3.3), for tests of colour."""

import struct

import numpy as np

WHITE_D50, WHITE_D65 = np.array([0.9642, 1.0, 0.8249]), np.array([0.95047, 1.0, 1.08883])
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
ADAPTED = np.linalg.inv(BRADFORD) @ np.diag((BRADFORD @ WHITE_D50) / (BRADFORD @ WHITE_D65)) @ BRADFORD
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))


def matrix(primaries):
    """From light in a space of these primaries and D65 to XYZ at D50."""
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    return ADAPTED @ (xyz * np.linalg.solve(xyz, WHITE_D65))


def fixed(*numbers):
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def gamma(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256)) + b"\0\0"


def parametric(kind, *numbers):
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + fixed(*numbers)


def sampled(values):
    body = struct.pack(">I", len(values)) + b"".join(struct.pack(">H", round(value * 65535)) for value in values)
    return b"curv\0\0\0\0" + body + b"\0" * (-len(body) % 4)


SRGB_CURVE = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def icc_profile(space, tags):
    text = b"made for a test\0"
    said = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + b"\0" * 78
    tags = {
        b"desc": said + b"\0" * (-len(said) % 4),
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": b"XYZ \0\0\0\0" + fixed(*WHITE_D50),
    } | tags
    begin, table, body = 132 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        table += name + struct.pack(">II", begin + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", begin + len(body), b"none", 0x04000000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + fixed(*WHITE_D50) + b"\0" * 48
    return head + struct.pack(">I", len(tags)) + table + body


def rgb_profile(primaries, curve=SRGB_CURVE, order=(0, 1, 2), beside=b""):
    columns = matrix(primaries).T[list(order)]
    lights = {name: b"XYZ \0\0\0\0" + fixed(*column) for name, column in zip(XYZ_TAGS, columns, strict=True)}
    return icc_profile(b"RGB ", lights | dict.fromkeys(CURVE_TAGS, curve) | {b"priv": b"data\0\0\0\0" + beside})


def grey_profile(curve):
    return icc_profile(b"GRAY", {b"kTRC": curve})


XYZ_TAGS, CURVE_TAGS = (b"rXYZ", b"gXYZ", b"bXYZ"), (b"rTRC", b"gTRC", b"bTRC")
