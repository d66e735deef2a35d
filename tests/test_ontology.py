"""Laws of event schemes: PLOVER is whole and legible, another may serve, a bad one says where."""

import itertools
import math
import re

import pytest

from hadath.errors import HadathError
from hadath.ontology import load_scheme

FAMILIES = {
    "VerCoop": range(200, 256),
    "MatCoop": range(90, 176),
    "VerConf": range(35, 61),
    "MatConf": (*range(21), *range(320, 360)),
}


def linear_light(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def luminance(colour):
    red, green, blue = linear_light(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def lab(colour):
    red, green, blue = linear_light(colour)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (
        t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, luminance(colour), z)
    )
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def test_plover_has_its_sixteen_types_each_in_a_quad_class_with_a_score_and_names():
    scheme = load_scheme()
    assert len(scheme.types) == len(set(scheme.names)) == 16
    assert {quad.name for quad in scheme.quads} == {"VerCoop", "MatCoop", "VerConf", "MatConf"}
    for event_type in scheme.types:
        assert event_type.quad in {quad.name for quad in scheme.quads}
        assert event_type.score is not None and -10 <= event_type.score <= 10
        assert len(event_type.arabic.split()) <= 2 and len(event_type.english.split()) <= 2
        assert event_type.arabic_gloss and event_type.english_gloss


def test_accusing_scores_below_zero_and_sanctions_are_material_conflict():
    scheme = load_scheme("plover")
    assert scheme.find("ACCUSE").score < 0
    assert scheme.find("SANCTION").quad == "MatConf"


def test_cooperation_scores_above_every_conflict():
    scores = {"Coop": [], "Conf": []}
    for event_type in load_scheme().types:
        scores[event_type.quad[3:]].append(event_type.score)
    assert min(scores["Coop"]) > max(scores["Conf"])


def test_dark_text_is_readable_on_every_colour():
    for event_type in load_scheme().types:
        contrast = (luminance(event_type.colour) + 0.05) / (luminance("#111111") + 0.05)
        assert contrast >= 4.5, event_type


def test_colours_can_be_told_apart_and_show_their_quad_class():
    types = load_scheme().types
    for one, other in itertools.combinations(types, 2):
        assert math.dist(lab(one.colour), lab(other.colour)) >= 11, (one.name, other.name)
    for one in types:
        channels = [int(one.colour[at : at + 2], 16) for at in (1, 3, 5)]
        red, green, blue = (c - min(channels) for c in channels)
        widest = max(red, green, blue)
        angle = {
            red: (60 * (green - blue) / widest) % 360,
            green: 120 + 60 * (blue - red) / widest,
            blue: 240 + 60 * (red - green) / widest,
        }[widest]
        assert round(angle) in FAMILIES[one.quad], (one.name, angle)


def test_another_scheme_needs_only_names(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("name: own\ntypes:\n  - name: فوز\n  - name: خسارة\n", encoding="utf-8")
    scheme = load_scheme(path)
    assert scheme.names == ("فوز", "خسارة")
    assert scheme.types[0].quad is None and scheme.types[0].score is None
    assert scheme.types[0].arabic == scheme.types[0].english == "فوز"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("types: []\n", "no 'name'"),
        ("name: x\ntypes: []\n", "types: it is empty"),
        (
            "name: x\ntypes:\n  - {name: A, color: '#fff000'}\n",
            r"types\[0\].*did you mean 'colour'",
        ),
        ("name: x\ntypes:\n  - {name: A, colour: red}\n", r"types\[0\].colour: 'red' is no colour"),
        ("name: x\ntypes:\n  - {name: NO}\n", r"types\[0\].name: expected a text, found False"),
        ("name: x\ntypes:\n  - {name: A, score: high}\n", r"types\[0\].score"),
        ("name: x\ntypes:\n  - {name: A}\n  - {name: A}\n", "'A' is listed twice"),
        ("name: x\ntypes:\n  - A\n", r"types\[0\]: expected keys and values, found str"),
        ("name: x\nquads: [{name: Verbal}]\ntypes: [{name: A, quad: Verbl}]", "mean 'Verbal'"),
        ("name: x\ntypes: [\n", "yaml:3: not YAML"),
        ("", "expected keys and values"),
    ],
)
def test_a_bad_scheme_is_one_line_naming_file_and_field(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HadathError, match=message) as caught:
        load_scheme(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_an_unknown_scheme_names_the_near_one():
    with pytest.raises(HadathError, match=re.escape("no scheme 'plovr'; did you mean 'plover'?")):
        load_scheme("plovr")
    with pytest.raises(HadathError, match="no such file"):
        load_scheme("missing/own.yaml")
