"""Generators depend on seed, epoch, row, step and copy, and on nothing else."""

import subprocess
import sys

from curate.randomness import digest, generator


def first(*args, **kwargs):
    return generator(*args, **kwargs).random(4).tolist()


def test_equal_arguments_give_equal_numbers():
    assert first(1, 2, "a", "s", 3) == first(1, 2, "a", "s", 3)


def test_each_argument_matters():
    base = first(1, 2, "a", "s", 3)
    others = [first(0, 2, "a", "s", 3), first(1, 0, "a", "s", 3), first(1, 2, "b", "s", 3), first(1, 2, "a", "t", 3)]
    assert all(other != base for other in [*others, first(1, 2, "a", "s", 0)])


def test_parts_do_not_run_into_each_other():
    assert digest("ab", "c") != digest("a", "bc")


def test_another_process_draws_the_same():
    code = "from curate.randomness import generator; print(generator(1, 2, 'ä', 's', 3).random(4).tolist())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == str(first(1, 2, "ä", "s", 3))
