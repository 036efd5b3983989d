"""Picture files as people have them: which files are pictures, and how one becomes pixels.

Everything that Pillow reads is a picture. EXIF orientation is applied, transparent parts are composited on white, and
of an animation or a file of several pages the first frame is taken.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from PIL import ExifTags, Image, ImageOps

BACKGROUND = (255, 255, 255)
"""The color under transparent parts of a picture: white."""
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises for a file that it cannot decode."""
# Folders that file servers, archivers and operating systems leave among a user's files.
SYSTEM_FOLDERS = frozenset(
    ("@eadir", "__macosx", "#recycle", "$recycle.bin", "lost+found", "system volume information")
)
# Written beside pictures by other programs; never meant as one.
NOT_PICTURES = frozenset((".pdf", ".ps", ".eps"))


@dataclass(frozen=True)
class Decoded:
    """A picture in mode L or RGB, and what was done to it: `turned` by EXIF, `composited` on the background."""

    picture: Image.Image
    turned: bool = False
    composited: bool = False


@functools.cache
def suffixes() -> frozenset[str]:
    """Return the suffixes, in lower case with the dot, of the formats that Pillow reads."""
    Image.init()
    known = {suffix.lower() for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    return frozenset(known) - NOT_PICTURES


def is_picture(path: PurePath) -> bool:
    """Return whether a file's name is that of a picture."""
    return path.suffix.lower() in suffixes()


def is_hidden(relative: PurePath) -> bool:
    """Return whether a path below the data set's folder is hidden, or in a folder that a system left there."""
    return any(part.startswith(".") or part.lower() in SYSTEM_FOLDERS for part in relative.parts)


def decode(path: PurePath) -> Decoded:
    """Return a picture file as mode L or RGB. Raises one of UNREADABLE if Pillow cannot decode it."""
    with Image.open(str(path)) as opened:
        turned = opened.getexif().get(ExifTags.Base.Orientation, 1) not in (0, 1)
        picture = ImageOps.exif_transpose(opened) if turned else opened
        if picture.mode.startswith("I;16"):  # PIL would clip 16 bits to 8, not scale them
            return Decoded(Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)), turned)
        if picture.has_transparency_data:
            layer = picture.convert("RGBA")
            if layer.getchannel("A").getextrema() != (255, 255):
                below = Image.new("RGBA", layer.size, (*BACKGROUND, 255))
                return Decoded(Image.alpha_composite(below, layer).convert("RGB"), turned, composited=True)
        return Decoded(picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB"), turned)
