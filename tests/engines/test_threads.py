from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from curate.engines.threads import one_thread_models, one_thread_pictures, one_thread_products


def blas_threads():
    np.zeros((2, 2)) @ np.zeros((2, 2))
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_products_take_one_thread_within_the_block_alone():
    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        with one_thread_products():
            assert blas_threads() == {1}
        assert blas_threads() == before


def test_an_error_gives_the_threads_back():
    before = blas_threads()
    with pytest.raises(ZeroDivisionError), one_thread_products():
        1 / 0  # noqa: B018
    assert blas_threads() == before


def test_models_take_one_thread_within_the_block_in_threads_that_begin_there_too():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with one_thread_models(), ThreadPoolExecutor(2) as pool:
            assert torch.get_num_threads() == 1
            assert set(pool.map(lambda _: torch.get_num_threads(), range(4))) == {1}
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_opencv_takes_one_thread_in_the_block_and_as_many_as_before_after_it():
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        with one_thread_pictures():
            assert cv2.getNumThreads() == 1
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def test_without_opencv_nothing_is_limited(monkeypatch):
    monkeypatch.setattr("curate.engines.threads.find_spec", lambda name: None)
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        with one_thread_pictures():
            assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)
