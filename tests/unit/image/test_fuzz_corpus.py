# SPDX-License-Identifier: Apache-2.0
"""The inputs that fuzzing has kept; ``tests.fuzz`` looks for more."""

import tracemalloc

import pytest

from tests.fuzz import corpus
from tests.fuzz import limits
from tests.fuzz import readers


def test_each_reader_has_inputs():
    kept = {path.name for path in corpus.FOLDER.iterdir()}
    assert kept == readers.READERS.keys()
    assert all(corpus.load(reader) for reader in kept)


@pytest.mark.parametrize('reader', readers.READERS)
def test_readers_cope(reader):
    for data in corpus.load(reader):
        tracemalloc.start()
        try:
            readers.read(reader, data)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < limits.MEMORY
