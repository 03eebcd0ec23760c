"""A picture file as it was found, and what the first bytes of a file say that it is, whatever its name ends in.

Knows nothing of decoding.
"""

import re
import struct
from dataclasses import dataclass
from pathlib import Path, PurePath

from aigc_cli.core.disk.files import no_input

HEAD = 512  # bytes that tell what a file is; a tar says it at 257
# What is called so is a picture, if need be a broken one; what is called otherwise is one if its first bytes say so.
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"})
ARCHIVES = {
    ".zip": "zip",
    ".tar": "tar",
    ".tar.gz": "gzip",
    ".tgz": "gzip",
    ".tar.bz2": "bzip2",
    ".tar.xz": "xz",
}
_BITMAP_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # their sizes, which follow the file's header of 14 bytes
_NETPBM = re.compile(rb"P[1-6]\s+(#[^\n]*\n\s*)*\d+\s")
_MAGIC = (
    (b"PK\3\4", "zip"),
    (b"PK\5\6", "zip"),  # an empty one
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\7", "RAR"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
)


@dataclass(frozen=True)
class RawPicture:
    """A picture file: its name within the source, the top folder it is in ("" for none), its bytes.

    With a `problem` it has none, and that is why.
    """

    name: str
    folder: str
    data: bytes
    problem: str = ""


def has_picture_name(path: PurePath) -> bool:
    """Tell whether a file is called like a picture."""
    return path.suffix.lower() in SUFFIXES


def begins_as_picture(head: bytes) -> bool:
    """Tell whether a file that begins so is of one of the formats that are read."""
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")):
        return True
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return True
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    if head.startswith(b"BM"):
        return len(head) >= 18 and struct.unpack_from("<I", head, 14)[0] in _BITMAP_HEADERS
    return bool(_NETPBM.match(head))


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file; NoInput if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise no_input(path, error) from error


def is_picture(path: Path) -> bool:
    """Tell whether a file is called like a picture or begins as one."""
    return has_picture_name(path) or begins_as_picture(read_head(path))


def archive_kind(path: Path) -> str:
    """Return what kind of archive a file is by its first bytes, else by its name; "" for none.

    7z, RAR and Zstandard are known, though not read.
    """
    head = read_head(path)
    if begins_as_picture(head):
        return ""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar":
        return "tar"
    return next((kind for ending, kind in ARCHIVES.items() if path.name.lower().endswith(ending)), "")
