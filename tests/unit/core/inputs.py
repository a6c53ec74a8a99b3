# SPDX-License-Identifier: Apache-2.0
"""Any input that the core may meet, right and wrong, for hypothesis."""

from hypothesis import strategies as st

from hypervisor_affinity.core import capabilities
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import offer
from hypervisor_affinity.core import properties
from hypervisor_affinity.core import signs
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.policy import FlexiblePlacement
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.policy import UnclassifiedHosts
from hypervisor_affinity.core.policy import VmdkImages

spellings = st.sampled_from([*hypervisor.FAMILY_OF, 'vmwrae', '', ' KVM '])
lists = st.lists(spellings, max_size=3).map(','.join)
rubbish = st.one_of(
    st.none(), st.integers(), st.text('[]*?,%\n\0 kvmé', max_size=8), lists
)
# All names by which the core knows a property, so that none is forgotten.
PROPERTY_NAMES = sorted(
    {
        *properties.PROPERTY_NAMES,
        *properties.NOVA_NAMES,
        *properties.CONSTRAINT_KEYS,
        *properties.FORMAT_NAMES,
    }
)
images = st.dictionaries(
    st.sampled_from(PROPERTY_NAMES),
    st.one_of(
        rubbish,
        st.sampled_from(
            [
                'vmdk',
                'qcow2',
                'iso',
                'ova',
                'thin',
                'ubuntu64Guest',
                'ubuntu',
                'virtio',
                'scsi',
                'sriov',
                'busLogic',
                'xen',
                'aarch64',
            ]
        ),
    ),
    max_size=5,
)
extra_specs = st.dictionaries(
    st.sampled_from(
        [
            signs.HYPERVISOR_TYPE_SPEC,
            signs.PREFERRED_SPEC,
            f'{signs.NAMESPACE}nonsense',
            *capabilities.HYPERVISOR_TYPE_SPECS,
            'hw:cpu_policy',
        ]
    ),
    st.one_of(
        rubbish,
        st.sampled_from(
            ['any', 'QEMU', 's!= QEMU', '<in> VMware', '<or>', '>= x']
        ),
    ),
)
metadata = st.dictionaries(
    st.sampled_from(
        [
            *offer.HYPERVISOR_TYPE_KEYS,
            *properties.CONSTRAINT_KEYS,
            offer.ADMIT_KEY,
            offer.RESERVE_KEY,
            offer.MULTIPLIER_KEY,
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
    flexible_placement=st.sampled_from(FlexiblePlacement),
    unclassified_hosts=st.sampled_from(UnclassifiedHosts),
    vmdk_images=st.sampled_from(VmdkImages),
)
moves = st.one_of(
    st.none(), st.sets(st.sampled_from(['kvm', 'vmware'])).map(frozenset)
)


def tags(metadata_list):
    return [
        AggregateTags(f'aggregate-{number}', metadata)
        for number, metadata in enumerate(metadata_list)
    ]
