"""The terminal that everything is printed on."""

from rich.console import Console

out = Console(highlight=False, soft_wrap=True, emoji=False, markup=False)
LABEL_WIDTH = 10
