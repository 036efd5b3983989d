"""Every count of the papers and of Keras, exactly, and the cost model's worked example."""

from __future__ import annotations

import pytest

from models import explain, presets
from models.network import Layer

# alpha: Keras parameters, MACs at 224, 192, 160, 128, bytes of int8 weights and int32 biases
V1 = {
    100: (4_253_864, (568_740_352, 418_121_728, 290_675_200, 186_400_768), 4_256_864),
    75: (2_601_976, (325_400_448, 239_273_472, 166_396_800, 106_770_432), 2_604_976),
    50: (1_342_536, (149_497_088, 109_970_432, 76_524_800, 49_160_192), 1_345_536),
    25: (475_544, (41_030_272, 30_212_608, 21_059_200, 13_570_048), 478_544),
}
# alpha: Keras parameters, MACs at 224 and 128, bytes
V2 = {
    140: (6_156_712, (582_195_824, 191_311_616), 6_159_712),
    130: (5_431_048, (509_374_560, 167_447_040), 5_434_048),
    100: (3_538_984, (300_774_272, 99_074_048), 3_541_984),
    75: (2_663_064, (209_069_792, 69_129_728), 2_666_064),
    50: (1_987_224, (97_131_840, 32_578_560), 1_990_224),
    35: (1_691_208, (59_285_808, 20_220_672), 1_694_208),
}
# preset at 224: Keras parameters, MACs
V3 = {
    "v3l_100": (5_507_432, 216_589_760),
    "v3l_075": (4_012_616, 154_560_624),
    "v3lm_100": (3_948_688, 209_136_704),
    "v3s_100": (2_554_968, 56_510_400),
    "v3s_075": (2_051_552, 43_399_344),
    "v3sm_100": (2_056_848, 52_288_448),
}


@pytest.mark.parametrize("alpha", V1)
def test_v1(alpha: int) -> None:
    parameters, macs, int8_bytes = V1[alpha]
    for rho, expected in zip((224, 192, 160, 128), macs, strict=True):
        found = explain.summarize(presets.parse(f"v1_{alpha:03d}_{rho}"))
        assert (found.parameters, found.macs, found.int8_bytes) == (parameters, expected, int8_bytes)
        assert found.layers == 28


@pytest.mark.parametrize("alpha", V2)
def test_v2(alpha: int) -> None:
    parameters, macs, int8_bytes = V2[alpha]
    for rho, expected in zip((224, 128), macs, strict=True):
        found = explain.summarize(presets.parse(f"v2_{alpha:03d}_{rho}"))
        assert (found.parameters, found.macs, found.int8_bytes) == (parameters, expected, int8_bytes)
        assert found.layers == 1 + 2 + 16 * 3 + 2


@pytest.mark.parametrize("name", V3)
def test_v3(name: str) -> None:
    found = explain.summarize(presets.parse(f"{name}_224"))
    assert (found.parameters, found.macs) == V3[name]


@pytest.mark.parametrize(
    ("name", "layers"), [("v1s_025", 18), ("v3l_100", 64), ("v3s_100", 54), ("v3lm_100", 48), ("v3sm_100", 36)]
)
def test_layers_with_a_kernel(name: str, layers: int) -> None:
    """V3: stem, tail's two, classifier; 15 or 11 bottlenecks of three, the first of two; two for each squeeze."""
    assert explain.summarize(presets.parse(name)).layers == layers


def test_the_classifier_is_the_only_part_that_classes_change() -> None:
    thousand, ten = (explain.summarize(presets.parse("v1_025", classes)) for classes in (1000, 10))
    assert thousand.parameters - ten.parameters == 990 * (256 + 1)
    assert thousand.macs - ten.macs == 990 * 256


def test_one_channel_makes_the_stem_a_third() -> None:
    rgb, gray = (explain.summarize(presets.parse("v1_025", 10, channels)) for channels in (3, 1))
    assert rgb.parameters - gray.parameters == 3 * 3 * 2 * 8


def _separable(side: int, channels: int, filters: int, kernel: int = 3, stride: int = 1) -> tuple[Layer, Layer]:
    inner = (side // stride, side // stride, channels)
    depthwise = Layer("dw", "depthwise", (), (side, side, channels), inner, kernel, stride, True)
    return depthwise, Layer("pw", "conv", (), inner, (*inner[:2], filters), 1, 1, True)


def test_the_worked_example_of_the_cost_model() -> None:
    depthwise, pointwise = _separable(112, 64, 128)
    assert depthwise.macs + pointwise.macs == 109_985_792
    standard = Layer("standard", "conv", (), (112, 112, 64), (112, 112, 128), 3)
    assert standard.macs == 924_844_032
    assert explain.depthwise_separable_cost(depthwise, pointwise) == 109_985_792 / 924_844_032


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize(("channels", "filters"), [(16, 24), (64, 128), (512, 512)])
def test_the_general_ratio(channels: int, filters: int, kernel: int, stride: int) -> None:
    pair = _separable(56, channels, filters, kernel, stride)
    assert explain.depthwise_separable_cost(*pair) == pytest.approx(1 / filters + 1 / kernel**2, rel=1e-12)


@pytest.mark.parametrize("name", ["v1_025", "v1s_100", "v2_035", "v3l_100", "v3s_075", "v3sm_100", "v3s_100_32"])
def test_each_depthwise_row_has_the_ratio_of_its_own_pointwise(name: str) -> None:
    """Squeeze-and-excite has convolutions too, between the two: they are not the pair's."""
    preset = presets.parse(name)
    layers = {layer.name: layer for layer in preset.network().layers}
    rows = explain.rows(preset)
    for at, row in enumerate(rows):
        if not row.operator.startswith("depthwise"):
            assert row.cost is None
            continue
        project = next(r for r in rows[at + 1 :] if "_pw_" in r.layer or r.layer.endswith("_project"))
        n, k = layers[project.layer].output_shape[2], layers[row.layer].kernel
        assert row.cost == pytest.approx(1 / n + 1 / k**2, rel=1e-12), row.layer


@pytest.mark.parametrize("name", presets.all_names())
def test_rows_add_up_to_the_totals(name: str) -> None:
    preset = presets.parse(name)
    rows, total = explain.rows(preset), explain.summarize(preset)
    assert sum(row.parameters for row in rows) == total.parameters
    assert sum(row.macs for row in rows) == total.macs


def test_peak_activations_of_v1() -> None:
    """At the peak the second block's pointwise convolution writes: 64x64x8 in, 64x64x16 out."""
    assert explain.summarize(presets.parse("v1_025")).peak_activation_bytes == 64 * 64 * (8 + 16)


def test_peak_activations_count_what_a_residual_keeps() -> None:
    """V2's block 2 adds its input of 32x32x8 to its output, so that it lives while 48 channels become 48."""
    peak = explain.summarize(presets.parse("v2_035")).peak_activation_bytes
    assert peak == max(64 * 64 * (48 + 8), 32 * 32 * (8 + 48 + 48), 64 * 64 * 48 + 32 * 32 * 48)
