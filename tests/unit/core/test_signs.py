# SPDX-License-Identifier: Apache-2.0
"""Signs that no driver's table gives today, and one of tomorrow may."""

import dataclasses

import pytest

from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import explanation
from hypervisor_affinity.core.demand import UNREADABLE
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.drivers import kvm
from hypervisor_affinity.core.drivers.table import EVERYTHING
from hypervisor_affinity.core.drivers.table import Row
from hypervisor_affinity.core.drivers.table import listed
from hypervisor_affinity.core.hypervisor import KVM
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.signs import Strength
from hypervisor_affinity.core.verdict import judge

POLICY = Policy()
HOME = frozenset({KVM})
HOSTS = {
    'kvm': DriverReport('QEMU', ('kvm', 'qemu')),
    'vmware': DriverReport('VMware vCenter Server', ('vmware',)),
}


def takes_alone(monkeypatch, name, values):
    """Have KVM's table ask for KVM by what only its driver takes."""
    table = dataclasses.replace(kvm.TABLE, alone=True)
    monkeypatch.setitem(drivers._ROWS, name, [(table, Row(takes=values))])


@pytest.fixture
def meant_for_kvm(monkeypatch):
    """Return a property that means KVM."""
    takes_alone(monkeypatch, 'img_version', EVERYTHING)
    return {'img_version': '1'}


def reasons(demand):
    return {
        name: judge(demand, read_offer([], report, POLICY), POLICY).reason
        for name, report in HOSTS.items()
    }


def test_a_sign_of_a_driver_may_ask_for_kvm(meant_for_kvm):
    demand = classify({'disk_format': 'iso', **meant_for_kvm}, {}, POLICY)
    assert demand.required == {KVM}
    assert explanation.demand_text(demand) == 'image needs KVM (img_version=1)'
    assert reasons(demand) == {
        'kvm': Reason.SUITABLE,
        'vmware': Reason.OTHER_HYPERVISOR,
    }


def test_a_format_may_mean_kvm(monkeypatch):
    takes_alone(monkeypatch, 'disk_format', listed('vmdk'))
    demand = classify({'disk_format': 'vmdk'}, {}, POLICY)
    assert demand.required == {KVM}


@pytest.mark.parametrize(
    ('image', 'specs', 'text'),
    [
        (
            {'vmware_disktype': 'thin'},
            {},
            'image needs VMware (vmware_disktype=thin) and the image needs '
            'KVM (img_version=1): they contradict each other',
        ),
        (
            {'container_format': 'ova', 'disk_format': 'vmdk'},
            {},
            'image needs VMware (container_format=ova)',
        ),
        (
            {'disk_format': 'vhd'},
            {},
            'image cannot boot on KVM or VMware (disk_format=vhd)',
        ),
        (
            {'disk_format': 'iso'},
            {'hypervisor_affinity:hypervisor_type': 'vmware'},
            'flavor needs VMware (hypervisor_affinity:hypervisor_type=vmware)',
        ),
    ],
)
def test_it_gives_way_as_others_do(meant_for_kvm, image, specs, text):
    demand = classify({**image, **meant_for_kvm}, specs, POLICY)
    assert explanation.demand_text(demand) == text


def test_what_is_left_over_of_kvm_is_said_to_be(meant_for_kvm):
    image = {'disk_format': 'vhd', **meant_for_kvm}
    (problem,) = classify(image, {}, POLICY).problems
    assert str(problem) == (
        'image: img_version=1: is a leftover: KVM cannot boot the '
        'image; ignored'
    )


@pytest.mark.parametrize(
    'circumstance', ['volume', 'grows', 'rebuild', 'underneath']
)
def test_without_a_word_it_is_the_boot_of_an_image(circumstance):
    # On a rebuild, and as a volume, it comes to something else.
    image = {
        'disk_format': 'iso',
        'img_hv_type': 'vmware',
        'vmware_disktype': 'sparse',
        'os_distro': 'debian',
    }
    nothing = None if circumstance == 'underneath' else False
    something = frozenset({KVM}) if circumstance == 'underneath' else True
    silent = classify(image, {}, POLICY)
    assert silent == classify(image, {}, POLICY, **{circumstance: nothing})
    if circumstance != 'grows':
        assert silent != classify(
            image, {}, POLICY, **{circumstance: something}
        )
    assert not (silent.rebuild or silent.grows or UNREADABLE.rebuild)
    moving = classify({'disk_format': 'iso'}, {}, POLICY, underneath=HOME)
    assert not moving.grows


def test_extra_specs_of_others_are_no_complaint():
    specs = {'hw:cpu_policy': 'shared', 'trait:HW_CPU_X86_AVX': 'required'}
    assert classify({}, specs, POLICY).problems == ()


def test_each_strength_is_another_one():
    assert [strength.name for strength in sorted(Strength)] == [
        *('SERVER', 'FLAVOR', 'IMAGE', 'DRIVER', 'FORMAT')
    ]


@pytest.mark.parametrize('what', ['refuses', 'fails'])
def test_a_row_that_leaves_no_way_out_cannot_be_made(what):
    with pytest.raises(ValueError, match='advice'):
        Row(**{what: listed('x')})
    assert Row(**{what: listed('x')}, advice='choose y').advice == 'choose y'


def test_every_sign_has_a_remedy_for_all_that_it_speaks_against():
    image = {
        'disk_format': 'vhd',
        'hw_vif_model': 'netfront',
        'hw_scsi_model': 'buslogic',
        'hw_emulation_architecture': 'ppc64le',
        'os_distro': 'debian',
    }
    signs = classify(image, {}, POLICY).signs
    assert len(signs) == len(image)
    for sign in signs:
        assert sign.excludes
        assert all(sign.remedy(frozenset({one})) for one in sign.excludes)
