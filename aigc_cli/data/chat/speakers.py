"""Who speaks in a record beside the subject, as keyed hashes: who knows a name finds its records.

The key is the SHA-256 of the source, which the set's manifest names, so that the same sources make the same set. From
the records alone no name can be told by its hash; who has the whole set can try names.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from aigc_cli.data.chat.names import alike

_MOST_KNOWN = 4096
_HASH_BYTES = 8


@lru_cache(_MOST_KNOWN)
def speaker_hash(key: bytes, name: str) -> str:
    """Return a name's or an id's hash under a key of at most 64 bytes; names that are typed alike have the same."""
    digest = hashlib.blake2b((alike(name) or name).encode("utf-8", "surrogatepass"), key=key, digest_size=_HASH_BYTES)
    return digest.hexdigest()


def speaker_hashes(key: bytes, names: Iterable[str]) -> list[str]:
    """Return what a record holds of the names and ids of those who speak in it: their hashes, sorted, each once."""
    return sorted({speaker_hash(key, name) for name in names if name})
