"""What jobs ask for: memory, time and GPU; memory and time grow with each attempt, see `retries` in the profiles."""

from functools import cache

from lensfree.io.tiff import pixels_yx
from lensfree.machine import is_gpu_present
from lensfree.resources import FULL_SENSOR_YX, Size, at_least_mb, count_iterations, memory_mb, runtime_min


def gpu_count(word):
    """A resource function: 1 if the stage will ask for a GPU."""

    def count(wildcards):
        wish = getattr(CONFIGS[wildcards.acquisition], word).device
        return int(wish == "cuda" or (wish == "auto" and is_gpu_present()))

    return count


def scaled_mb(base_mb):
    """A resource function: memory that grows with each attempt; retries are set in the profile."""
    return lambda wildcards, attempt: at_least_mb(base_mb, attempt)


def scaled_min(base_min):
    """A resource function: minutes that grow with each attempt."""
    return lambda wildcards, attempt: base_min * attempt


@cache
def shape_of(name):
    """The pixels of an acquisition's frames; those of a full sensor where no frame can be read."""
    if name not in FRAMES:
        return CONFIGS[name].simulate.height_px, CONFIGS[name].simulate.width_px
    return pixels_yx(FRAMES[name], len(ACQUISITIONS[name].channels)) or FULL_SENSOR_YX


def size_of(wildcards):
    """What a job works on: a chunk of frames where it has one, else the whole acquisition."""
    name = wildcards.acquisition
    plan = background_frames(wildcards)
    n_frames = frames_of(wildcards)["n_frames"] if "chunk" in wildcards.keys() else N_FRAMES[name]
    return Size(
        shape_yx=shape_of(name),
        pixel_pitch_um=ACQUISITIONS[name].pixel_pitch_um,
        channels=len(ACQUISITIONS[name].channels),
        frames=n_frames,
        held_frames=len(plan["frames"]) if plan["method"] == "temporal_median" else 1,
        iterations=count_iterations(CONFIGS[name].reconstruct),
    )


def is_given_gpu(word):
    """Whether the profile or the command gives the rule a GPU, on whichever machine the job then runs."""
    given = workflow.resource_settings.overwrite_resources.get(word)
    gpu = given.get("gpu") if given else None
    return bool(getattr(gpu, "value", gpu))


def asked_mb(word, device_of=None):
    """A resource function: the memory of a stage's job, from the size of what it works on."""

    def megabytes(wildcards, attempt):
        wish = getattr(CONFIGS[wildcards.acquisition], device_of).device if device_of else "cpu"
        meets_one = wish == "auto" and (is_gpu_present() or is_given_gpu(word))
        device = "cuda" if wish == "cuda" or meets_one else "cpu"
        return memory_mb(word, size_of(wildcards), attempt=attempt, device=device)

    return megabytes


def asked_min(word):
    """A resource function: the minutes of a stage's job."""
    return lambda wildcards, attempt: runtime_min(word, size_of(wildcards), attempt=attempt)
