"""Tasks of workers: dealt out in turns, taken over from the busy, and none lost."""

import threading

from curate.feed.workers.tasks import Tasks


def test_each_worker_gets_its_turn_and_takes_over_only_from_a_busy_one():
    tasks = Tasks(2)
    for task in range(6):
        tasks.put(task)
    assert [tasks.get(1), tasks.get(0)] == [1, 0]
    assert [tasks.get(1), tasks.get(1)] == [3, 5]
    assert tasks.get(1) == 2  # the oldest of the other, which is busy with 0
    assert tasks.get(0) == 4


def test_a_worker_that_is_about_to_take_its_own_is_left_its_own():
    tasks = Tasks(2)
    tasks.put("first")
    got = []
    other = threading.Thread(target=lambda: got.append(tasks.get(1)))
    other.start()
    other.join(0.05)
    assert got == []
    assert tasks.get(0) == "first"
    tasks.put("second")
    other.join(5)
    assert got == ["second"]


def test_what_is_left_when_they_are_closed_is_still_given_out_and_then_nothing():
    tasks = Tasks(3)
    tasks.put("only")
    tasks.close()
    assert [tasks.get(2), tasks.get(0), tasks.get(1)] == ["only", None, None]


def test_all_tasks_are_taken_once_by_as_many_workers_as_there_are():
    tasks, taken, lock = Tasks(4), [], threading.Lock()

    def work(number):
        while (task := tasks.get(number)) is not None:
            with lock:
                taken.append(task)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for task in range(500):
        tasks.put(task)
    tasks.close()
    for thread in threads:
        thread.join(5)
    assert sorted(taken) == list(range(500))
