"""Memory of batches: used again only when nobody can see it any longer, in this process and between two."""

import multiprocessing
import threading

import numpy as np
import pytest
import torch

from curate.feed.memory import KEPT_BYTES, STALE, Recycled, patient, room, within
from curate.feed.patience import Patience
from curate.feed.workers.packing import Small, packed, unpacked
from curate.feed.workers.shared import Mapped, Shared, returns

BIG = (KEPT_BYTES // 4, 1)


def test_a_piece_is_used_again_when_its_tensor_is_gone_and_not_before():
    memory = Recycled()
    first = torch.from_numpy(memory.array(BIG, np.float32))
    place = first.data_ptr()
    part = first[5:7]
    del first
    second = memory.array(BIG, np.float32)
    assert second.ctypes.data != place  # a part of it is still held
    del part
    third = memory.array(BIG, np.float32)
    assert third.ctypes.data == place
    assert memory.array((3,), np.int64).shape == (3,)


def test_a_smaller_batch_fits_into_a_piece_but_a_tiny_one_does_not():
    memory = Recycled()
    whole = memory.array((KEPT_BYTES * 3,), np.uint8)
    place = whole.ctypes.data
    del whole
    smaller = memory.array((KEPT_BYTES * 2,), np.uint8)
    assert smaller.ctypes.data == place
    del smaller
    tiny = memory.array((KEPT_BYTES,), np.uint8)
    assert tiny.ctypes.data != place


def test_pieces_that_nobody_uses_are_given_up():
    memory = Recycled()
    held = [memory.array((KEPT_BYTES + n * KEPT_BYTES,), np.uint8) for n in range(6)]
    assert len(memory._pieces) == 6
    held.clear()
    memory.array((KEPT_BYTES * 40,), np.uint8)
    assert len(memory._pieces) == 3


def test_room_is_plain_outside_of_a_memory():
    memory = Recycled()
    with within(memory):
        one = room(BIG, np.float32)
        assert one.base is memory._pieces[0]
    assert room(BIG, np.float32).base is None


def sent(memory, mapped, batch):
    """What arrives on the other side, in one process: pieces are shared all the same."""
    batch = packed(batch, memory)
    arrived = unpacked(batch, mapped)
    mapped.drop(memory.dropped)
    memory.dropped.clear()
    return batch, arrived


def test_a_shared_piece_comes_back_when_the_other_side_has_let_it_go():
    memory, mapped = Shared(), Mapped()

    def made(value):
        memory.back(mapped.back())
        memory.settle(set())
        array = memory.array(BIG, np.float32)
        array[:] = value
        return {"x": torch.from_numpy(array), "ids": ["a"], "small": torch.tensor([value])}

    first, one = sent(memory, mapped, made(1.0))
    assert first["x"].number == 0
    assert first["x"].whole is not None
    assert isinstance(first["small"], Small)
    second, two = sent(memory, mapped, made(2.0))
    assert second["x"].number == 1
    assert float(one["x"].min()) == 1.0
    assert float(two["x"].max()) == 2.0
    assert one["ids"] == ["a"]
    kept = one["x"][:3]
    del one
    third, _ = sent(memory, mapped, made(3.0))
    assert third["x"].number == 2
    assert kept.tolist() == [[1.0]] * 3
    del kept
    fourth, four = sent(memory, mapped, made(4.0))
    assert fourth["x"].number == 0
    assert fourth["x"].whole is None
    assert float(four["x"].mean()) == 4.0


def test_a_piece_that_came_back_is_used_again_without_a_word():
    cells = returns(multiprocessing.get_context())
    memory, mapped = Shared(cells), Mapped(cells)
    numbers = []
    for _ in range(5):
        memory.settle(set())
        batch, arrived = sent(memory, mapped, {"x": torch.from_numpy(memory.array(BIG, np.float32))})
        numbers.append(batch["x"].number)
        del arrived
    assert numbers == [0] * 5
    assert mapped.back() == []
    kept = sent(memory, mapped, {"x": torch.from_numpy(memory.array(BIG, np.float32))})
    other, _ = sent(memory, mapped, {"x": torch.from_numpy(memory.array(BIG, np.float32))})
    assert kept[0]["x"].number != other["x"].number


def test_memory_is_ready_where_nothing_that_comes_back_would_do():
    cells = returns(multiprocessing.get_context())
    memory, mapped = Shared(cells), Mapped(cells)
    first, arrived = sent(memory, mapped, {"x": torch.from_numpy(memory.ready(BIG, np.float32))})
    memory.settle(set())
    assert memory.ready(BIG, np.float32) is None  # the first piece will come back
    assert memory.ready((3,), np.float32).shape == (3,)
    del arrived
    again, _ = sent(memory, mapped, {"x": torch.from_numpy(memory.ready(BIG, np.float32))})
    assert first["x"].number == again["x"].number == 0
    assert again["x"].whole is None


def test_memory_of_threads_is_ready_at_the_end_of_a_batch():
    memory = Recycled()
    assert memory.ready(BIG, np.float32).shape == BIG
    with patient(Patience()):
        assert memory.ready(BIG, np.float32) is None


def test_pieces_beyond_the_cells_come_back_by_message():
    memory, mapped = Shared([0]), Mapped([0])
    memory._next = 1
    batch, arrived = sent(memory, mapped, {"x": torch.from_numpy(memory.array(BIG, np.float32))})
    assert batch["x"].number == 1
    del arrived
    assert mapped.back() == [1]


def test_what_was_taken_and_not_sent_is_free_again():
    memory, mapped = Shared(), Mapped()
    for _ in range(3):
        memory.back(mapped.back())
        memory.settle(set())
        array = memory.array(BIG, np.float32)
        array[:] = 1
        batch, _ = sent(memory, mapped, {"x": torch.from_numpy(array) * 2})
        assert isinstance(batch["x"], torch.Tensor)
        del array
    assert len(memory._pieces) == 1


def test_what_the_worker_still_holds_is_not_written_over():
    memory = Shared()
    held = memory.array(BIG, np.float32)
    memory.settle(set())
    assert memory.array(BIG, np.float32).ctypes.data != held.ctypes.data


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int64])
def test_two_tensors_in_one_piece_arrive_whole(dtype):
    memory, mapped = Shared(), Mapped()
    array = memory.array((KEPT_BYTES,), dtype)
    array[:] = 3
    tensor = torch.from_numpy(array)
    _, found = sent(memory, mapped, {"x": tensor, "y": tensor, "z": tensor[1:]})
    for name in ("x", "y", "z"):
        torch.testing.assert_close(found[name], {"x": tensor, "y": tensor, "z": tensor[1:]}[name])


def test_a_piece_of_another_shape_is_given_up_after_a_while():
    memory = Recycled()
    old = memory.array((KEPT_BYTES * 10,), np.uint8)
    del old
    for _ in range(STALE + 2):
        now = memory.array((KEPT_BYTES,), np.uint8)
        del now
    assert [piece.nbytes for piece in memory._pieces] == [KEPT_BYTES]


def test_a_thread_waits_for_a_piece_that_comes_back_and_takes_another_in_vain():
    memory, patience = Recycled(), Patience()
    first = [memory.array((KEPT_BYTES,), np.uint8)]
    place = first[0].ctypes.data
    with patient(patience):
        patience._begun -= 5  # the batch has taken its time
        threading.Timer(0.05, first.clear).start()
        again = memory.array((KEPT_BYTES,), np.uint8)
        assert again.ctypes.data == place
        patience._waited = 1e9  # nothing is left to wait
        assert memory.array((KEPT_BYTES,), np.uint8).ctypes.data != place
    assert memory.array((KEPT_BYTES,), np.uint8).ctypes.data != place


def test_a_worker_waits_for_its_piece_and_takes_another_in_vain():
    cells = returns(multiprocessing.get_context())
    memory, mapped = Shared(cells), Mapped(cells)
    batch, arrived = sent(memory, mapped, {"x": torch.from_numpy(memory.array(BIG, np.float32))})
    memory._patience._begun -= 5
    held = [arrived]
    del arrived
    threading.Timer(0.05, held.clear).start()
    second, again = sent(memory, mapped, {"x": torch.from_numpy(memory.array(BIG, np.float32))})
    assert second["x"].number == batch["x"].number
    assert again["x"].shape == BIG
    memory._patience._waited = 1e9
    third, _ = sent(memory, mapped, {"x": torch.from_numpy(memory.array(BIG, np.float32))})
    assert third["x"].number != second["x"].number
    assert len(memory._pieces) == 2
