# SPDX-License-Identifier: Apache-2.0
"""What is wrong with images in a real Glance is fixed there."""

import pytest

pytest.importorskip('glance', reason='the extra `cloud` is not installed')

from hypervisor_affinity.cloud.api_errors import Refused
from hypervisor_affinity.cloud.glance import Glance
from tests import disk_files
from tests.installed import skip_without
from tests.unit.cli.program import Run

WRONG = {
    'os_distro': 'debian',
    'os_version': '12',
    'vmware_disktype': 'SPARSE',
    'vmware_adapter_type': 'pvscsi',
}


@pytest.fixture
def glance(cloud):
    return Glance(cloud.connect())


@pytest.fixture
def run(cloud, capsys, monkeypatch):
    """Return a function that runs ``image ARGUMENT... -f json``."""
    monkeypatch.setenv('OS_AUTH_TYPE', 'admin_token')
    monkeypatch.setenv('OS_TOKEN', 'admin')
    monkeypatch.setenv('OS_ENDPOINT', 'http://127.0.0.1:9')
    monkeypatch.setenv('OS_IMAGE_ENDPOINT_OVERRIDE', cloud.site.url('glance'))
    return lambda *arguments: Run(capsys, *arguments, '-f', 'json')


@pytest.fixture
def create(glance, tmp_path):
    """Return a function that uploads a streamOptimized VMDK."""
    skip_without('qemu-img')
    path = disk_files.vmdk(
        tmp_path, 'streamOptimized', adapter_type='lsilogic'
    )
    created = []

    def create(name, properties):
        image_id = glance.create(name, 'vmdk', 'bare', properties)
        created.append(image_id)
        with path.open('rb') as file:
            glance.send(image_id, file, lambda chunk: None)
        return image_id

    yield create
    for image_id in created:
        glance.delete(image_id)


def checks(done):
    return {(row['Name'], row['Check']) for row in done.json()}


def test_wrong_images_are_fixed(run, create, glance):
    wrong = create('wrong', WRONG)
    refused = create('refused', {'hypervisor_type': 'esxi'})
    done = run('image', 'audit', 'wrong', 'refused')
    assert done.code == 1
    assert checks(done) == {
        ('wrong', 'guest_id_is_distro'),
        ('wrong', 'disk_type_unknown'),
        ('wrong', 'property_dropped'),
        ('refused', 'value_refused'),
        ('refused', 'disk_type_missing'),
        ('refused', 'guest_id_missing'),
    }
    done = run('image', 'audit', 'wrong', 'refused', '--apply', '--yes')
    # What system it is, nobody told.
    assert checks(done) == {('refused', 'guest_id_missing')}
    assert (done.code, done.err.count(': changed\n')) == (0, 2)
    assert glance.stored(wrong).properties == {
        'os_distro': 'debian12_64Guest',
        'os_version': '12',
        'vmware_disktype': 'streamOptimized',
        'vmware_adaptertype': 'paraVirtual',
    }
    assert glance.stored(refused).properties == {
        'hypervisor_type': 'vmware',
        'vmware_disktype': 'streamOptimized',
    }
    # And the filter reads them so.
    parts = run('classify', 'wrong').json()
    assert parts[0]['Effect'] == (
        'image needs VMware (vmware_disktype=streamOptimized, '
        'os_distro=debian12_64Guest)'
    )
    assert not any('refuses' in part['Effect'] for part in parts)


def test_who_may_not_change_an_image(run, create, glance, cloud, monkeypatch):
    image_id = create('wrong', WRONG)
    cloud.connect().image.update_image(image_id, visibility='public')
    monkeypatch.setenv('OS_TOKEN', 'reader')
    done = run('image', 'audit', image_id, '--apply', '--yes')
    assert done.code == 1
    assert 'not changed' in done.err
    assert '403' in done.err
    assert glance.stored(image_id).properties == WRONG


def test_of_changes_that_are_refused_none_is_made(create, glance):
    image_id = create('wrong', WRONG)
    # Somebody else may have removed it.
    changes = {'os_distro': 'debian12_64Guest', 'gone': None}
    with pytest.raises(Refused, match='gone'):
        glance.change(image_id, changes)
    assert glance.stored(image_id).properties == WRONG
