"""Names of presets: there and back, and what is said of a name that can't be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import ConfigError
from models import presets
from models.presets import ALPHA_RANGE, FAMILIES, RHO_MAX, RHO_MIN, RHO_STEP, Preset

FAMILY = st.sampled_from(sorted(FAMILIES))
RHO = st.integers(RHO_MIN // RHO_STEP, RHO_MAX // RHO_STEP).map(lambda n: n * RHO_STEP)


@st.composite
def valid(draw: st.DrawFn) -> Preset:
    family = draw(FAMILY)
    low, high = ALPHA_RANGE[family]
    alpha = draw(st.integers(round(low * 100), round(high * 100))) / 100
    return Preset(family, alpha, draw(RHO), draw(st.integers(2, 2000)), draw(st.sampled_from([1, 3])))


@given(valid())
def test_a_name_goes_there_and_back(preset: Preset) -> None:
    assert presets.parse(preset.name, preset.classes, preset.channels) == preset


@given(valid())
def test_every_preset_that_parses_builds_a_table(preset: Preset) -> None:
    net = preset.network()
    assert net.layers[0].output_shape == (preset.rho, preset.rho, preset.channels)
    assert net[net.last].output_shape == (1, 1, preset.classes)
    assert all(min(layer.output_shape) >= 1 for layer in net.layers)
    for layer in net.layers[1:]:
        assert net[layer.inputs[0]].output_shape == layer.input_shape


@given(st.text(max_size=20))
def test_any_text_is_a_preset_or_a_one_line_error(text: str) -> None:
    try:
        found = presets.parse(text)
    except ConfigError as e:
        assert str(e).startswith(f"--model {text}: ")  # noqa: PT017 (both ends are right)
    else:
        assert presets.parse(found.name) == found


def test_defaults() -> None:
    assert presets.parse("v1_025") == Preset("v1", 0.25, 128, 1000, 3)
    assert presets.parse("v1_025_128").name == "v1_025"
    assert presets.parse("v2_035").name == "v2_035"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("v1_25", "did you mean v1_025"),
        ("v2_0.35", "did you mean v2_035"),
        ("mobilenet_v2", "`inv models` lists them"),
        ("v4_100", "did you mean v"),
        ("v1_025_", "did you mean v1_025"),
        ("V1_025", "did you mean v1_025"),
        ("", "expected a preset"),
        ("mine.tflite", "this task needs a preset <family>_<alpha>[_<rho>], such as v1_025; got a file"),
        ("folder/mine.keras", "got a file; `inv models` lists presets"),
        ("v1_200", "alpha of v1 is 0.1 to 1.0, got 2.0; for example v1_025"),
        ("v1_000", "alpha of v1 is 0.1 to 1.0, got 0.0"),
        ("v2_201", "alpha of v2 is 0.1 to 2.0, got 2.01; for example v2_035"),
        ("v3s_010", "alpha of v3s is 0.25 to 1.5, got 0.1; for example v3s_075"),
        ("v1_025_100", "rho is a multiple of 32 from 32 to 320 pixels, got 100"),
        ("v1_025_0", "rho is a multiple of 32 from 32 to 320 pixels, got 0"),
        ("v1_025_352", "got 352"),
        ("v1_025_99999999999999999999", "rho is a multiple"),
    ],
)
def test_bad_names(name: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        presets.parse(name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("classes", "channels", "said"), [(1, 3, "--classes 1"), (10, 2, "--channels 2")])
def test_bad_numbers(classes: int, channels: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        presets.parse("v1_025", classes, channels)


def test_listed_names_are_valid_and_distinct() -> None:
    names = presets.all_names()
    assert len(set(names)) == len(names) == 22
    assert [presets.parse(name).name for name in names] == names
