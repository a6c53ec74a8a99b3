# SPDX-License-Identifier: Apache-2.0
"""What an audit finds of guest ids, compared with what the driver reads."""

import msgspec
import pytest
from nova.virt.vmwareapi import constants

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.operations.image_audit import ImageCheck
from hypervisor_affinity.operations.image_audit import audit
from tests.unit.operations.image_audit.driver import driver_reads
from tests.unit.operations.image_audit.images import advice
from tests.unit.operations.image_audit.images import demand_of
from tests.unit.operations.image_audit.images import fixed
from tests.unit.operations.image_audit.images import found
from tests.unit.operations.image_audit.images import vmdk


def test_a_distribution_hides_the_guest_id():
    image = vmdk(os_distro='ubuntu')
    assert driver_reads(image).os_type == 'ubuntu'
    assert found(image) == {
        ImageCheck.GUEST_ID_LOST: {'os_distro': 'ubuntu64Guest'}
    }
    after = fixed(image)
    assert driver_reads(after).os_type == 'ubuntu64Guest'
    assert found(after) == {}


@pytest.mark.parametrize(
    ('hidden', 'guest_id'),
    [
        ('UBUNTU64guest', 'ubuntu64Guest'),
        # What the owner said, not what follows from the distribution.
        ('other6xLinux64Guest', 'other6xLinux64Guest'),
    ],
)
def test_what_is_hidden_is_what_the_owner_wants(hidden, guest_id):
    image = vmdk(os_distro='ubuntu', vmware_ostype=hidden)
    assert found(image) == {ImageCheck.GUEST_ID_LOST: {'os_distro': guest_id}}


@pytest.mark.parametrize(
    ('version', 'architecture', 'guest_id'),
    [
        (None, None, 'otherLinux64Guest'),
        ('12', None, 'debian12_64Guest'),
        ('12', 'i686', 'debian12Guest'),
        ('12', 'x86_64', 'debian12_64Guest'),
    ],
)
def test_a_distribution_is_no_guest_id(version, architecture, guest_id):
    image = vmdk(
        vmware_ostype=None, os_distro='debian', architecture=architecture
    )
    dropped = {'os_version': version} if version else {}
    image = msgspec.structs.replace(image, dropped=tuple(dropped))
    assert driver_reads(image).os_type not in constants.VALID_OS_TYPES
    assert found(image, values=dropped) == {
        ImageCheck.GUEST_ID_IS_DISTRO: {'os_distro': guest_id}
    }
    assert driver_reads(fixed(image, values=dropped)).os_type == guest_id


@pytest.mark.parametrize(
    ('distro', 'dropped'), [('debian', ('os_version',)), ('plan9', ())]
)
def test_a_distribution_of_which_no_guest_id_is_known(distro, dropped):
    # A snapshot does not have the version.
    image = msgspec.structs.replace(
        vmdk(vmware_ostype=None, os_distro=distro), dropped=dropped
    )
    assert found(image) == {ImageCheck.GUEST_ID_IS_DISTRO: {}}


def test_a_distribution_keeps_a_flexible_image_off_esxi():
    image = Image('x', disk_format='iso', properties={'os_distro': 'debian'})
    assert demand_of(image).impossible == {'vmware'}
    assert found(image) == {ImageCheck.DISTRO_ON_ESXI: {}}
    (finding,) = audit(image, Policy())
    assert finding.evidence == 'image cannot boot on VMware (os_distro=debian)'
    assert finding.advice == (
        'leave it, for KVM alone; set os_distro to otherLinux64Guest, for '
        'ESXi alone; remove os_distro, for both'
    )


@pytest.mark.parametrize(
    ('properties', 'required', 'impossible'),
    [
        ({'os_distro': 'debian'}, None, {'vmware'}),
        ({'os_distro': 'otherLinux64Guest'}, {'vmware'}, set()),
        ({}, None, set()),
    ],
)
def test_what_is_told_of_a_distribution_is_so(
    properties, required, impossible
):
    demand = demand_of(Image('x', disk_format='iso', properties=properties))
    assert (demand.required, demand.impossible) == (required, impossible)


def test_a_guest_id_that_a_flexible_image_has_lost():
    image = Image(
        'x',
        disk_format='iso',
        properties={'os_distro': 'debian', 'vmware_ostype': 'debian12Guest'},
    )
    assert found(image) == {ImageCheck.GUEST_ID_LOST: {}}
    assert advice(image, ImageCheck.GUEST_ID_LOST) == (
        'set os_distro to debian12Guest, for ESXi; remove vmware_ostype, for '
        'KVM'
    )


@pytest.mark.parametrize('disk_format', ['qcow2', 'raw'])
def test_a_distribution_is_right_where_esxi_is_out_of_question(disk_format):
    image = Image(
        'x', disk_format=disk_format, properties={'os_distro': 'debian'}
    )
    assert found(image) == {}


def test_a_guest_id_in_the_wrong_case():
    image = vmdk(vmware_ostype='UBUNTU64GUEST')
    assert found(image) == {
        ImageCheck.GUEST_ID_MISSPELT: {'vmware_ostype': 'ubuntu64Guest'}
    }
    assert found(fixed(image)) == {}


def test_a_guest_id_that_is_not_known():
    assert found(vmdk(vmware_ostype='debian31_64Guest')) == {
        ImageCheck.GUEST_ID_UNKNOWN: {}
    }


def test_an_empty_guest_id_is_none():
    image = vmdk(os_distro='')
    assert found(image) == {
        ImageCheck.GUEST_ID_LOST: {'os_distro': 'ubuntu64Guest'}
    }
    assert found(vmdk(vmware_ostype='')) == {ImageCheck.GUEST_ID_IS_DISTRO: {}}


def test_no_guest_id():
    image = vmdk(vmware_ostype=None)
    assert driver_reads(image).os_type == constants.DEFAULT_OS_TYPE
    assert found(image) == {ImageCheck.GUEST_ID_MISSING: {}}


def test_the_guest_id_of_an_ova_that_boots_nowhere():
    appliance = Appliance(
        'x.vmdk',
        512,
        1024,
        guest_id='rhel9_64Guest',
        adapter_type='paraVirtual',
    )
    ova = Disk(
        name='x',
        format='vmdk',
        virtual_bytes=1,
        file_bytes=1,
        create_type='streamOptimized',
        appliance=appliance,
    )
    image = msgspec.structs.replace(
        vmdk(vmware_ostype=None), container_format='ova'
    )
    assert found(image, disk=ova) == {
        ImageCheck.CONTENT_REFUSED: {},
        ImageCheck.GUEST_ID_MISSING: {},
    }
