"""Patterns of source files: which files belong to which frame and channel.

A pattern is a path with `{frame}` where the frame number stands (digits) and `{channel}` where the
name of the channel stands; both are optional.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MAX_GAP_NAMED = 3


class SourceError(ValueError):
    """The source files are not what the pattern promises; the message says which and what to do."""


@dataclass(frozen=True)
class FrameSource:
    """Where one frame is.

    Attributes:
        frame: index in the acquisition, from 0; -1 where the files hold many frames and were not opened.
        names: paths, one per channel if the pattern has `{channel}`, else one; missing ones included. Text,
            because planning lists tens of thousands, of which it opens none.
        reason: why the frame cannot be read, empty if its files are there.
        index_in_file: which frame of its files it is.
    """

    frame: int
    names: tuple[str, ...]
    reason: str = ""
    index_in_file: int = 0

    @property
    def files(self) -> tuple[Path, ...]:
        """Return the paths."""
        return tuple(map(Path, self.names))


Match = Callable[..., list[FrameSource]]
"""What takes the arguments of `match_frames` and answers as it does."""


def has_frame(pattern: str) -> bool:
    """Return whether every frame has files of its own."""
    return "{frame}" in pattern


def has_channel(pattern: str) -> bool:
    """Return whether every channel has files of its own."""
    return "{channel}" in pattern


def fill(pattern: str, *, frame: str = "", channel: str = "") -> str:
    """Return the path of one frame (as its digits) and channel."""
    return pattern.replace("{frame}", frame).replace("{channel}", channel)


def match_frames(
    pattern: str, channels: Sequence[str], *, may_lack_frames: bool = False
) -> list[FrameSource]:
    """Find the files of every frame.

    Frames are sorted by number; the lowest becomes frame 0. Without `{frame}` there is one entry, of
    frame -1, whose files hold every frame.

    Args:
        pattern: path with `{frame}` and `{channel}` where they vary.
        channels: names of the channels.
        may_lack_frames: give a missing frame a `reason` instead of an error.

    Raises:
        SourceError: if nothing matches, a number occurs twice, or a frame is missing.
    """
    names = list(channels) if has_channel(pattern) else [""]
    place = Path(pattern).as_posix()
    if not has_frame(pattern):
        whole = FrameSource(-1, tuple(fill(place, channel=name) for name in names))
        for file in whole.files:
            if not file.is_file():
                raise SourceError(f"no file matches '{file}'; check the column 'files' and the names in it")
        return [whole]
    found: dict[int, dict[str, str]] = {}
    listed = cache(_names_in)
    for name in names:
        for number, path in _numbered(place, name, listed):
            twin = found.setdefault(number, {}).get(name)
            if twin is not None:
                both = f"'{Path(twin).name}' and '{Path(path).name}'"
                raise SourceError(f"{both} are both frame {number}; keep one")
            found[number][name] = path
    if not found:
        raise SourceError(
            f"no file matches '{pattern}'; check the column 'files' ({{frame}} stands for digits)"
        )
    return _in_order(place, names, found, may_lack_frames)


def _numbered(pattern: str, channel: str, listed: Callable[[str], list[str]]) -> list[tuple[int, str]]:
    """Return the number in the name of every file of a channel, and its path; `listed` lists a folder."""
    parts = fill(pattern, frame="\0", channel=channel).split("\0")
    if any("/" in part for part in parts[1:]):
        paths = sorted(path.replace("\\", "/") for path in glob.glob("*".join(map(glob.escape, parts))))
        folder = ""
    else:
        folder = parts[0][: parts[0].rfind("/") + 1]
        paths = listed(folder)
    first, *others = (re.escape(part) for part in (parts[0][len(folder) :], *parts[1:]))
    matches = map(re.compile(first + r"(\d+)" + r"\1".join(others)).fullmatch, paths)
    return [(int(match[1]), folder + match[0]) for match in matches if match]


def _names_in(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder or "."))
    except OSError:
        return []  # then no file matches, which is what is said


def _in_order(
    pattern: str, names: list[str], found: dict[int, dict[str, str]], may_lack_frames: bool
) -> list[FrameSource]:
    first, last = min(found), max(found)
    example = next(iter(found[first].values()))
    digits = len(_frame_digits(pattern, example, next(iter(found[first]))))
    frames = []
    for number in range(first, last + 1):
        have = found.get(number, {})
        paths = tuple(
            have.get(name) or fill(pattern, frame=str(number).zfill(digits), channel=name) for name in names
        )
        lacking = [Path(path).name for path, name in zip(paths, names, strict=True) if name not in have]
        frames.append(FrameSource(number - first, paths, f"{lacking[0]} is missing" if lacking else ""))
    gaps = [frame for frame in frames if frame.reason]
    if gaps and not may_lack_frames:
        named = ", ".join(frame.reason.removesuffix(" is missing") for frame in gaps[:MAX_GAP_NAMED])
        more = f" and {len(gaps) - MAX_GAP_NAMED} more" if len(gaps) > MAX_GAP_NAMED else ""
        raise SourceError(
            f"the sequence '{pattern}' lacks {named}{more}; add the file or set load.on_bad_frame to 'gap'"
        )
    return frames


def _frame_digits(pattern: str, path: str, channel: str) -> str:
    head = fill(pattern, frame="\0", channel=channel).split("\0")[0]
    match = re.match(r"\d+", path[len(head) :])
    return match[0] if match else ""
