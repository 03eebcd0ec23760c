"""The machine-readable AI label: written into what is generated, read back, verified.

A label is a small JSON object with the seven string fields of the Chinese labelling standard (GB 45438-2025,
TC260 practice guide) and, beside it, the IPTC digital source type. In a PNG both travel as XMP in one uncompressed
``iTXt`` chunk; in a JSONL record they are two keys, which the guides do not define and is this tool's analogue.

The word is "labelled": nothing here claims compliance, and no function removes a label. The producer code is not a
registered one. This module knows nothing of Pillow, of models or of files.
"""

import hashlib
import json
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from aigc_cli import __version__
from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.core.words.messages import tr

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
LABEL_FIELDS = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)
REQUIRED_FIELDS = ("Label", "ContentProducer", "ProduceID")
GENERATED = "1"  # the standard's code for "is AI-generated"; 2 and 3 mean possibly and suspected
PRODUCER = "aigc-cli/"  # of every version
DEFAULT_PRODUCER = f"{PRODUCER}{__version__}"

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_KEYWORD = b"XML:com.adobe.xmp"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
TC260 = "http://www.tc260.org.cn/ns/AIGC/1.0/"


class NotLabelled(BadData):
    """There is no AI label where one was looked for."""


def ai_label(content_id: str, producer: str = DEFAULT_PRODUCER) -> dict[str, str]:
    """Return the seven-field label of one generated item, fields in the standard's order.

    ``content_id`` names the item to its producer (a hash, or run and index). Both values must be printable ASCII
    without quotation marks or backslashes, as the standard demands; anything else is a UsageProblem.
    """
    label = dict.fromkeys(LABEL_FIELDS, "")
    label |= {"Label": GENERATED, "ContentProducer": producer, "ProduceID": content_id}
    problem = _label_problem(label)
    if problem:
        raise UsageProblem(
            tr("AI label: {problem}", problem=problem), tr("use printable ASCII without quotation marks or backslashes")
        )
    return label


def label_record(record: dict[str, Any], label: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a copy of a JSONL record with ``AIGC`` and ``digitalSourceType`` added.

    Without a label, one is made whose id is the SHA-256 of the record's canonical JSON.
    """
    label = label or ai_label(_record_id(record))
    return {**record, "AIGC": label, "digitalSourceType": DIGITAL_SOURCE_TYPE}


def _record_id(record: dict[str, Any]) -> str:
    canonical = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def is_own_label(record: dict[str, Any]) -> bool:
    """Whether a labelled record is the one that its label was made for, where the label's id is a record's hash."""
    wanted = record["AIGC"]["ProduceID"]
    if not re.fullmatch("[0-9a-f]{32}", wanted):
        return True
    own = {name: value for name, value in record.items() if name not in ("AIGC", "digitalSourceType")}
    return bool(_record_id(own) == wanted)


def read_record_label(record: dict[str, Any]) -> dict[str, Any]:
    """Return ``{"AIGC": label, "digitalSourceType": uri}`` of a JSONL record; BadData if missing or damaged."""
    if "AIGC" not in record and "digitalSourceType" not in record:
        raise NotLabelled(tr("the record carries no AI label"))
    return _checked(record.get("AIGC"), record.get("digitalSourceType"))


def label_metadata(label: dict[str, str]) -> dict[str, str]:
    """Return a label as the string metadata of a model file (safetensors): the object as JSON, and its source type."""
    return {"AIGC": _label_json(label), "digitalSourceType": DIGITAL_SOURCE_TYPE}


def read_metadata_label(metadata: dict[str, str]) -> dict[str, Any]:
    """Return ``{"AIGC": label, "digitalSourceType": uri}`` of a model file; BadData if missing or damaged."""
    if "AIGC" not in metadata and "digitalSourceType" not in metadata:
        raise NotLabelled(tr("the file carries no AI label"))
    try:
        label = json.loads(metadata.get("AIGC", ""))
    except (ValueError, RecursionError) as error:
        raise BadData(tr("the AI label is damaged: its AIGC value is not JSON")) from error
    return _checked(label, metadata.get("digitalSourceType"))


def label_text(text: str) -> str:
    """Return a plain text with a last line that is its label as a JSON object; the id is the text's SHA-256."""
    label = ai_label(hashlib.sha256(text.encode()).hexdigest()[:32])
    return f"{text}\n{json.dumps({'AIGC': label, 'digitalSourceType': DIGITAL_SOURCE_TYPE})}\n"


def read_text_label(text: str) -> dict[str, Any]:
    """Return the label on a text's last line; BadData if it is missing, damaged or of another text."""
    body, _, last = text.rstrip("\n").rpartition("\n")
    if not last.startswith('{"AIGC"'):
        raise NotLabelled(tr("the text carries no AI label"))
    try:
        label = read_record_label(json.loads(last))
    except (ValueError, RecursionError) as error:
        raise BadData(tr("the AI label is damaged: its AIGC value is not JSON")) from error
    if label["AIGC"]["ProduceID"] != hashlib.sha256(body.encode()).hexdigest()[:32]:
        raise BadData(tr("the AI label is damaged: it is that of another text"))
    return label


def label_png(png: bytes, label: dict[str, str]) -> bytes:
    """Return the PNG with the label as XMP in an uncompressed ``iTXt`` chunk right after the header.

    XMP that the picture already carries is kept and the label is merged into it. A picture that is labelled
    differently is refused (BadData), for a label is never overwritten. The result is read back before it is returned.
    """
    chunks = list(_png_chunks(png))
    packets = [body for kind, body in chunks if _is_xmp(kind, body)]
    xmp = _merged_xmp(_only_packet(packets), label) if packets else _xmp_packet(_description(label))
    body = XMP_KEYWORD + b"\0\0\0\0\0" + xmp.encode()
    others = [(kind, data) for kind, data in chunks if not _is_xmp(kind, data)]
    labelled = PNG_SIGNATURE + b"".join(_chunk(*chunk) for chunk in [others[0], (b"iTXt", body), *others[1:]])
    if read_png_label(labelled)["AIGC"] != label:
        raise BadData(tr("the AI label did not read back as written"))
    return labelled


def read_png_label(png: bytes) -> dict[str, Any]:
    """Return ``{"AIGC": label, "digitalSourceType": uri}`` of a PNG after checking every chunk's CRC and the structure.

    BadData if the file is no whole PNG, carries no label, several, or a damaged one.
    """
    packets = [body for kind, body in _png_chunks(png) if _is_xmp(kind, body)]
    if not packets:
        raise NotLabelled(tr("the PNG carries no AI label"))
    root = _parsed_xmp(_only_packet(packets))
    labels, sources = _property(root, f"{{{TC260}}}AIGC"), _property(root, f"{{{IPTC}}}DigitalSourceType")
    if not labels and not sources:
        raise NotLabelled(tr("the PNG carries no AI label"))
    if len(labels) != 1 or len(sources) != 1:
        raise BadData(
            tr(
                "the AI label is damaged: {labels} AIGC and {sources} DigitalSourceType values",
                labels=len(labels),
                sources=len(sources),
            )
        )
    try:
        label = json.loads(labels[0])
    except (ValueError, RecursionError) as error:
        raise BadData(tr("the AI label is damaged: its AIGC value is not JSON")) from error
    return _checked(label, sources[0])


def _label_problem(label: object) -> str:
    """Say what is wrong with a label object, or return an empty string."""
    if not isinstance(label, dict) or tuple(label) != LABEL_FIELDS:
        return tr("it needs the fields {fields}, in this order", fields=", ".join(LABEL_FIELDS))
    for field, value in label.items():
        if not isinstance(value, str):
            return tr("{field} is not a string", field=field)
        if any(not " " <= character <= "~" or character in "\"'\\" for character in value):
            return tr("{field} {value!a} has a character that the standard does not allow", field=field, value=value)
        if field in REQUIRED_FIELDS and not value:
            return tr("{field} is empty", field=field)
    if label["Label"] not in ("1", "2", "3"):
        return tr("Label {value!r} is not 1, 2 or 3", value=label["Label"])
    return ""


def _checked(label: object, source: object) -> dict[str, Any]:
    problem = _label_problem(label)
    if problem:
        raise BadData(tr("the AI label is damaged: {problem}", problem=problem))
    if source != DIGITAL_SOURCE_TYPE:
        raise BadData(tr("the AI label is damaged: digital source type {source!a}", source=source))
    return {"AIGC": label, "digitalSourceType": source}


def _png_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (type, body) of each chunk; BadData for a cut, altered or misordered file."""
    if not png.startswith(PNG_SIGNATURE):
        raise BadData(tr("not a PNG file"))
    position, kinds = len(PNG_SIGNATURE), []
    while position < len(png):
        if len(png) - position < 12:
            raise BadData(tr("the PNG is truncated"))
        (length,) = struct.unpack_from(">I", png, position)
        kind, end = png[position + 4 : position + 8], position + 12 + length
        if end > len(png):
            raise BadData(tr("the PNG is truncated"))
        body = png[position + 8 : end - 4]
        if zlib.crc32(kind + body) != struct.unpack_from(">I", png, end - 4)[0]:
            raise BadData(tr("the PNG is damaged: checksum of chunk {kind!a}", kind=kind.decode("latin-1")))
        kinds.append(kind)
        position = end
        if kind == b"IEND" and position != len(png):
            raise BadData(tr("the PNG is damaged: data after its end"))
        yield kind, body
    if not kinds or kinds[0] != b"IHDR" or kinds[-1] != b"IEND" or b"IDAT" not in kinds or kinds.count(b"IHDR") != 1:
        raise BadData(tr("the PNG is truncated or misordered: it needs IHDR first, IDAT, and IEND last"))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _is_xmp(kind: bytes, body: bytes) -> bool:
    return kind == b"iTXt" and body.startswith(XMP_KEYWORD + b"\0")


def _only_packet(bodies: list[bytes]) -> str:
    """Return the XMP text of the one XMP chunk."""
    if len(bodies) != 1:
        raise BadData(tr("the PNG is damaged: {count} XMP chunks, where one is allowed", count=len(bodies)))
    rest = bodies[0][len(XMP_KEYWORD) + 1 :]
    if rest[:1] != b"\0":
        raise BadData(
            tr("the PNG's XMP is compressed, which the XMP standard advises against and this tool does not read")
        )
    parts = rest[2:].split(b"\0", 2)  # language, translated keyword, text
    if len(parts) != 3:
        raise BadData(tr("the PNG's XMP chunk is damaged"))
    try:
        return parts[2].decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadData(tr("the PNG's XMP is not UTF-8")) from error


def _parsed_xmp(xmp: str) -> ElementTree.Element:
    """Parse XMP; a document type is refused, for entities are how XML is made to explode."""
    if "<!" in xmp.replace("<!--", ""):
        raise BadData(tr("the PNG's XMP has a document type or CDATA, which XMP does not use"))
    try:
        root = ElementTree.fromstring(xmp.strip("\ufeff\0 \r\n\t"))
    except ElementTree.ParseError as error:
        raise BadData(tr("the PNG's XMP is damaged: {error}", error=error)) from error
    if root.tag != f"{{{RDF}}}RDF" and root.find(f".//{{{RDF}}}RDF") is None:
        raise BadData(tr("the PNG's XMP is damaged: no rdf:RDF"))
    return root


def _property(root: ElementTree.Element, name: str) -> list[str]:
    """Return the values of an XMP property, written as an element or as an attribute of a description."""
    values = [(element.text or "").strip() for element in root.iter(name)]
    return values + [value for element in root.iter(f"{{{RDF}}}Description") if (value := element.get(name))]


def _merged_xmp(xmp: str, label: dict[str, str]) -> str:
    """Add the label's description to existing XMP; what is there already stays."""
    root = _parsed_xmp(xmp)
    present = _property(root, f"{{{TC260}}}AIGC")
    source = _property(root, f"{{{IPTC}}}DigitalSourceType")
    if present or source:
        if present == [_label_json(label)] and source == [DIGITAL_SOURCE_TYPE]:
            return xmp
        raise BadData(tr("the picture already carries another AI label"), tr("label the unlabelled original"))
    end = xmp.rfind("</rdf:RDF>")
    if end < 0:
        raise BadData(
            tr("the PNG's XMP does not use the rdf prefix"), tr("label the picture before other tools write XMP")
        )
    return xmp[:end] + _description(label) + xmp[end:]


def _label_json(label: dict[str, str]) -> str:
    return json.dumps(label, separators=(",", ":"))


def _description(label: dict[str, str]) -> str:
    return (
        f'<rdf:Description rdf:about="" xmlns:rdf="{RDF}" xmlns:Iptc4xmpExt="{IPTC}" xmlns:TC260="{TC260}">'
        f"<Iptc4xmpExt:DigitalSourceType>{DIGITAL_SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>"
        f"<TC260:AIGC>{escape(_label_json(label))}</TC260:AIGC></rdf:Description>"
    )


def _xmp_packet(description: str) -> str:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{RDF}">{description}</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )
