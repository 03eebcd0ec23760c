import dataclasses

import pytest

from aigc_cli.core.errors import Unavailable, UsageProblem
from aigc_cli.data.pictures import dicebear
from aigc_cli.data.pictures.dicebear import (
    EXPRESSIONS,
    OPEN_LICENCES,
    FaceJob,
    draw_faces,
    list_styles,
    require_open_style,
)

pytest.importorskip("resvg_py", reason="the [demo] extra is not installed")
pytest.importorskip("dicebear")


@pytest.mark.parametrize("name", ["avataaars", "bottts", "bottts-neutral"])
def test_styles_without_an_open_licence_are_refused_with_the_reason(name):
    with pytest.raises(UsageProblem, match=r"not openly licensed.*Free for personal"):
        require_open_style(name)
    with pytest.raises(UsageProblem, match="not openly licensed"):
        next(draw_faces(FaceJob(name, 16, "RGB", 0), 1))


def test_the_list_names_licence_creator_and_credit_of_every_style():
    styles = {record["source"]: record for record in list_styles()}
    assert len(styles) > 30
    dylan = styles["dicebear:dylan"]
    assert (dylan["licence"], dylan["creator"], dylan["allowed"]) == ("CC BY 4.0", "Natalia Spivak", True)
    assert "Natalia Spivak" in dylan["credit"]
    assert dylan["expressions"] == ["neutral", "smile", "laugh", "sad", "angry"]
    assert len(styles["dicebear:icons"]["credit"]) < 200  # its licence text is a page
    for record in styles.values():
        assert record["schema"] == "aigc.style/1"
        assert record["allowed"] == (record["licence"] in OPEN_LICENCES)


@pytest.mark.parametrize("name", ["dilan", "../x", "", "a/b"])
def test_unknown_styles_are_usage_problems(name):
    with pytest.raises(UsageProblem, match="no such style"):
        require_open_style(name)


@pytest.mark.parametrize("style", EXPRESSIONS)
def test_every_expression_recipe_uses_options_and_variants_that_the_style_has(style):
    components = dicebear._definition(style)["components"]
    for options in EXPRESSIONS[style].values():
        for option, values in options.items():
            variants = components[option.removesuffix("Variant")]["variants"]
            for value in [values] if isinstance(values, str) else values:
                assert value in variants


def test_faces_come_from_style_seed_and_index_alone():
    job = FaceJob("dylan", 16, "RGB", 3)
    first = list(draw_faces(job, 12))
    assert list(draw_faces(job, 7)) == first[:7]
    assert [face.label for face in first] == [0, 1, 2, 3, 4] * 2 + [0, 1]
    assert len({face.pixels for face in first}) == 12
    other = list(draw_faces(dataclasses.replace(job, seed=4), 12))
    assert not {face.pixels for face in first} & {face.pixels for face in other}


def test_worker_processes_draw_the_same_faces_in_the_same_order(monkeypatch):
    monkeypatch.setattr(dicebear, "FACES_WORTH_A_PROCESS", 4)
    monkeypatch.setattr(dicebear, "FACES_A_TASK", 3)
    monkeypatch.setattr(dicebear, "usable_cores", lambda: 2)
    job = FaceJob("dylan", 16, "RGB", 0)
    expected = [dicebear._draw_face(job, index) for index in range(8)]
    assert list(draw_faces(job, 8)) == expected


@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("L", 1), ("RGBA", 4)])
def test_modes_and_sizes(mode, channels):
    (face,) = draw_faces(FaceJob("dylan", 24, mode, 0), 1)
    assert len(face.pixels) == 24 * 24 * channels
    if mode == "RGBA":
        assert face.pixels[3] == 0, "the corner is transparent"
        assert 255 in face.pixels[3::4], "the face is not"


def test_the_expression_alone_changes_the_mouth():
    """Two faces that differ only in the expression option differ near the mouth and hardly elsewhere."""
    import io

    import resvg_py
    from dicebear import Avatar
    from PIL import Image, ImageChops

    pictures = []
    for label in ("neutral", "laugh"):
        options = {"seed": "x", "size": 80, "hairVariant": "plain", **EXPRESSIONS["dylan"][label]}
        svg = Avatar(dicebear._style("dylan"), options).to_string()
        pictures.append(Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("L"))
    left, top, right, bottom = ImageChops.difference(*pictures).getbbox()
    assert left > 20
    assert right < 60
    assert top > 35
    assert bottom < 65


def test_a_missing_extra_is_said_with_its_remedy(monkeypatch):
    monkeypatch.setattr(dicebear, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"pip install .*dicebear-core"):
        list_styles()
