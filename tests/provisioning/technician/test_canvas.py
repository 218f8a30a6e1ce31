from __future__ import annotations

from xml.etree import ElementTree as ET

from provisioning.technician.canvas import Canvas

SVG = "{http://www.w3.org/2000/svg}"


def test_a_drawing_is_xml_of_the_size_that_it_has_on_paper() -> None:
    canvas = Canvas(100, 50, (200, 100))
    canvas.text((10, 20), "a < b & c", size=10)
    root = ET.fromstring(canvas.svg("title"))  # noqa: S314 - we made it
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("200mm", "100mm", "0 0 100 50")
    assert [each.text for each in root.iter(f"{SVG}text")] == ["a < b & c"]


def test_words_tell_the_room_that_they_take() -> None:
    canvas = Canvas(100, 100, (1, 1))
    for anchor in ("start", "middle", "end"):
        canvas.text((50, 50), "ten letter", size=10, anchor=anchor)
    assert [words.room[0] for words in canvas.words] == [50, 50 - 31, 50 - 62]
    assert {words.room[2] - words.room[0] for words in canvas.words} == {62}


def test_what_is_behind_is_drawn_first() -> None:
    canvas = Canvas(100, 100, (1, 1))
    canvas.circle((5, 5), 2)
    canvas.box((0, 0), (10, 10), behind=True)
    root = ET.fromstring(canvas.svg(""))  # noqa: S314 - we made it
    assert [each.tag.removeprefix(SVG) for each in root] == ["title", "rect", "rect", "circle"]
