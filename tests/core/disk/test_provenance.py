import io
import json
import struct
import zlib

import pytest
from PIL import Image, PngImagePlugin

from aigc_cli.core.disk.provenance import (
    DIGITAL_SOURCE_TYPE,
    LABEL_FIELDS,
    ai_label,
    label_png,
    label_record,
    read_png_label,
    read_record_label,
)
from aigc_cli.core.errors import BadData, UsageProblem

LABEL = ai_label("a1b2/7", producer="someone & <sons>")
XMP = "XML:com.adobe.xmp"


def picture(xmp=None, compressed=False, copies=1):
    info = PngImagePlugin.PngInfo()
    for _ in range(copies if xmp is not None else 0):
        info.add_itxt(XMP, xmp, zip=compressed)
    file = io.BytesIO()
    image = Image.new("RGB", (5, 4), (200, 10, 30))
    image.putpixel((2, 1), (1, 2, 3))
    image.save(file, "PNG", pnginfo=info)
    return file.getvalue()


def chunks_of(png):
    """An independent reading of the chunk list, straight from the PNG specification."""
    position, found = 8, []
    while position < len(png):
        length, kind = struct.unpack(">I4s", png[position : position + 8])
        found.append((kind, png[position + 8 : position + 8 + length]))
        position += 12 + length
    return found


def with_text(png, old, new):
    """Alter a chunk's content and make its checksum right again."""
    out = png[:8]
    for kind, body in chunks_of(png):
        body = body.replace(old, new) if kind == b"iTXt" else body
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return out


def test_label_has_the_seven_fields_in_the_order_of_the_standard():
    assert list(ai_label("x")) == [
        "Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2",
    ]  # fmt: skip
    assert ai_label("x")["Label"] == "1"
    assert ai_label("x")["ContentProducer"].startswith("aigc-cli/")
    assert all(isinstance(value, str) for value in ai_label("x").values())


@pytest.mark.parametrize("value", ["张三", 'say "hi"', "back\\slash", "it's", "tab\t", "line\n", "é", ""])
def test_values_outside_the_standards_characters_are_refused(value):
    with pytest.raises(UsageProblem):
        ai_label("x", producer=value)
    with pytest.raises(UsageProblem):
        ai_label(value)


def test_png_label_round_trip_and_pixels_untouched():
    labelled = label_png(picture(), LABEL)
    assert read_png_label(labelled) == {"AIGC": LABEL, "digitalSourceType": DIGITAL_SOURCE_TYPE}
    with Image.open(io.BytesIO(labelled)) as image:
        image.load()
        assert image.getpixel((2, 1)) == (1, 2, 3)


def test_pillow_finds_the_label_as_standard_xmp_in_an_uncompressed_chunk():
    labelled = label_png(picture(), LABEL)
    kinds = [kind for kind, _ in chunks_of(labelled)]
    assert kinds[:2] == [b"IHDR", b"iTXt"]
    assert kinds[-1] == b"IEND"
    body = chunks_of(labelled)[1][1]
    assert body.startswith(b"XML:com.adobe.xmp\0\0\0\0\0<?xpacket")
    assert b"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia" in body
    with Image.open(io.BytesIO(labelled)) as image:
        text = image.text[XMP]
    assert 'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/"' in text
    assert 'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"' in text
    start, end = text.index("<TC260:AIGC>") + len("<TC260:AIGC>"), text.index("</TC260:AIGC>")
    unescaped = text[start:end].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert list(json.loads(unescaped)) == list(LABEL_FIELDS)


def test_existing_xmp_is_kept_and_merged_into_one_chunk():
    existing = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:source>mine</dc:source>'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    labelled = label_png(picture(existing), LABEL)
    assert read_png_label(labelled)["AIGC"] == LABEL
    packets = [body for kind, body in chunks_of(labelled) if kind == b"iTXt"]
    assert len(packets) == 1
    assert b"<dc:source>mine</dc:source>" in packets[0]


def test_a_label_is_not_overwritten_and_labelling_twice_changes_nothing():
    labelled = label_png(picture(), LABEL)
    assert label_png(labelled, LABEL) == labelled
    with pytest.raises(BadData, match="another AI label"):
        label_png(labelled, ai_label("other"))


def test_every_truncation_and_every_flipped_byte_is_noticed():
    labelled = label_png(picture(), LABEL)
    for length in range(len(labelled)):
        with pytest.raises(BadData):
            read_png_label(labelled[:length])
    for position in range(len(labelled)):
        damaged = bytearray(labelled)
        damaged[position] ^= 0x10
        with pytest.raises(BadData):
            read_png_label(bytes(damaged))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"Label":"1"', b'"Label":"9"'),
        (b'"Label":"1"', b'"Label":1'),
        (b'"ReservedCode1":"",', b""),
        (b"a1b2/7", b""),
        (b"a1b2/7", "é".encode()),
        (b'{"Label"', b'{{"Label"'),
        (b"trainedAlgorithmicMedia", b"digitalCapture"),
        (b"Iptc4xmpExt:DigitalSourceType", b"Iptc4xmpExt:Other"),
        (b"TC260:AIGC", b"TC260:Other"),
        (b"</rdf:RDF>", b"</rdf:RDE>"),
        (b"<x:xmpmeta", b'<!DOCTYPE a [<!ENTITY b "c">]><x:xmpmeta'),
        (b"XML:com.adobe.xmp\0\0", b"XML:com.adobe.xmp\0\1"),
        (b"someone", b"some\xffone"),
    ],
)
def test_damaged_labels_with_right_checksums_are_refused(old, new):
    labelled = label_png(picture(), LABEL)
    altered = with_text(labelled, old, new)
    assert altered != labelled
    with pytest.raises(BadData):
        read_png_label(altered)


def test_missing_and_duplicate_labels_are_refused():
    with pytest.raises(BadData, match="no AI label"):
        read_png_label(picture())
    with pytest.raises(BadData, match="no AI label"):
        read_png_label(picture('<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'))
    with Image.open(io.BytesIO(label_png(picture(), LABEL))) as image:
        twice = picture(image.text[XMP], copies=2)
    with pytest.raises(BadData, match="2 XMP chunks"):
        read_png_label(twice)
    with pytest.raises(BadData, match="not a PNG"):
        read_png_label(b"GIF89a")


def test_attribute_form_of_the_properties_is_read():
    value = json.dumps(ai_label("x")).replace('"', "&quot;")
    xmp = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        ' xmlns:T="http://www.tc260.org.cn/ns/AIGC/1.0/" xmlns:I="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        f' T:AIGC="{value}" I:DigitalSourceType="{DIGITAL_SOURCE_TYPE}"/></rdf:RDF>'
    )
    assert read_png_label(picture(xmp))["AIGC"] == ai_label("x")


def test_record_label_round_trip_and_order_of_keys():
    record = {"schema": "aigc.sample/1", "text": "héllo 张"}
    labelled = label_record(record)
    assert list(labelled) == ["schema", "text", "AIGC", "digitalSourceType"]
    assert read_record_label(json.loads(json.dumps(labelled)))["AIGC"] == labelled["AIGC"]
    assert "AIGC" not in record
    assert labelled == label_record(record)
    assert labelled["AIGC"] != label_record({**record, "text": "other"})["AIGC"]
    assert label_record(record, LABEL)["AIGC"] == LABEL


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"AIGC": dict(ai_label("x"))},
        {"digitalSourceType": DIGITAL_SOURCE_TYPE},
        {"AIGC": "yes", "digitalSourceType": DIGITAL_SOURCE_TYPE},
        {"AIGC": dict(reversed(ai_label("x").items())), "digitalSourceType": DIGITAL_SOURCE_TYPE},
    ],
)
def test_missing_or_damaged_record_labels_are_refused(record):
    with pytest.raises(BadData):
        read_record_label(record)
