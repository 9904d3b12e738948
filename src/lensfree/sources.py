"""Patterns of source files: which files belong to which frame and channel.

A pattern is a path with `{frame}` where the frame number stands (digits) and `{channel}` where the
name of the channel stands; both are optional.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_GAP_NAMED = 3


class SourceError(ValueError):
    """The source files are not what the pattern promises; the message says which and what to do."""


@dataclass(frozen=True)
class FrameFiles:
    """The files of one frame.

    Attributes:
        index: of the frame in the acquisition, from 0; -1 where one file holds many frames.
        names: paths, one per channel if the pattern has `{channel}`, else one; missing ones included. Text,
            because planning lists tens of thousands, of which it opens none.
        reason: why the frame cannot be there, empty if all its files are.
    """

    index: int
    names: tuple[str, ...]
    reason: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """Return the paths."""
        return tuple(map(Path, self.names))


Match = Callable[..., list[FrameFiles]]
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


def match_frames(pattern: str, channels: Sequence[str], *, may_lack_frames: bool = False) -> list[FrameFiles]:
    """Find the files of every frame.

    Frames are sorted by number; the lowest becomes frame 0. Without `{frame}` there is one entry, of
    index -1, whose files hold every frame.

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
        whole = FrameFiles(-1, tuple(fill(place, channel=name) for name in names))
        for file in whole.files:
            if not file.is_file():
                raise SourceError(f"no file matches '{file}'; check the column 'files' and the names in it")
        return [whole]
    found: dict[int, dict[str, str]] = {}
    for name in names:
        for number, path in _numbered(place, name):
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


def _numbered(pattern: str, channel: str) -> list[tuple[int, str]]:
    parts = fill(pattern, frame="\0", channel=channel).split("\0")
    expression = re.escape(parts[0]) + r"(\d+)" + r"\1".join(re.escape(p) for p in parts[1:])
    regex = re.compile(expression)
    paths = glob.glob("*".join(glob.escape(part) for part in parts))
    matches = [(regex.fullmatch(path.replace("\\", "/")), path) for path in sorted(paths)]
    return [(int(match[1]), path) for match, path in matches if match]


def _in_order(
    pattern: str, names: list[str], found: dict[int, dict[str, str]], may_lack_frames: bool
) -> list[FrameFiles]:
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
        frames.append(FrameFiles(number - first, paths, f"{lacking[0]} is missing" if lacking else ""))
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
