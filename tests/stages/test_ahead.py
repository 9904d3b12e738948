"""Reading ahead and writing behind: order, bound, errors at their frame, nothing left running."""

import threading

import numpy as np
import pytest

from lensfree.config import StorageConfig
from lensfree.io.stacks import create_opd, open_opd
from lensfree.stages.ahead import read_ahead, write_behind

PATIENCE_S = 10


class Reader:
    """Reads numbers and says how far it is."""

    def __init__(self, broken=None):
        self.broken, self.begun, self.threads = broken, [], set()
        self.changed = threading.Condition()

    def __call__(self, index):
        with self.changed:
            self.begun.append(index)
            self.threads.add(threading.current_thread().name)
            self.changed.notify_all()
        if index == self.broken:
            raise OSError(f"frame {index} is truncated")
        return 10 * index

    def has_begun(self, index):
        """Wait until a frame is being read; False if that does not happen."""
        with self.changed:
            return self.changed.wait_for(lambda: index in self.begun, PATIENCE_S)


def test_frames_come_in_order_each_with_its_index():
    assert list(read_ahead(Reader(), [3, 1, 4])) == [(3, 30), (1, 10), (4, 40)]
    assert list(read_ahead(Reader(), iter([7]))) == [(7, 70)]
    assert list(read_ahead(Reader(), [])) == []


def test_the_next_frame_is_read_while_one_is_used_and_only_that():
    reader = Reader()
    for index, _ in read_ahead(reader, range(5)):
        if index < 4:
            assert reader.has_begun(index + 1)
        assert reader.begun == list(range(min(index + 2, 5)))
    assert threading.main_thread().name not in reader.threads


def test_an_error_is_raised_at_the_turn_of_its_frame():
    seen = []
    with pytest.raises(OSError, match="frame 2 is truncated"):
        for index, frame in read_ahead(Reader(broken=2), range(5)):
            seen.append((index, frame))
    assert seen == [(0, 0), (1, 10)]


def test_leaving_early_ends_the_thread():
    reader = Reader()
    frames = read_ahead(reader, range(5))
    assert next(frames) == (0, 0)
    frames.close()
    assert len(reader.begun) <= 2
    assert not [t for t in threading.enumerate() if t.name.startswith("read-ahead")]


def test_an_error_of_the_user_ends_the_thread_too():
    with pytest.raises(ZeroDivisionError):
        for _ in read_ahead(Reader(), range(5)):
            1 / 0  # noqa: B018
    assert not [t for t in threading.enumerate() if t.name.startswith("read-ahead")]


def test_writing_goes_on_while_the_block_does_and_has_ended_with_it():
    written, may_go_on = [], threading.Event()

    def write(value, *, unit):
        may_go_on.wait(PATIENCE_S)
        written.append((value, unit))

    with write_behind() as behind:
        behind(write, 1, unit="nm")
        assert written == []
        may_go_on.set()
        behind(write, 2, unit="nm")
        assert written[0] == (1, "nm")  # one at a time: the second began when the first had ended
    assert written == [(1, "nm"), (2, "nm")]


@pytest.mark.parametrize("is_last", [False, True])
def test_an_error_in_writing_is_raised_at_the_next_call_or_at_the_end(is_last):
    calls = []

    def fail():
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), write_behind() as behind:
        behind(fail)
        if not is_last:
            behind(calls.append, "next")
    assert calls == []


def test_an_error_of_the_block_goes_before_one_of_writing():
    with pytest.raises(ZeroDivisionError), write_behind() as behind:
        behind(lambda: [][0])
        1 / 0  # noqa: B018


def test_a_stack_can_be_read_ahead_and_another_written_behind(tmp_path):
    """One handle is used from the thread and from here at once, as a stage would."""
    rng = np.random.default_rng(0)
    opd_nm = rng.normal(0, 50, (4, 60, 90)).astype(np.float32)
    how = {"n_frames": 4, "first_frame": 0, "shape_yx": (60, 90), "pixel_pitch_um": 1.67}
    first, second = tmp_path / "first.h5", tmp_path / "second.h5"
    with create_opd(first, storage=StorageConfig(), **how) as sink, write_behind() as behind:
        for index in range(4):
            behind(sink.write, index, time_h=float(index), opd_nm=opd_nm[index], absorption=0 * opd_nm[index])
    with open_opd(first) as source, create_opd(second, **how) as sink, write_behind() as behind:
        for index, frame in read_ahead(source.read, range(4)):
            behind(
                sink.write,
                index,
                time_h=float(source.time_h[index]),
                opd_nm=2 * frame,
                absorption=source.read_absorption(index),
            )
    with open_opd(second) as source:
        for index, _, frame in source.frames():
            np.testing.assert_allclose(frame, 2 * opd_nm[index], atol=0.16)
