"""HDF5 stacks that keep their contract: holograms as counted, OPD as scaled integers."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lensfree.config import StorageConfig
from lensfree.contracts import HOLOGRAMS, OPD, ContractError
from lensfree.io.stack_files import attributes_named, created, make, make_per_frame, opened, read, store
from lensfree.origin import array_sha256
from lensfree.saturation import saturated_pixels

ABSORPTION_STEP = 2e-4


class _Reader(ABC):
    """What both kinds of stacks share on reading."""

    def __init__(self, handle: h5py.File, path: Path) -> None:
        self._handle = handle
        self.path = path
        self.first_frame = int(handle.attrs["first_frame"])
        self.pixel_pitch_um = float(handle.attrs["pixel_pitch_um"])
        self.time_h: np.ndarray = self._all("time_h")
        self.is_missing: np.ndarray = self._all("is_missing")
        self.provenance: dict[str, Any] = json.loads(handle.attrs["provenance"])

    def __len__(self) -> int:
        return len(self.time_h)

    def read(self, frame: int) -> np.ndarray | None:
        """Return the frame by its index in the acquisition, None where it is missing."""
        index = frame - self.first_frame
        if not 0 <= index < len(self):
            raise IndexError(
                f"{self.path}: frame {frame} is not in this chunk, which holds frames "
                f"{self.first_frame} to {self.first_frame + len(self) - 1}"
            )
        return None if self.is_missing[index] else self._read(index)

    def frames(self) -> Iterator[tuple[int, float, np.ndarray | None]]:
        """Yield (frame, time_h, array or None) one by one, so that memory does not grow."""
        for index in range(len(self)):
            yield self.first_frame + index, float(self.time_h[index]), self.read(self.first_frame + index)

    def _all(self, name: str) -> np.ndarray:
        return read(self.path, self._handle[name])

    @abstractmethod
    def _read(self, index: int) -> np.ndarray:
        """Return the frame at this index of the chunk, which is not missing."""


class HologramReader(_Reader):
    """Holograms of a chunk; `read` returns intensity (channel, y, x), 1 = open beam, float32.

    Lamps fade and background images are taken at another brightness, so counts over background are
    divided by their mean, channel by channel: a transparent sample moves light from pixel to pixel and
    takes none away. Phase retrieval sets the level again from the fringes.
    """

    def __init__(self, handle: h5py.File, path: Path) -> None:
        super().__init__(handle, path)
        self.channels: list[str] = list(json.loads(handle.attrs["channels"]))
        self.wavelength_nm: list[float] = [float(w) for w in handle.attrs["wavelength_nm"]]
        self.reasons: list[str] = list(json.loads(handle.attrs["reasons"]))
        self.sources: list[list[str]] = json.loads(handle.attrs["sources"])
        self.frames_sha256: list[str] = list(json.loads(handle.attrs["frames_sha256"]))
        self.background: np.ndarray = self._all("background")

    def read_counts(self, frame: int) -> np.ndarray:
        """Return the recorded counts (channel, y, x) of a frame, as loaded."""
        return read(self.path, self._handle["counts"], frame - self.first_frame)

    def read_saturated(self, frame: int) -> np.ndarray:
        """Return where the camera was at the top of its range in a frame, bool (channel, y, x)."""
        return saturated_pixels(self.read_counts(frame))

    def _read(self, index: int) -> np.ndarray:
        counts = read(self.path, self._handle["counts"], index)
        intensity = np.asarray(counts / self.background, dtype=np.float32)
        level = np.mean(intensity, axis=(-2, -1), keepdims=True)
        return intensity / np.where(level > 0, level, np.float32(1))


class OpdReader(_Reader):
    """OPD of a chunk; `read` returns OPD in nm (y, x) float32."""

    def __init__(self, handle: h5py.File, path: Path) -> None:
        super().__init__(handle, path)
        self.shape_yx: tuple[int, int] = handle["opd_nm"].shape[1:]
        self.opd_step_nm = float(handle["opd_nm"].attrs["scale_factor"])
        self.z_um: np.ndarray = self._all("z_um")
        self.misfit: np.ndarray = self._all("misfit")
        self.refine_rejected: np.ndarray = self._all("refine_rejected")
        self.background_sd_nm: np.ndarray = self._all("background_sd_nm")

    def read_absorption(self, frame: int) -> np.ndarray:
        """Return the absorption (y, x) of a frame, amplitude exponent, float32."""
        return self._unscaled("absorption", frame - self.first_frame)

    def _read(self, index: int) -> np.ndarray:
        return self._unscaled("opd_nm", index)

    def _unscaled(self, name: str, index: int) -> np.ndarray:
        dataset = self._handle[name]
        steps = read(self.path, dataset, index)
        with attributes_named(self.path):
            scale = np.float32(dataset.attrs["scale_factor"])
        return np.asarray(steps, dtype=np.float32) * scale


class HologramWriter:
    """Fill a hologram stack frame by frame; see `create_holograms`."""

    def __init__(self, handle: h5py.File) -> None:
        self._handle = handle
        self._reasons = [""] * len(handle["time_h"])
        self._digests = [""] * len(handle["time_h"])

    def write(self, index: int, *, time_h: float, counts: np.ndarray | None, reason: str = "") -> None:
        """Store frame `index` of the chunk; None records it as missing for `reason`."""
        self._handle["time_h"][index] = time_h
        self._handle["is_missing"][index] = counts is None
        self._reasons[index] = reason
        self._handle.attrs["reasons"] = json.dumps(self._reasons)
        if counts is not None:
            store(self._handle["counts"], index, counts)
            self._digests[index] = array_sha256(counts)
            self._handle.attrs["frames_sha256"] = json.dumps(self._digests)


class OpdWriter:
    """Fill an OPD stack frame by frame; see `create_opd`."""

    def __init__(self, handle: h5py.File, path: Path) -> None:
        self._handle = handle
        self._path = path
        self._digests = [""] * len(handle["time_h"])

    def write(
        self,
        index: int,
        *,
        time_h: float,
        opd_nm: np.ndarray | None,
        absorption: np.ndarray | None = None,
        z_um: float = np.nan,
        misfit: float = np.nan,
        background_sd_nm: float = np.nan,
        refine_rejected: bool = False,
        source_sha256: str = "",
    ) -> None:
        """Store frame `index` of the chunk; None records it as missing.

        `source_sha256` is the digest of a map that was read from a file; the OPD of holograms has none.

        Raises:
            ContractError: if a value does not fit the stored integers (it never wraps).
        """
        self._handle["time_h"][index] = time_h
        self._handle["is_missing"][index] = opd_nm is None
        self._handle["refine_rejected"][index] = refine_rejected
        for name, value in (("z_um", z_um), ("misfit", misfit), ("background_sd_nm", background_sd_nm)):
            self._handle[name][index] = value
        if source_sha256:
            self._digests[index] = source_sha256
            self._handle.attrs["frames_sha256"] = json.dumps(self._digests)
        if opd_nm is not None:
            store(self._handle["opd_nm"], index, self._scaled("opd_nm", opd_nm))
        if absorption is not None:
            store(self._handle["absorption"], index, self._scaled("absorption", absorption))

    def _scaled(self, name: str, values: np.ndarray) -> np.ndarray:
        scale = float(self._handle[name].attrs["scale_factor"])
        steps = np.rint(np.asarray(values, dtype=np.float64) / scale)
        limit = np.iinfo(np.int16)
        if not np.isfinite(steps).all() or steps.min() < limit.min or steps.max() > limit.max:
            raise ContractError(
                f"{self._path}: {name} from {np.min(values):.6g} to {np.max(values):.6g} does not fit "
                f"16 bits in steps of {scale:g} ({limit.min * scale:g} to {limit.max * scale:g}, no NaN); "
                "raise storage.opd_step_nm or check the reconstruction"
            )
        return steps.astype(np.int16)


@contextmanager
def create_holograms(
    path: Path,
    *,
    n_frames: int,
    first_frame: int,
    dtype: np.dtype | type,
    background: np.ndarray,
    channels: Sequence[str],
    wavelength_nm: Sequence[float],
    pixel_pitch_um: float,
    sources: Sequence[Sequence[str]],
    storage: StorageConfig | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Iterator[HologramWriter]:
    """Create a hologram chunk; the file appears under its name only when the block ends well.

    Args:
        path: the HDF5 file.
        n_frames: frames in this chunk.
        first_frame: index of the first of them in the acquisition.
        dtype: uint8 or uint16, as recorded.
        background: open-beam counts (channel, y, x), float32, above zero.
        channels: names of the channels.
        wavelength_nm: centre wavelength of each.
        pixel_pitch_um: pitch of the sensor.
        sources: the files of each frame, relative to the sheet.
        storage: compression.
        provenance: plain values that explain the file.
    """
    shape = (n_frames, *background.shape)
    with created(path, HOLOGRAMS, first_frame, pixel_pitch_um, provenance) as handle:
        make(handle, HOLOGRAMS, "counts", shape, dtype, storage or StorageConfig())
        make(handle, HOLOGRAMS, "background", background.shape, np.float32, storage or StorageConfig())
        store(handle["background"], ..., background)
        make_per_frame(handle, HOLOGRAMS, n_frames)
        handle.attrs["channels"] = json.dumps(list(channels))
        handle.attrs["wavelength_nm"] = np.asarray(wavelength_nm, dtype=np.float64)
        handle.attrs["sources"] = json.dumps([list(files) for files in sources])
        for name in ("reasons", "frames_sha256"):
            handle.attrs[name] = json.dumps([""] * n_frames)
        yield HologramWriter(handle)


@contextmanager
def create_opd(
    path: Path,
    *,
    n_frames: int,
    first_frame: int,
    shape_yx: tuple[int, int],
    pixel_pitch_um: float,
    storage: StorageConfig | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Iterator[OpdWriter]:
    """Create an OPD chunk; the file appears under its name only when the block ends well."""
    chosen = storage or StorageConfig()
    with created(path, OPD, first_frame, pixel_pitch_um, provenance) as handle:
        for name, step in (("opd_nm", chosen.opd_step_nm), ("absorption", ABSORPTION_STEP)):
            dataset = make(handle, OPD, name, (n_frames, *shape_yx), np.int16, chosen)
            dataset.attrs["scale_factor"] = step
        make_per_frame(handle, OPD, n_frames)
        yield OpdWriter(handle, path)


@contextmanager
def open_holograms(path: Path) -> Iterator[HologramReader]:
    """Open a hologram chunk and check it against its contract."""
    with opened(path, HOLOGRAMS) as handle:
        with attributes_named(path):
            source = HologramReader(handle, path)
        yield source


@contextmanager
def open_opd(path: Path) -> Iterator[OpdReader]:
    """Open an OPD chunk and check it against its contract."""
    with opened(path, OPD) as handle:
        with attributes_named(path):
            source = OpdReader(handle, path)
        yield source
