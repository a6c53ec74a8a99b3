# SPDX-License-Identifier: Apache-2.0
"""A verdict holds the fact that decided, and the user's text no host's."""

import pytest

from hypervisor_affinity.core import explanation
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import FlexiblePlacement
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import listed
from hypervisor_affinity.core.verdict import Room
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.core.verdict import judge_room

NAME = 'secret-name'
PLACE = f'aggregate {NAME}'
VMWARE = ('vmware', DriverReport('VMware vCenter Server', ('vmware',)))
KVM = ('kvm', DriverReport('QEMU', ('kvm', 'qemu')))
# Three tenths are kept; neither RAM nor vCPUs are enough beside it.
FULL = Room(10240, 7000, 1024, 10, 6, 4)


def rejection(image, metadata, policy=None, extra_specs=None, on=VMWARE):
    """Return the demand, and the verdict on a host of one aggregate."""
    policy = policy or Policy()
    hypervisor_type, report = on
    tags = AggregateTags(
        NAME, {'hypervisor_type': hypervisor_type, **metadata}
    )
    demand = classify(image, extra_specs or {}, policy)
    verdict = judge(demand, read_offer([tags], report, policy), policy)
    return demand, judge_room(verdict, FULL)


NONE = frozenset()
STRICTLY = Policy(flexible_placement=FlexiblePlacement.STRICT)
ISO = {'disk_format': 'iso'}


@pytest.mark.parametrize(
    ('reason', 'rejected', 'facts'),
    [
        (
            'admits_required_only',
            rejection(ISO, {'hypervisor_affinity_admit': 'required'}),
            [(PLACE, 'hypervisor_affinity_admit=required')],
        ),
        (
            'not_preferred',
            rejection(ISO, {}, STRICTLY),
            [
                ('option', 'flexible_placement=strict'),
                ('option', 'preferred_hypervisors=kvm,vmware'),
            ],
        ),
        (
            'not_preferred',
            rejection(
                ISO,
                {},
                STRICTLY,
                {'hypervisor_affinity:preferred': 'kvm'},
            ),
            [
                ('option', 'flexible_placement=strict'),
                ('flavor', 'hypervisor_affinity:preferred=kvm'),
            ],
        ),
        (
            'property_not_accepted',
            rejection(
                {'disk_format': 'vmdk', 'vmware_disktype': 'thin'},
                {'vmware_disktype': 'sparse'},
            ),
            [
                ('image', 'vmware_disktype=thin'),
                (PLACE, 'vmware_disktype=sparse'),
            ],
        ),
        (
            'reserved',
            rejection(ISO, {'hypervisor_affinity_reserve': '30'}),
            [
                (PLACE, 'hypervisor_affinity_reserve=30'),
                (
                    'host',
                    '1024 MiB of RAM asked, 7000 in use, 7168 of 10240 for '
                    'such requests, 4 vCPUs asked, 6 in use, 7 of 10 for '
                    'such requests',
                ),
            ],
        ),
        (
            'cannot_boot',
            rejection({'disk_format': 'qcow2', 'img_hv_type': 'vmware'}, {}),
            [('image', 'img_hv_type=vmware'), ('image', 'disk_format=qcow2')],
        ),
        (
            'cannot_boot_here',
            rejection({'disk_format': 'qcow2'}, {}),
            [
                ('image', 'disk_format=qcow2'),
                (PLACE, 'hypervisor_type=vmware'),
            ],
        ),
        (
            'other_hypervisor',
            rejection({'disk_format': 'vmdk'}, {}, on=KVM),
            [('image', 'disk_format=vmdk'), (PLACE, 'hypervisor_type=kvm')],
        ),
    ],
)
def test_the_deciding_fact_is_there(reason, rejected, facts):
    demand, verdict = rejected
    assert verdict.reason == reason
    found = [(fact.place, fact.text) for fact in verdict.evidence]
    assert [fact for fact in facts if fact not in found] == []
    assert set(verdict.deciding) <= set(verdict.evidence)
    told = explanation.user_text(demand, {verdict.reason: verdict})
    assert NAME not in told


def test_of_a_choice_only_what_the_host_offers_is_told():
    specs = {'hypervisor_affinity:hypervisor_type': 'kvm,vmware'}
    image = {'disk_format': 'qcow2'}
    ironic = ('ironic', DriverReport('ironic', ('baremetal',)))
    for host, told in ((VMWARE, True), (ironic, False)):
        _, verdict = rejection(image, {}, extra_specs=specs, on=host)
        assert verdict.reason == 'other_hypervisor'
        assert ('disk_format=qcow2' in listed(verdict.evidence)) is told


def test_of_a_server_on_no_known_hypervisor_its_image_is_no_reason():
    demand = classify({'disk_format': 'qcow2'}, {}, Policy(), underneath=NONE)
    offer = read_offer([], KVM[1], Policy())
    verdict = judge(demand, offer, Policy())
    assert verdict.reason == 'undetermined_server'
    assert [fact.place for fact in verdict.evidence] == ['server', 'driver']


def test_of_what_fits_no_figure_is_cited():
    room = Room(10240, 7000, 1024, 10, 1, 1)
    assert 'vCPU' not in room.shortage(30)
    assert '1024 MiB of RAM asked' in room.shortage(30)


def test_all_that_is_not_accepted_is_cited_as_the_owner_has_set_it():
    demand, verdict = rejection(
        {
            'disk_format': 'vmdk',
            'os_distro': 'ubuntu64Guest',
            'hw_disk_bus': 'scsi',
            'hw_scsi_model': 'vmpvscsi',
        },
        {'vmware_adaptertype': 'lsiLogic', 'vmware_ostype': 'win*'},
    )
    assert explanation.user_text(demand, {verdict.reason: verdict}).endswith(
        'accepts hw_scsi_model=vmpvscsi and os_distro=ubuntu64Guest'
    )
    assert {fact.text for fact in verdict.deciding} == {
        'vmware_adaptertype=lsiLogic',
        'vmware_ostype=win*',
    }


def test_figures_of_a_large_cluster_are_whole_numbers():
    room = Room(20 * 524288, 9437184, 1024, 1280, 1200, 8)
    told = room.shortage(20)
    assert '9437184 in use' in told
    assert '8388608 of 10485760' in told


def test_limits_of_several_aggregates_are_all_cited():
    policy = Policy()
    tags = [
        AggregateTags('one', {'vmware_disktype': 'sparse'}),
        AggregateTags('two', {'vmware_disktype': 'thick, preallocated'}),
        AggregateTags('three', {'vmware_disktype': ','}),
    ]
    image = {'disk_format': 'vmdk', 'vmware_disktype': 'thin'}
    offer = read_offer(tags, VMWARE[1], policy)
    verdict = judge(classify(image, {}, policy), offer, policy)
    assert [fact.place for fact in verdict.deciding] == [
        'aggregate one',
        'aggregate two',
    ]
