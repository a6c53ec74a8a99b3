# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.unit.simulation.undoing import nova_as_it_was


@pytest.fixture(autouse=True)
def undone():
    """What lives longer than a test, and plays, undoes it by itself."""
    with nova_as_it_was():
        yield
