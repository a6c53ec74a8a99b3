# SPDX-License-Identifier: Apache-2.0
"""Any input that the core may meet, right and wrong, for hypothesis."""

from hypothesis import strategies as st

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.policy import Policy

spellings = st.sampled_from([*hypervisor.FAMILY_OF, 'vmwrae', '', ' KVM '])
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
            'os_distro',
            'hw_disk_type',
            'architecture',
            'hw_emulation_architecture',
        ]
    ),
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
            'hypervisor_affinity:hypervisor_type',
            'hypervisor_affinity:preferred',
            'hypervisor_affinity:nonsense',
            'capabilities:hypervisor_type',
            'hypervisor_type',
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
