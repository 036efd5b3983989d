"""Flashing with a program that the user has, such as OpenOCD: how it is called and how its answer is judged."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import process
from deploy.bench_file import links_of
from deploy.links import Link, make_link
from errors import DeployError
from target import Target


@dataclass(frozen=True)
class Failure:
    """A pattern in the output of a flash tool that failed, and what the user can do then."""

    pattern: str
    next_step: str


class FlashTool(ABC):
    """A program that writes an image into a board's flash and starts it; the board's line is a link of its own.

    A subclass says what the program is and how it is called. `image_suffix` is the form of the image that it takes.
    It succeeded if its exit code is 0 and its output matches `success`; with an empty `success`, if none of `failures`
    matches. `package` is the Debian package, or a sentence that says how to get the program.
    """

    program: ClassVar[str]
    package: ClassVar[str]
    image_suffix: ClassVar[str]
    links: ClassVar[tuple[str, ...]] = ("serial",)
    success: ClassVar[str] = ""
    failures: ClassVar[tuple[Failure, ...]] = ()
    timeout_s: ClassVar[float] = 120.0

    def __init__(self, target: Target):
        self.target = target
        self.options = target.flash_arguments.get(self.name, ())

    @property
    def name(self) -> str:
        """The flasher's name in a target's TOML: that of its module."""
        return type(self).__module__.rpartition(".")[2].replace("_", "-")

    @abstractmethod
    def command(self, image: Path, uri: str) -> list[str]:
        """Return the command that writes and starts `image`, run in the image's folder. `uri` is the board's line."""

    def check(self) -> None:
        """Raise DeployError if the program is missing or the board's line is not known. See Flasher.check."""
        process.find(self.program, DeployError, self.package)
        self.uri()

    def uri(self) -> str:
        """Return the URI of the board's line. Raises DeployError if bench.toml does not name it."""
        links = links_of(self.target.name)
        if not links:
            raise DeployError(
                f"{self.target.name}: its line is not known; add it to bench.toml (see bench.example.toml), "
                "or flash it yourself and give its line with --link"
            )
        return links[0]

    def start(self, image: Path) -> Link:
        """Flash the image and return the link to the board. See Flasher.start.

        Raises DeployError naming the package if the program is missing, or with its own words and the next step if it
        failed.
        """
        image = image.with_suffix(self.image_suffix)
        if not image.is_file():
            raise DeployError(f"{image}: no such image; build it first")
        self.check()
        uri = self.uri()
        self.flash(image, uri)
        return make_link(uri)

    def flash(self, image: Path, uri: str) -> None:
        """Run the program and judge its answer. Raises DeployError."""
        finished = process.run(
            self.command(image, uri),
            error=DeployError,
            timeout_s=self.timeout_s,
            name=f"{self.target.name}: {self.program}",
            install=self.package,
            hint="check the cable and that the board has power",
            folder=image.parent.resolve(),
            is_merged=True,
            check=False,
        )
        failure = next((f for f in self.failures if re.search(f.pattern, finished.stdout)), None)
        is_success = bool(re.search(self.success, finished.stdout)) if self.success else failure is None
        if finished.exit_code == 0 and is_success:
            return
        telling = failure.pattern if failure else r"(?i)\b(error|failed|fail)\b"
        next_step = failure.next_step if failure else "see its manual, or flash the board yourself and give --link"
        raise DeployError(
            f"{self.target.name}: {self.program}: {finished.last_line(telling)} "
            f"({process.ending(finished.exit_code)}); {next_step}"
        )
