# SPDX-License-Identifier: Apache-2.0
import pytest
import yaml

from hypervisor_affinity.cloud import files
from tests import disk_files
from tests.cloud_of_records import ISO
from tests.cloud_of_records import QCOW2
from tests.cloud_of_records import VMDK
from tests.cloud_of_records import both
from tests.installed import skip_without
from tests.unit.cli.audited_images import Glance
from tests.unit.cli.clouds import WINDOWS
from tests.unit.cli.program import Run


@pytest.fixture
def run(capsys):
    """Return a function that runs ``hypervisor-affinity ARGUMENT...``."""
    return lambda *arguments: Run(capsys, *arguments)


@pytest.fixture
def glance(monkeypatch, tmp_path):
    """Return a Glance with images, in a cloud that the commands read."""
    with Glance() as glance:
        cloud = {
            'auth_type': 'admin_token',
            'auth': {'endpoint': glance.url, 'token': 'x'},
            'region_name': 'north',
            'image_endpoint_override': f'{glance.url}/v2',
            'image_status_code_retries': 0,
        }
        path = tmp_path / 'clouds.yaml'
        path.write_text(yaml.safe_dump({'clouds': {'test': cloud}}))
        monkeypatch.setenv('OS_CLIENT_CONFIG_FILE', str(path))
        monkeypatch.setenv('OS_CLOUD', 'test')
        yield glance


@pytest.fixture
def vmdk(tmp_path):
    """Return the content of a VMDK for an LSI Logic adapter."""
    skip_without('qemu-img')
    path = disk_files.vmdk(
        tmp_path, 'streamOptimized', adapter_type='lsilogic'
    )
    return path.read_bytes()


@pytest.fixture
def cloud(tmp_path):
    """Return a function that saves a cloud, and returns its file."""

    def save(**sections):
        path = tmp_path / 'cloud.json'
        images = [QCOW2, ISO, VMDK, WINDOWS]
        files.save(both(**{'images': images, **sections}), path)
        return path

    return save
