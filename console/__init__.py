"""What a person sees while the pipeline works: a line for each step, a bar for what takes long, tables, notes."""

from console.bar import PROGRESS_LINES, bar, percent_bar, status_bar
from console.line import Step, note, step
from console.screen import beside_json, out, print_json, say
from console.table import plain, report, table
from console.text import clean, one_line
from console.waiting import waiting

__all__ = [
    "PROGRESS_LINES", "Step", "bar", "beside_json", "clean", "note", "one_line", "out", "percent_bar", "plain",
    "print_json", "report", "say", "status_bar", "step", "table", "waiting",
]  # fmt: skip
