"""The interface of a folder: read, write (whole or not at all), list and remove files by name.

``LocalFolder`` is a folder of this machine; ``storage`` opens one on S3.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from contracts.places import Location, Place


class Folder(Protocol):
    """A folder; a file's name is relative to it, with ``/`` between folders. It need not exist to be written to."""

    @property
    def place(self) -> Place:
        """Its location."""

    def below(self, *names: str) -> "Folder":
        """A folder in it."""

    def exists(self, name: str) -> bool:
        """Whether it has the file."""

    def read(self, name: str) -> bytes:
        """The file's content; raises ``FileNotFoundError`` if there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Write the file, so that readers see all of it or the previous content."""

    def remove(self, name: str) -> None:
        """Remove the file, if there is one."""

    def files(self) -> list[str]:
        """Sorted names of all files in it and its subfolders, without unfinished ones."""

    def folders(self) -> list[str]:
        """Names of the folders in it, in order."""


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine."""

    place: Place

    @property
    def path(self) -> Path:
        """Its path."""
        return self.place.local

    def below(self, *names: str) -> "LocalFolder":
        """A folder in it."""
        return LocalFolder(self.place.below(*names))

    def exists(self, name: str) -> bool:
        """Whether a file or folder has that name."""
        return (self.path / name).exists()

    def read(self, name: str) -> bytes:
        """The content."""
        return (self.path / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        """Write a file beside it, then rename."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.tmp")
        scratch.write_bytes(content)
        scratch.replace(path)

    def remove(self, name: str) -> None:
        """Remove the file, if there is one."""
        (self.path / name).unlink(missing_ok=True)

    def files(self) -> list[str]:
        """In order of their names."""
        return sorted(self._files())

    def _files(self) -> Iterator[str]:
        for path in self.path.rglob("*"):
            is_scratch = path.name.startswith(".") and path.name.endswith(".tmp")
            if path.is_file() and not is_scratch:
                yield path.relative_to(self.path).as_posix()

    def folders(self) -> list[str]:
        """In order of their names."""
        return sorted(path.name for path in self.path.iterdir() if path.is_dir()) if self.path.is_dir() else []


def as_folder(where: Folder | Location) -> Folder:
    """An opened folder as it is, or a location of this machine; raises ``PlaceError`` for one on S3."""
    if not isinstance(where, str | Path):
        return where
    place = Place.parse(where)
    _ = place.local
    return LocalFolder(place)
