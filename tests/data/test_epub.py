import io
import zipfile

import pytest

from aigc_cli.core.errors import BadData
from aigc_cli.data import epub
from aigc_cli.data.epub import chapters

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
ENCRYPTED = (
    '<encryption xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptionMethod Algorithm="%s"/></encryption>'
)
XHTML = "application/xhtml+xml"


def package(items, spine):
    manifest = "".join(
        f'<opf:item id="{name}" href="{href}" media-type="{media}" {more}/>' for name, href, media, more in items
    )
    refs = "".join(f"<opf:itemref {ref}/>" for ref in spine)
    return (
        '<?xml version="1.0" encoding="utf-8"?><opf:package xmlns:opf="http://www.idpf.org/2007/opf">'
        f"<opf:manifest>{manifest}</opf:manifest><opf:spine>{refs}</opf:spine></opf:package>"
    )


ITEMS = [
    ("two", "text/two%20b.xhtml", XHTML, ""),
    ("one", "text/../text/one.xhtml", XHTML, ""),
    ("toc", "toc.xhtml", XHTML, 'properties="nav"'),
    ("notes", "notes.xhtml", XHTML, ""),
    ("cover", "cover.svg", "image/svg+xml", ""),
]
SPINE = [f'idref="{name}"' for name in ("cover", "toc", "one", "two", "one", "gone")] + ['idref="notes" linear="no"']
FILES = {
    "META-INF/container.xml": CONTAINER,
    "OEBPS/book.opf": package(ITEMS, SPINE),
    "OEBPS/text/one.xhtml": "<p>first",
    "OEBPS/text/two b.xhtml": "<p>second",
    "OEBPS/toc.xhtml": "<p>contents",
    "OEBPS/notes.xhtml": "<p>notes",
}


def book(files=FILES, **more):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**files, **more}.items():
            if text is not None:
                archive.writestr(name, text)
    return made.getvalue()


def read(data):
    return list(chapters("a.epub", io.BytesIO(data)))


def test_chapters_are_read_once_each_in_the_order_of_the_spine_without_contents_and_notes():
    assert read(book()) == [("OEBPS/text/one.xhtml", b"<p>first"), ("OEBPS/text/two b.xhtml", b"<p>second")]


@pytest.mark.parametrize("way", sorted(epub._FONTS))
def test_scrambled_fonts_are_no_hindrance(way):
    assert len(read(book(**{"META-INF/encryption.xml": ENCRYPTED % way}))) == 2


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>' + CONTAINER


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"META-INF/encryption.xml": ENCRYPTED % "http://www.w3.org/2001/04/xmlenc#aes128-cbc"}, "DRM"),
        ({"META-INF/container.xml": None}, "a zip archive and no EPUB"),
        ({"META-INF/container.xml": "<container/>"}, "not a whole EPUB: no rootfile"),
        ({"META-INF/container.xml": CONTAINER[:-9]}, "not a whole EPUB: "),
        ({"META-INF/container.xml": ENTITIES}, "declares entities"),
        ({"META-INF/container.xml": ENTITIES.encode("utf-16")}, "declares entities"),
        ({"OEBPS/book.opf": None}, "no OEBPS/book.opf"),
        ({"OEBPS/book.opf": package(ITEMS, [])}, "no chapters"),
        ({"OEBPS/text/one.xhtml": None}, "no OEBPS/text/one.xhtml"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(files, message):
    with pytest.raises(BadData, match=message):
        read(book(**files))


def test_bombs_and_damage_are_refused():
    with pytest.raises(BadData, match="unpacks to far more"):
        read(book(**{"OEBPS/text/one.xhtml": " " * 8_000_000}))
    with pytest.raises(BadData, match="unpacks to far more"):
        read(book(**{"OEBPS/book.opf": FILES["OEBPS/book.opf"] + " " * epub._LARGEST_XML}))
    whole = book()
    with pytest.raises(BadData, match="not a whole EPUB"):
        read(whole[: len(whole) // 2])
    place = whole.index(b"two b.xhtml") + len("two b.xhtml")
    with pytest.raises(BadData, match="not a whole EPUB"):
        read(whole[:place] + b"\xff\xff" + whole[place + 2 :])


def test_a_chapter_behind_a_password_is_refused():
    whole = bytearray(book())
    place = whole.rindex(b"PK\x01\x02", 0, whole.rindex(b"OEBPS/text/one.xhtml"))
    whole[place + 8] |= 1
    with pytest.raises(BadData, match="DRM"):
        read(bytes(whole))
