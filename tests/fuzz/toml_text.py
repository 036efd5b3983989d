"""Writing TOML of any JSON-like value, right as far as TOML can say it: the reader of files is not what is tested."""

from __future__ import annotations

import json
import math
from typing import Any


def toml_of(value: Any) -> str:
    """Return the text of a table; anything but a table, and what TOML has not, is left as it is: not TOML."""
    if not isinstance(value, dict):
        return _value(value)
    return "".join(f"{_text(str(key))} = {_value(inner)}\n" for key, inner in value.items())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf") if math.isinf(value) else repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(str(key))} = {_value(inner)}" for key, inner in value.items()) + "}"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(text: str) -> str:
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")
