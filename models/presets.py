"""Names of networks: `<family>_<alpha>[_<rho>]`, such as v1_025 (MobileNet V1, alpha 0.25, 128x128)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from errors import ConfigError, nearest
from models import v1, v2, v3
from models.network import Network

DEFAULT_RHO = 128
RHO_MIN, RHO_MAX, RHO_STEP = 32, 320, 32
FILES = (".keras", ".h5", ".tflite")
"""What --model may be instead, where a task takes files."""

FAMILIES = {
    "v1": "MobileNet V1",
    "v1s": "MobileNet V1, shallow",
    "v2": "MobileNet V2",
    "v3l": "MobileNet V3 Large",
    "v3s": "MobileNet V3 Small",
    "v3lm": "MobileNet V3 Large, minimalistic",
    "v3sm": "MobileNet V3 Small, minimalistic",
}
# The alphas with which the papers and Keras publish the family; any other in ALPHA_RANGE builds too.
ALPHAS = {
    "v1": (0.25, 0.5, 0.75, 1.0),
    "v1s": (0.25, 0.5, 0.75, 1.0),
    "v2": (0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
    "v3l": (0.75, 1.0),
    "v3s": (0.75, 1.0),
    "v3lm": (0.75, 1.0),
    "v3sm": (0.75, 1.0),
}
ALPHA_RANGE = {family: (0.1, 2.0) if family == "v2" else (0.1, 1.0) for family in ALPHAS} | {
    family: (0.25, 1.5) for family in ("v3l", "v3s", "v3lm", "v3sm")
}
_NAME = re.compile(r"(?P<family>[a-z0-9]+?)_(?P<alpha>\d{3})(?:_(?P<rho>\d+))?")


@dataclass(frozen=True)
class Preset:
    """A network before it has weights. `alpha` is the width multiplier, `rho` the input's side in pixels."""

    family: str
    alpha: float
    rho: int = DEFAULT_RHO
    classes: int = 1000
    channels: int = 3

    @property
    def name(self) -> str:
        """The preset's name; classes and channels are the data set's and not part of it."""
        base = f"{self.family}_{round(self.alpha * 100):03d}"
        return base if self.rho == DEFAULT_RHO else f"{base}_{self.rho}"

    def network(self) -> Network:
        """Return the table of layers."""
        sizes = (self.rho, self.channels, self.classes, self.alpha)
        if self.family in ("v1", "v1s"):
            return v1.build(*sizes, shallow=self.family == "v1s")
        if self.family == "v2":
            return v2.build(*sizes)
        return v3.build(*sizes, size="large" if self.family[2] == "l" else "small", minimalistic=self.family[3:] == "m")


def all_names() -> list[str]:
    """Names of the presets that `inv models` lists: each published alpha at the default rho."""
    return [Preset(family, alpha).name for family, alphas in ALPHAS.items() for alpha in alphas]


def looks_like(name: str) -> bool:
    """Return whether a name has the form of a preset's, though the family or a number may be wrong."""
    return bool(_NAME.fullmatch(name))


def parse(name: str, classes: int = 1000, channels: int = 3) -> Preset:
    """Return the preset of that name.

    Raises ConfigError if the name, alpha, rho, classes or channels can't be.
    """
    match = _NAME.fullmatch(name)
    if name.endswith(FILES):
        raise ConfigError(
            f"--model {name}: this task needs a preset <family>_<alpha>[_<rho>], such as v1_025; got a file; "
            "`inv models` lists presets"
        )
    if not match or match["family"] not in FAMILIES:
        hint = nearest(name, all_names())
        raise ConfigError(
            f"--model {name}: expected a preset <family>_<alpha>[_<rho>] or a file ({', '.join(FILES)}); "
            f"{hint}{' ' if hint.endswith('?') else '; '}`inv models` lists them"
        )
    family, alpha = match["family"], int(match["alpha"]) / 100
    rho = int(match["rho"]) if match["rho"] else DEFAULT_RHO
    low, high = ALPHA_RANGE[family]
    if not low <= alpha <= high:
        example = Preset(family, ALPHAS[family][0]).name
        raise ConfigError(f"--model {name}: alpha of {family} is {low} to {high}, got {alpha}; for example {example}")
    if not RHO_MIN <= rho <= RHO_MAX or rho % RHO_STEP:
        raise ConfigError(
            f"--model {name}: rho is a multiple of {RHO_STEP} from {RHO_MIN} to {RHO_MAX} pixels, got {rho}"
        )
    if channels not in (1, 3):
        raise ConfigError(f"--channels {channels}: expected 1 or 3")
    if classes < 2:
        raise ConfigError(f"--classes {classes}: expected at least 2")
    return Preset(family, alpha, rho, classes, channels)
