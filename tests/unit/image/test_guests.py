# SPDX-License-Identifier: Apache-2.0
import pytest
from nova.virt.vmwareapi import constants
from pyVmomi import vim

from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.image import guests
from hypervisor_affinity.image.guests import GUEST_IDS
from hypervisor_affinity.image.guests import guest_id


def test_they_are_those_of_the_vsphere_api():
    found = vim.vm.GuestOsDescriptor.GuestOsIdentifier.values
    assert frozenset(found) == GUEST_IDS


def test_novas_driver_knows_no_others():
    assert constants.VALID_OS_TYPES <= GUEST_IDS


def test_the_scheduler_takes_all_of_them_for_guest_ids():
    assert all(map(vmware.is_guest_id, GUEST_IDS))


def test_case_does_not_tell_two_apart():
    assert len({name.lower() for name in GUEST_IDS}) == len(GUEST_IDS)


@pytest.mark.parametrize(
    ('distro', 'version', 'expected'),
    [
        ('ubuntu', '22.04', 'ubuntu64Guest'),
        ('Ubuntu ', None, 'ubuntu64Guest'),
        ('debian', '12', 'debian12_64Guest'),
        ('debian', '12.5', 'debian12_64Guest'),
        ('rhel', '9.4', 'rhel9_64Guest'),
        ('centos', '9-stream', 'centos9_64Guest'),
        ('oraclelinux', '8', 'oracleLinux8_64Guest'),
        ('sles', '15.5', 'sles15_64Guest'),
        ('sled', '15', 'sles15_64Guest'),
        ('freebsd', '14.1', 'freebsd14_64Guest'),
        ('rocky', '9', 'rockylinux_64Guest'),
        ('windows', '10', 'windows9_64Guest'),
        ('windows', '2019', 'windows2019srv_64Guest'),
        ('windows', 'Server 2012 R2', 'windows8Server64Guest'),
        ('windows', 'Windows Server 2025', 'windows2022srvNext_64Guest'),
    ],
)
def test_of_a_version(distro, version, expected):
    assert guest_id(distro, version) == expected


@pytest.mark.parametrize(
    ('distro', 'version', 'expected'),
    [
        ('debian', '99', 'otherLinux64Guest'),
        ('debian', None, 'otherLinux64Guest'),
        ('debian', 'bookworm', 'otherLinux64Guest'),
        # centos64Guest is for its versions 4 and 5.
        ('centos', '99', 'otherLinux64Guest'),
        ('freebsd', '9', 'freebsd64Guest'),
        # More digits than Python makes a number of.
        pytest.param('debian', '1' * 5000, 'otherLinux64Guest', id='vast'),
        ('debian', '012', 'debian12_64Guest'),
        ('windows', '2031', 'otherGuest64'),
        ('windows', None, 'otherGuest64'),
    ],
)
def test_a_version_is_never_taken_for_a_neighbour(distro, version, expected):
    assert guest_id(distro, version) == expected


@pytest.mark.parametrize(
    ('distro', 'version', 'expected'),
    [
        ('ubuntu', '14.04', 'ubuntuGuest'),
        ('debian', '12', 'debian12Guest'),
        ('windows', '10', 'windows9Guest'),
        # There is none of 32 bits.
        ('rhel', '9', 'otherLinuxGuest'),
        ('windows', '2019', 'otherGuest'),
    ],
)
def test_of_32_bits(distro, version, expected):
    assert guest_id(distro, version, bits=32) == expected


@pytest.mark.parametrize('distro', ['plan9', '', 'ubuntu64Guest'])
def test_of_no_known_distribution(distro):
    assert guest_id(distro, '1') is None


@pytest.mark.parametrize('bits', [32, 64])
def test_all_that_is_given_exists(bits):
    versions = [*map(str, range(1, 30)), *guests._WINDOWS, None]
    given = {
        guest_id(distro, version, bits=bits)
        for distro in guests._ANY_VERSION
        for version in versions
    }
    assert given <= GUEST_IDS
