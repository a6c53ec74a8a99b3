# SPDX-License-Identifier: Apache-2.0
"""Fuzzing sees what takes too much."""

import time

import pytest

from tests.disk_files import MIB
from tests.fuzz import limits


def test_memory():
    limits.give_memory_back()
    with limits.kept():
        assert bytearray(60 * MIB)
    for _ in range(2):
        # What is free again in the end counts, too.
        with pytest.raises(limits.TooMuch, match='MiB'), limits.kept():
            assert bytearray(70 * MIB)


def test_memory_of_small_parts():
    with (
        pytest.raises(limits.TooMuch, match='MiB'),
        limits.kept(memory=MIB),
    ):
        assert [[number] for number in range(100000)]


def test_time():
    end = time.thread_time() + 0.1
    with (
        pytest.raises(limits.TooMuch, match=r'0\.\d+ s'),
        limits.kept(seconds=0.05),
    ):
        while time.thread_time() < end:
            pass
    with limits.kept(seconds=0.05):
        # Others' time does not count.
        time.sleep(0.1)


def test_failures_are_passed_on():
    with pytest.raises(ZeroDivisionError), limits.kept():
        assert 1 / 0
