# SPDX-License-Identifier: Apache-2.0
import pytest

from hypervisor_affinity.cloud import files
from tests.cloud_of_records import ISO
from tests.cloud_of_records import QCOW2
from tests.cloud_of_records import VMDK
from tests.cloud_of_records import both
from tests.unit.cli.clouds import WINDOWS
from tests.unit.cli.program import Run


@pytest.fixture
def run(capsys):
    """Return a function that runs ``hypervisor-affinity ARGUMENT...``."""
    return lambda *arguments: Run(capsys, *arguments)


@pytest.fixture
def cloud(tmp_path):
    """Return a function that saves a cloud, and returns its file."""

    def save(**sections):
        path = tmp_path / 'cloud.json'
        images = [QCOW2, ISO, VMDK, WINDOWS]
        files.save(both(**{'images': images, **sections}), path)
        return path

    return save
