"""The usual ways in which programs prepare pictures for a network: values, order of channels, sides and resizing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from datasets import Split, prepare

Pixels = npt.NDArray[np.uint8]
Size = tuple[int, int]
"""Height and width in pixels."""
CENTRAL = 0.875
"""The part of the side that ImageNet's evaluation keeps."""


@dataclass(frozen=True)
class Values:
    """What becomes of pixels: pixel * scale + offset, for each channel in the order in which the network has them.

    `input_range` are the values of pixels 0 and 255 where one scale serves all channels, else None.
    """

    name: str
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    input_range: tuple[float, float] | None = None

    def __call__(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Return the float32 values of uint8 pictures (n, h, w, channels)."""
        scale, offset = np.array(self.scale, np.float32), np.array(self.offset, np.float32)
        return pixels.astype(np.float32) * scale + offset


def of_range(low: float, high: float) -> Values:
    """Return the values in which pixels 0 and 255 are `low` and `high`."""
    return Values(f"{low:g}..{high:g}", ((high - low) / 255,), (low,), (low, high))


# As keras.applications.imagenet_utils.preprocess_input has them; "caffe" is B, G, R.
CAFFE = Values("caffe (ImageNet's mean off)", (1.0,) * 3, (-103.939, -116.779, -123.68))
TORCH = Values(
    "torch (ImageNet's mean, deviation)",
    tuple(1 / (255 * deviation) for deviation in (0.229, 0.224, 0.225)),
    tuple(-mean / deviation for mean, deviation in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))),
)
RANGES = tuple(of_range(*ends) for ends in ((-1.0, 1.0), (0.0, 1.0), (0.0, 255.0), (-128.0, 127.0)))


@dataclass(frozen=True)
class Way:
    """One way of preparing pictures. `resize` is a name in RESIZES; `colors` is the number of channels, 1 or 3."""

    values: Values
    bgr: bool = False
    transposed: bool = False
    resize: str = "bilinear"
    colors: int = 3

    @property
    def channels(self) -> str:
        """The order of the channels."""
        if self.colors == 1:
            return "gray"
        return "BGR" if self.bgr else "RGB"

    def __call__(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Return what a network is given for resized pictures (n, h, w, channels), which are RGB."""
        turned = pixels.transpose(0, 2, 1, 3) if self.transposed else pixels
        if not self.bgr:
            return self.values(turned)
        return self.values(turned[..., ::-1])


def _unsmoothed(picture: Image.Image, size: Size) -> Image.Image:
    """Resize as OpenCV and tf.image do by default: four pixels decide, however much smaller the result is."""
    height, width = size
    matrix = (picture.width / width, 0, 0, 0, picture.height / height, 0)
    return picture.transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _plain(kind: Image.Resampling) -> Callable[[Image.Image, Size], Image.Image]:
    return lambda picture, size: picture.resize((size[1], size[0]), kind)


def _center_crop(picture: Image.Image, size: Size) -> Image.Image:
    """Cut off what is too long, so that nothing is stretched."""
    return ImageOps.fit(picture, (size[1], size[0]), Image.Resampling.BILINEAR)


def _central_part(picture: Image.Image, size: Size) -> Image.Image:
    left, top = (side * (1 - CENTRAL) / 2 for side in picture.size)
    box = (left, top, picture.width - left, picture.height - top)
    return picture.resize((size[1], size[0]), Image.Resampling.BILINEAR, box=box)


RESIZES: Mapping[str, Callable[[Image.Image, Size], Image.Image]] = {
    "bilinear": _plain(Image.Resampling.BILINEAR),
    "bilinear, not smoothed": _unsmoothed,
    "nearest": _plain(Image.Resampling.NEAREST),
    "area": _plain(Image.Resampling.BOX),
    "bicubic": _plain(Image.Resampling.BICUBIC),
    "center crop": _center_crop,
    "central 87.5 %": _central_part,
}
"""By name; the first is this project's own: PIL's, which smooths."""


def resized(split: Split, indices: Iterable[int], size: Size, channels: int, kind: str) -> Pixels:
    """Return pictures as uint8 (n, h, w, channels), resized in one of RESIZES."""
    change = RESIZES[kind]
    return np.stack([prepare(change(split.read(int(i)), size), size, channels) for i in indices])


def values_for(channels: int, given: tuple[float, float] | None) -> tuple[Values, ...]:
    """Return the values to try for a network of so many channels; those of `given` are the first."""
    first = () if given is None else (of_range(*given),)
    others = (*RANGES, *((CAFFE, TORCH) if channels == 3 else ()))
    return (*first, *(values for values in others if values.input_range is None or values.input_range != given))
