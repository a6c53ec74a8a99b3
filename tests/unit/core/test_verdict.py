# SPDX-License-Identifier: Apache-2.0
"""Properties of judge that hold for any input."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from hypervisor_affinity.core import explanation
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.verdict import Room
from hypervisor_affinity.core.verdict import judge

spellings = st.sampled_from([*hypervisor.FAMILY_OF, 'vsphere', '', ' KVM '])
lists = st.lists(spellings, max_size=3).map(','.join)
rubbish = st.one_of(
    st.none(), st.integers(), st.text('[]*?,%\n\0 kvmé', max_size=8), lists
)
images = st.dictionaries(
    st.sampled_from(
        [
            'disk_format',
            'container_format',
            'hypervisor_type',
            'img_hv_type',
            'vmware_disktype',
            'vmware_ostype',
            'vmware_adaptertype',
            'vmware_linked_clone',
            'hw_vif_model',
            'hw_disk_bus',
            'hw_scsi_model',
        ]
    ),
    st.one_of(
        rubbish,
        st.sampled_from(
            ['vmdk', 'qcow2', 'iso', 'ova', 'thin', 'ubuntu64Guest', 'virtio']
        ),
    ),
    max_size=5,
)
extra_specs = st.dictionaries(
    st.sampled_from(
        [
            'hypervisor_affinity:hypervisor_type',
            'hypervisor_affinity:preferred',
            'hypervisor_affinity:nonsense',
            'hw:cpu_policy',
        ]
    ),
    st.one_of(rubbish, st.just('any')),
)
metadata = st.dictionaries(
    st.sampled_from(
        [
            'hypervisor_type',
            'img_hv_type',
            'hypervisor_affinity_admit',
            'hypervisor_affinity_reserve',
            'hypervisor_affinity_weight_multiplier',
            'vmware_disktype',
            'vmware_adaptertype',
        ]
    ),
    st.one_of(rubbish, st.sampled_from(['required', '30', 'thin', 'lsi*'])),
)
aggregates = st.lists(metadata, max_size=3)
reports = st.builds(
    DriverReport,
    st.one_of(st.none(), spellings),
    st.lists(spellings, max_size=3).map(tuple),
)
policies = st.builds(
    Policy,
    preferred_hypervisors=st.lists(
        st.sampled_from(['kvm', 'vmware', 'baremetal']), unique=True
    ).map(tuple),
    flexible_placement=st.sampled_from(['prefer', 'strict']),
    unclassified_hosts=st.sampled_from(['reported', 'none', 'any']),
    vmdk_images=st.sampled_from(['vmware', 'flexible']),
)
moves = st.one_of(
    st.none(), st.sets(st.sampled_from(['kvm', 'vmware'])).map(frozenset)
)


def tags(metadata_list):
    return [
        AggregateTags(f'aggregate-{number}', metadata)
        for number, metadata in enumerate(metadata_list)
    ]


@given(images, extra_specs, aggregates, reports, policies, moves)
def test_any_input_gets_a_verdict_and_words(
    image, specs, metadata_list, report, policy, runs_on
):
    demand = classify(image, specs, policy, runs_on=runs_on)
    offer = read_offer(tags(metadata_list), report, policy)
    verdict = judge(demand, offer, policy)
    if not verdict.passes:
        assert explanation.user_text(demand, {verdict.reason: verdict})
    else:
        assert verdict.families <= offer.families


@given(images, extra_specs, aggregates, reports, policies)
def test_no_order_of_aggregates_changes_a_verdict(
    image, specs, metadata_list, report, policy
):
    demand = classify(image, specs, policy)
    forwards = read_offer(tags(metadata_list), report, policy)
    backwards = read_offer(tags(metadata_list)[::-1], report, policy)
    first, second = (
        judge(demand, offer, policy) for offer in (forwards, backwards)
    )
    assert first.reason == second.reason
    assert first.families == second.families


@given(images, extra_specs, aggregates, reports, policies)
def test_a_host_never_offers_what_its_driver_denies(
    image, specs, metadata_list, report, policy
):
    reported = read_offer([], report, Policy()).families
    offer = read_offer(tags(metadata_list), report, policy)
    if reported:
        assert offer.families <= reported


@given(images, extra_specs, aggregates, reports, policies)
def test_a_rebuild_passes_wherever_a_boot_does(
    image, specs, metadata_list, report, policy
):
    boot = classify(image, specs, policy)
    rebuild = dataclasses.replace(boot, rebuild=True)
    offer = read_offer(tags(metadata_list), report, policy)
    if judge(boot, offer, policy).passes:
        assert judge(rebuild, offer, policy).passes


def test_room():
    room = Room(1000, 500, 200, 10, 5, 1)
    assert room.leaves(30)
    assert not room.leaves(31)
    vcpus_short = room._replace(vcpus_asked=3)
    assert vcpus_short.leaves(20)
    assert not vcpus_short.leaves(21)


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_larger_reserve_never_lets_more_in(one, other):
    room = Room(1000, 500, 200, 10, 5, 1)
    if room.leaves(max(one, other)):
        assert room.leaves(min(one, other))
