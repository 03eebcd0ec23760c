"""The chapters of an EPUB in reading order, as XHTML. Nothing is unpacked to disk, and nothing outside is followed.

EPUB 3.3 (W3C), secs. 4.2 and 5.7: `META-INF/container.xml` names the package document, whose spine is the order.
Knows nothing of the text in the chapters.
"""

import posixpath
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from urllib.parse import unquote
from xml.parsers import expat

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.packed import DAMAGE, most_bytes, unpacks_to_much

LARGEST = 1 << 30  # bytes of all chapters
_LARGEST_XML = 1 << 24  # bytes of what says the order
_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_FONTS = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})  # scrambled, no text
_CHAPTERS = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document"})
_ENCRYPTED = 0x1


def chapters(source: str, file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield each chapter's name and XHTML, in reading order, without notes apart (`linear="no"`) and the contents.

    Raises BadData, which names `source`: no EPUB, damaged, encrypted, or it unpacks to far more than it holds.
    """
    size = file.seek(0, 2)
    with _damage_of(source):
        archive = zipfile.ZipFile(file)
        members = {member.filename: member for member in archive.infolist()}
    with archive:
        if _CONTAINER not in members:
            raise BadData(tr("{source}: a zip archive and no EPUB", source=source), tr("unpack it, and name the files"))
        names = _reading_order(source, archive, members)
        unpacked = sum(members[name].file_size for name in names)
        packed = min(size, sum(members[name].compress_size for name in names))  # members may overlap
        if unpacked > most_bytes(packed, LARGEST):
            raise unpacks_to_much(source)
        for name in names:
            yield name, _read(source, archive, members[name])


def _reading_order(source: str, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> list[str]:
    """Return the names of the chapters, each once."""

    def elements(name: str, tag: str) -> list[dict[str, str]]:
        if name not in members:
            raise _not_whole(source, name)
        if members[name].file_size > _LARGEST_XML:
            raise unpacks_to_much(source)
        return _elements(source, name, _read(source, archive, members[name]), tag)

    if _ENCRYPTION in members:
        ways = {element.get("Algorithm", "") for element in elements(_ENCRYPTION, "EncryptionMethod")}
        if ways - _FONTS:
            raise _encrypted(source)
    package = next((root["full-path"] for root in elements(_CONTAINER, "rootfile") if "full-path" in root), "")
    items = {item.get("id", ""): item for item in elements(package, "item")}
    read = [ref.get("idref", "") for ref in elements(package, "itemref") if ref.get("linear") != "no"]
    names = []
    for item in (items.get(reference, {}) for reference in dict.fromkeys(read)):
        if item.get("media-type") in _CHAPTERS and "nav" not in item.get("properties", "").split():
            names.append(posixpath.normpath(posixpath.join(posixpath.dirname(package), unquote(item.get("href", "")))))
    for name in names:
        if name not in members:
            raise _not_whole(source, name)
    if not names:
        raise _not_whole(source, tr("chapters"))
    return list(dict.fromkeys(names))


def _elements(source: str, name: str, xml: bytes, tag: str) -> list[dict[str, str]]:
    """Return the attributes of each element of that name, whatever its namespace. Entities are not declared here."""
    found = []

    def start(element: str, attributes: dict[str, str]) -> None:
        if element.rpartition(" ")[2] == tag:
            found.append({key.rpartition(" ")[2]: value for key, value in attributes.items()})

    def declared(*_: object) -> None:
        raise BadData(
            tr("{source}: {name!a} declares entities", source=source, name=name), tr("unpack it, and name the files")
        )

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.EntityDeclHandler = declared
    try:
        parser.Parse(xml, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise _damaged(source, error) from error
    return found


def _read(source: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return a member, of which no more is read than its header says."""
    if member.flag_bits & _ENCRYPTED:
        raise _encrypted(source)
    with _damage_of(source):
        return archive.read(member)


@contextmanager
def _damage_of(source: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, *DAMAGE) as error:
        raise _damaged(source, error) from error


def _damaged(source: str, error: Exception) -> BadData:
    return BadData(
        tr("{source}: not a whole EPUB: {error}", source=source, error=error), tr("get it again where it came from")
    )


def _not_whole(source: str, name: str) -> BadData:
    return BadData(
        tr("{source}: not a whole EPUB: no {name}", source=source, name=name or "rootfile"),
        tr("get it again where it came from"),
    )


def _encrypted(source: str) -> BadData:
    return BadData(
        tr("{source}: encrypted against copying (DRM), so that its text cannot be read", source=source),
        tr("name an edition without DRM"),
    )
