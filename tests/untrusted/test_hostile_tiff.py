"""TIFF files made to harm: lying headers, bombs, files that name other files, and files spoilt at random."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from bounded import outcome_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lensfree.io.tiff import BadFrameError, list_frames, read_frame, read_map

SHAPE_YX = (12, 17)
SHARED = HealthCheck.function_scoped_fixture
CHANGE = st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=4))
PIXELS = np.random.default_rng(0).integers(1, 250, SHAPE_YX).astype(np.uint8)
PAGE = PIXELS.tobytes()
OME = (
    '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
    '<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="17" SizeY="12" SizeC="1" SizeZ="1" '
    'SizeT="{n}"><TiffData IFD="0" PlaneCount="1"/>{more}</Pixels></Image></OME>'
)


def one_page(width, height, *, data=PAGE, compression=1, n_bytes=None, description="") -> bytes:
    """Return a TIFF of one page whose header says what it is told to."""
    text = description.encode() + b"\0"
    tags = [
        *((256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, compression), (262, 3, 1, 1)),
        *((270, 2, len(text), text), (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height)),
        (279, 4, 1, len(data) if n_bytes is None else n_bytes),
    ]
    data += b"\0" * (len(data) % 2)
    start = 8 + len(data)
    entries, behind = b"", start + 2 + 12 * len(tags) + 4
    for tag, kind, count, value in tags:
        entries += struct.pack("<HHI", tag, kind, count)
        entries += struct.pack("<I", value if isinstance(value, int) else behind)
    return (
        b"II*\0" + struct.pack("<I", start) + data + struct.pack("<H", len(tags)) + entries + bytes(4) + text
    )


BOMB = zlib.compress(bytes(100 << 20), 9)
ATTACKS = {
    "claims a million squared": one_page(10**6, 10**6),
    "claims what 32 bits can say": one_page(2**32 - 1, 2**32 - 1, n_bytes=2**32 - 1),
    "claims more than it holds": one_page(16000, 16000),
    "compressed a thousandfold": one_page(30000, 30000, data=BOMB, compression=8),
    "unpacks to more than a frame": one_page(17, 12, data=BOMB, compression=8),
    "two thousand million planes, OME": one_page(17, 12, description=OME.format(n=2 * 10**9, more="")),
    "two thousand million planes, ImageJ": one_page(17, 12, description="ImageJ=1.5\nimages=2000000000\n"),
    "two thousand million planes, shape": one_page(17, 12, description='{"shape": [2000000000, 12, 17]}'),
    "a million million planes, shape": one_page(17, 12, description='{"shape": [1000000, 1000000, 12, 17]}'),
    "brackets without end": one_page(17, 12, description='{"shape": ' + "[" * 100_000),
    "no pixel": one_page(0, 0),
}


def read_all(path: Path) -> None:
    for source in list_frames(str(path), ["mono"]):
        read_frame(source, 1)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_lying_header_is_one_sentence_and_takes_no_memory(tmp_path, name):
    path = tmp_path / "hostile.tif"
    path.write_bytes(ATTACKS[name])
    kind, message, took_mb = outcome_of(lambda: read_all(path))
    assert kind == "BadFrameError", message
    assert message.startswith(f"{path}: "), message
    assert took_mb < 400


def test_the_largest_frame_that_is_let_in_needs_bounded_memory(tmp_path):
    """16000 x 16000 pixels of one value, 256 MB in a file of 250 kB: read, found empty, and left again."""
    path = tmp_path / "large.tif"
    path.write_bytes(one_page(16000, 16000, data=zlib.compress(bytes(16000 * 16000), 9), compression=8))
    kind, message, took_mb = outcome_of(lambda: read_all(path), mb=3000)
    assert kind == "BadFrameError" and "every pixel of channel 0 is 0 (no hologram)" in message
    assert took_mb < 1200


def test_entities_of_entities_are_not_expanded(tmp_path):
    laughs = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    text = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "lol">{laughs}]><OME>&a11;</OME>'
    path = tmp_path / "laughs.tif"
    path.write_bytes(one_page(17, 12, description=text))
    _, _, took_mb = outcome_of(lambda: read_all(path))
    assert took_mb < 300


def test_a_file_that_names_another_does_not_make_us_read_it(tmp_path):
    (tmp_path / "inner").mkdir()
    tifffile.imwrite(tmp_path / "secret.tif", PIXELS + 1)
    named = '<UUID FileName="../secret.tif">urn:uuid:1</UUID>'
    elsewhere = f'<TiffData IFD="0" FirstT="1" PlaneCount="1">{named}</TiffData>'
    path = tmp_path / "inner" / "a.ome.tif"
    path.write_bytes(one_page(17, 12, description=OME.format(n=2, more=elsewhere)))
    with pytest.raises(
        BadFrameError, match=r"a\.ome\.tif: its description declares 408 values, the file holds"
    ):
        list_frames(str(path), ["mono"])


def valid_files() -> dict[str, bytes]:
    movie = np.random.default_rng(1).integers(1, 250, (3, *SHAPE_YX)).astype(np.uint8)
    options = {
        "plain": {"photometric": "minisblack"},
        "deflate": {"photometric": "minisblack", "compression": "zlib"},
        "lzw": {"photometric": "minisblack", "compression": "lzw"},
        "tiled": {"photometric": "minisblack", "tile": (16, 16)},
        "imagej": {"imagej": True, "metadata": {"axes": "TYX"}},
        "ome": {"ome": True, "metadata": {"axes": "TYX"}},
        "big": {"photometric": "minisblack", "bigtiff": True},
    }
    import io

    made = {}
    for name, chosen in options.items():
        with io.BytesIO() as file:
            tifffile.imwrite(file, movie, **chosen)
            made[name] = file.getvalue()
    return made


VALID = valid_files()


@given(
    name=st.sampled_from(sorted(VALID)),
    changes=st.lists(
        st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=4)), min_size=1, max_size=6
    ),
    keep=st.floats(0.3, 1.0),
)
@settings(
    max_examples=150,
    deadline=2000,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_file_spoilt_at_random_is_read_or_refused_by_name(tmp_path, name, changes, keep):
    content = bytearray(VALID[name])
    for place, values in changes:
        # Headers are where harm is done: every second change goes into the first or last 400 bytes.
        at = (place // 2) % min(400, len(content)) if place % 2 else place % len(content)
        at = len(content) - 1 - at if place % 3 == 0 else at
        content[at : at + len(values)] = values
    path = tmp_path / "spoilt.tif"
    path.write_bytes(bytes(content[: max(1, int(keep * len(content)))]))
    for read in (read_frame, read_map):
        try:
            for source in list_frames(str(path), ["mono"])[:5]:
                read(source, 1) if read is read_frame else read_map(source)
        except BadFrameError as error:
            assert str(path) in str(error)
