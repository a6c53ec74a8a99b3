# SPDX-License-Identifier: Apache-2.0
"""The inputs that fuzzing has kept; ``tests.fuzz`` looks for more."""

import pytest

from tests.fuzz import corpus
from tests.fuzz import limits
from tests.fuzz import readers

# Each, on a slow machine.
_SECONDS = 10


def test_each_reader_has_inputs():
    kept = {path.name for path in corpus.FOLDER.iterdir()}
    assert kept == readers.READERS.keys()
    assert all(corpus.load(reader) for reader in kept)


@pytest.mark.parametrize('reader', readers.READERS)
def test_readers_cope(reader):
    limits.give_memory_back()
    for data in corpus.load(reader):
        with limits.kept(seconds=_SECONDS):
            readers.read(reader, data)
