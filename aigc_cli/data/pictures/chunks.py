"""What lies beside the pixels of a PNG file: nothing there that is too large or damaged makes the picture unusable.

Pillow gives up on a megabyte of text or profile; workflows of image generators and profiles of scanners are often
larger. Knows nothing of pixels.
"""

import struct
import zlib

from PIL.PngImagePlugin import MAX_TEXT_CHUNK, MAX_TEXT_MEMORY

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PROFILE = 16 * 1024**2
_BESIDE = 12  # length, kind and checksum of a chunk (PNG specification, sec. 5.3)
_PACKED = (b"zTXt", b"iTXt", b"iCCP")
_PIXELS = b"tRNS"  # the one chunk that a decoder may ignore and that changes pixels


def without_burdens(data: bytes) -> tuple[bytes, bytes | None]:
    """Return a picture file without what Pillow would not unpack beside the pixels, and the profile if it is that.

    Only a PNG loses something, and only texts and profiles that are too large or damaged. A profile that is left out
    comes beside it, empty where there is nothing to be read of it; None says that Pillow finds it, if there is one.
    """
    if not data.startswith(SIGNATURE):
        return data, None
    kept, begin, place, texts, profile = [], 0, len(SIGNATURE), 0, None
    while place + _BESIDE <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + _BESIDE + length
        if kind[:1].islower() and kind != _PIXELS and end <= len(data):
            body, checksum = data[place + 8 : end - 4], data[end - 4 : end]
            size = _unpacked_size(kind, body)
            is_whole = zlib.crc32(kind + body) == int.from_bytes(checksum, "big") and size is not None
            if is_whole and texts + (size or 0) <= MAX_TEXT_MEMORY:
                texts += size or 0
            else:
                kept.append(data[begin:place])
                begin = end
                profile = _profile(body) if kind == b"iCCP" else profile
        place = end
    return (b"".join([*kept, data[begin:]]) if kept else data), profile


def _packed(kind: bytes, body: bytes) -> tuple[bool, bytes]:
    """Return whether a chunk's text or profile is packed in the one known way, and it."""
    rest = body.partition(b"\0")[2]
    if kind == b"iTXt":
        return rest[:1] != b"\0" and rest[1:2] == b"\0", rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return rest[:1] == b"\0", rest[1:]


def _unpacked_size(kind: bytes, body: bytes) -> int | None:
    """Return how many bytes of text a chunk holds, 0 for what is no text; None for what Pillow would not unpack."""
    if kind not in _PACKED:
        return len(body) if kind == b"tEXt" else 0
    is_packed, packed = _packed(kind, body)
    if not is_packed:
        return len(packed) if kind == b"iTXt" else None
    unpacker = zlib.decompressobj()
    try:
        size = len(unpacker.decompress(packed, MAX_TEXT_CHUNK))
    except zlib.error:
        return 0 if kind == b"iTXt" else None
    if unpacker.unconsumed_tail:
        return None
    return 0 if kind == b"iCCP" else size


def _profile(body: bytes) -> bytes:
    """Return a chunk's colour profile, nothing if it is damaged or larger than any that there is."""
    is_packed, packed = _packed(b"iCCP", body)
    try:
        profile = zlib.decompressobj().decompress(packed, MAX_PROFILE + 1) if is_packed else b""
    except zlib.error:
        return b""
    return profile if len(profile) <= MAX_PROFILE else b""
