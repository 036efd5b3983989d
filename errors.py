"""The errors that a user can fix: one line each, never a traceback."""

import difflib
from collections.abc import Iterable


class Error(Exception):
    """Root of every error Alpharho raises on purpose. The message is one line and names the next step."""


class Stopped(Error):
    """The user stopped a run with Ctrl-C after a part of it was measured, which is kept."""


class ConfigError(Error):
    """A preset, target, data set, option or file that the user gave is wrong."""


class TrainingError(Error):
    """A training went wrong, and what is kept of it is not what was asked for."""


class CalibrationError(Error):
    """The int8 conversion failed, or its result is not what was asked for."""


class CompileError(Error):
    """An artifact can't be compiled for the target."""


class GraphError(CompileError):
    """A .tflite cannot be read, or is damaged."""


class FitError(Error):
    """An artifact does not fit the RAM or flash of the target."""


class DeployError(Error):
    """An artifact could not be brought to the device."""


class LinkError(Error):
    """The link to a device could not be opened, or broke."""


class DeviceError(Error):
    """The device answered with an error, or with something that is not an answer."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which of the known names is meant.

    Returns a phrase such as ``did you mean v1_025?`` or ``known: a, b``, to end an error message with.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return "known: " + ", ".join(names)
