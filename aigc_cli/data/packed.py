"""What reading packed files has in common, whatever is in them: how they turn out damaged, and what is a bomb."""

import lzma
import struct
import zlib

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr

# What reading a damaged archive raises, beside its own errors.
DAMAGE = (zlib.error, lzma.LZMAError, EOFError, ValueError, struct.error, KeyError, IndexError, OverflowError)
_MOST_RATIO = 1000  # text packs well, and a bomb better
_LEAST_PACKED = 1024  # bytes


def most_bytes(packed: int, largest: int) -> int:
    """Return how many bytes packed text of a size may unpack to, at most `largest`."""
    return min(largest, _MOST_RATIO * max(packed, _LEAST_PACKED))


def unpacks_to_much(source: object) -> BadData:
    """Return the error for a packed file that may be a bomb."""
    return BadData(
        tr("{archive}: unpacks to far more than it holds", archive=source),
        tr("unpack it yourself, and name the files"),
    )
