# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.unit.cli.program import Run


@pytest.fixture
def run(capsys):
    """Return a function that runs ``hypervisor-affinity ARGUMENT...``."""
    return lambda *arguments: Run(capsys, *arguments)
