# SPDX-License-Identifier: Apache-2.0
"""Clouds, options and requests that hypothesis draws, for the oracle.

What is likely to meet is drawn often; what is odd, now and then.
"""

import dataclasses

from hypothesis import strategies as st

from tests.unit.scheduler import oracle
from tests.unit.scheduler import oracle_hosts
from tests.unit.scheduler import oracle_images

RAM_MB, VCPUS = 1000, 20

# What somebody may write for a hypervisor. Of the last ones, some look like
# one that is known.
PLAIN = ['kvm', 'vmware', 'vmware', 'QEMU', ' VCenter ', 'esxi, qemu']
WORDS = [
    *PLAIN * 4,
    'VMware vCenter Server',
    'kvm,vmware',
    'ironic',
    'lxc,kvm',
    'xen',
    'fake',
    'vmwrae',
    '',
    ' , ',
    'kvm,,vmware',
    'kvm,vmwrae',
    *('any', 'ANY '),
    'any,kvm',
    'kvm vmware',
    'vmware esxi',
    'VMware  ESXi',
    'kvm\n',
    '\u3000vmware\xa0',
    'kvm\0',
    '\u202evmware\u202c',
    '\uff4b\uff56\uff4d',
    '\u043avm',
    '\u212avm',
    'v\u017fphere',
    'kvm' * 999,
    'x,' * 999 + 'kvm',
]
TEXTS = ['', 'x', '*', '\0', '\u202e', '\uff56', ' ', 'thin\0', 'x' * 3000]
GUESTS = ['ubuntu64Guest', 'windows2019srv_64Guest', 'otherGuest']

METADATA = {
    'hypervisor_type': WORDS,
    'img_hv_type': WORDS,
    'hypervisor_affinity_admit': [
        *('required', 'required', ' Required ', 'any', 'x', ''),
    ],
    'hypervisor_affinity_reserve': [
        *('0', '10', '55', '55', '55', '55', '70', '90', '100', ' 20 '),
        *('-1', '101', 'nan', 'x', '1' * 5000),
    ],
    'vmware_disktype': [
        *('thin', 'thin', 's*,streamOptimized', 's*', 'THIN,pre*', ' , '),
        *TEXTS[:5],
    ],
    'vmware_adaptertype': [
        *('lsi*', 'IDE', 'lsisas1068,busLogic', 'para*', 'vmpvscsi'),
        *('[', '[!l]*', '?de', ' , ', 'virtio*'),
    ],
    'vmware_ostype': ['ubuntu*', 'WINDOWS*', 'other*', '*[!x]Guest', ','],
    'vmware_linked_clone': ['true', 'no', 't*', 'x'],
    'vmware_image_version': ['1', '[2-9]', 'x'],
    'hypervisor_affinity_weight_multiplier': ['3', 'x'],
    'availability_zone': ['az'],
    'hypervisor_affinity_mode': ['observe', ' Enforce', 'OBSERVE', 'x', ''],
}
PROPERTIES = {
    'container_format': ['bare', 'ova'],
    'hypervisor_type': ['vmware', 'kvm', 'QEMU', 'baremetal', 'xen', 'fake'],
    'img_hv_type': ['vmware', 'kvm'],
    'vmware_disktype': [
        *('preallocated', 'thin', 'thin', 'eagerZeroedThick', 'sparse'),
        *('streamOptimized', 'streamOptimized', 'streamoptimized', 'Thin'),
        *('streamoptimized', 'SPARSE', *TEXTS[:4]),
    ],
    'vmware_ostype': [*GUESTS * 3, 'ubuntu64guest', 'UBUNTU64GUEST', *TEXTS],
    'os_distro': ['ubuntu', 'ubuntu', 'debian', *GUESTS],
    'vmware_adaptertype': ['ide', *oracle_images.ADAPTERS],
    'vmware_linked_clone': ['true', 'no', 'yes', '0'],
    'vmware_image_version': ['1', '2'],
    'hw_vif_model': [
        *('virtio', 'e1000', 'rtl8139', 'netfront', 'vmxnet', 'sriov'),
        *('vmxnet3', 'lan9118', 'igb', *oracle_images.VIFS),
    ],
    'architecture': ['x86_64', 'aarch64', 'amd64', 'i386'],
    'hw_emulation_architecture': ['ppc64le', 'x86_64'],
    'hw_disk_bus': ['virtio', 'scsi', 'scsi', 'scsi', 'ide', 'xen', 'uml'],
    'hw_scsi_model': [
        *('virtio-scsi', 'lsilogic', 'buslogic', 'vmpvscsi', 'lsisas1078'),
    ],
    'a custom one': TEXTS,
}
FORMATS = [
    *(
        'vmdk',
        'vmdk',
        'vmdk',
        'vmdk',
        'vmdk',
        'qcow2',
        'qcow2',
        'iso',
        'iso',
        'raw',
        'vhd',
    ),
    *('vstorageobject', 'vhdx', 'ploop', 'x', None),
]
EXTRA_SPECS = {
    'hypervisor_affinity:hypervisor_type': [*WORDS, *['any'] * 15],
    'hypervisor_affinity:preferred': WORDS,
    'capabilities:hypervisor_type': [
        *('QEMU', 'VMware vCenter Server', '<in> VMware', 's!= QEMU', 'qemu'),
        *('<or> QEMU <or> ironic', '<or> QEMU <or> VMware vCenter Server'),
        *('s== VMware vCenter Server', '= 8', 'HyperFoo 9', ' QEMU', 'QEMU\0'),
    ],
    'hypervisor_type': ['QEMU', 'VMware ESXi', 'ironic'],
    'hypervisor_affinity:typo': ['kvm'],
    'hw:cpu_policy': ['shared'],
}
DRIVERS = [
    *[('QEMU', ('kvm', 'qemu'))] * 8,
    *[('VMware vCenter Server', ('vmware',))] * 8,
    ('QEMU', ('qemu',)),
    ('VMware ESXi', ('vmware',)),
    ('ironic', ('baremetal',)),
    ('LXC', ('lxc',)),
    ('fake', ('fake',)),
    ('test', ('kvm',)),
    ('HyperFoo 9', ('hyperfoo',)),
    ('HyperFoo 9', ('kvm', 'vmware', 'fake')),
    (None, ()),
    ('', ()),
    ('', ('qemu',)),
    ('VMware', ()),
    (' esxi', ('hyperfoo',)),
    ('\uff31EMU', ()),
    ('QEMU\0', ()),
]
NAMES = [f'host-{number}' for number in range(12)]


FREQUENT = {
    'hypervisor_type',
    'hypervisor_affinity_admit',
    'hypervisor_affinity_reserve',
    'hypervisor_affinity:hypervisor_type',
    'vmware_disktype',
    'vmware_ostype',
    'vmware_adaptertype',
    'os_distro',
    'hw_disk_bus',
}


@st.composite
def some_of(draw, values, most):
    """Draw some keys with a value of theirs each."""
    keys = [key for key in values for _ in range(5 if key in FREQUENT else 1)]
    return {
        key: draw(st.sampled_from(values[key]))
        for key in draw(st.lists(st.sampled_from(keys), max_size=most))
    }


def without_clashes(image):
    """Leave out what nova's own names would write over.

    The pages say nothing of it but for two properties, which are left.
    """
    if 'vmware_adaptertype' in image:
        for name in ('hw_disk_bus', 'hw_scsi_model'):
            image.pop(name, None)
    return image


some_images = st.builds(
    lambda form, more: without_clashes({'disk_format': form, **more}),
    st.sampled_from(FORMATS),
    some_of(PROPERTIES, 4),
)
images = st.one_of(st.none(), *[some_images] * 9)
# Of a reserve of 55 percent some leave the last MiB or vCPU.
loads = st.tuples(
    st.sampled_from([0, 0, 0, 250, 350, 400, 400, 600, 900, 1500]),
    st.sampled_from([0, 0, 0, 5, 7, 8, 8, 14, 18, 30]),
)
sizes = st.tuples(st.sampled_from([50, 100, 200]), st.sampled_from([1, 2, 4]))


@dataclasses.dataclass(frozen=True)
class Cloud:
    """A cloud: (metadata, names of hosts) and (driver, load, ratio)."""

    aggregates: list
    drivers: list
    loads: list
    ratios: list

    def hosts(self):
        """Return the hosts as the oracle reads them."""
        return [
            oracle_hosts.Host(
                name,
                *driver,
                tuple(
                    metadata
                    for metadata, members in self.aggregates
                    if name in members
                ),
                limit=(RAM_MB * ratio, VCPUS * ratio),
                used=load,
            )
            for name, driver, load, ratio in zip(
                NAMES, self.drivers, self.loads, self.ratios, strict=True
            )
        ]


def of_all(values):
    return st.tuples(*[values] * len(NAMES)).map(list)


clouds = st.builds(
    Cloud,
    st.lists(
        st.tuples(
            some_of(METADATA, 4),
            st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
        ),
        max_size=5,
    ),
    of_all(st.sampled_from(DRIVERS)),
    of_all(loads),
    of_all(st.sampled_from([1.0, 1.0, 1.0, 1.0, 1.5, 4.0])),
)
origins = st.builds(
    lambda driver, metadata: oracle_hosts.Host('origin', *driver, (metadata,)),
    st.sampled_from(DRIVERS),
    st.one_of(st.just({}), some_of(METADATA, 2)),
)
requests = st.builds(
    oracle.Request,
    st.sampled_from(['boot', 'boot', 'move', 'move', 'rebuild']),
    images,
    some_of(EXTRA_SPECS, 2),
    st.booleans(),
    st.one_of(
        origins,
        origins,
        origins,
        st.sampled_from([oracle_hosts.UNKNOWN, oracle.GONE, oracle.GONE]),
    ),
    sizes,
    sizes,
)
options = st.builds(
    oracle.Options,
    st.sampled_from(
        [('kvm', 'vmware'), ('vmware',), (), ('esxi', 'xen', 'qemu')]
    ),
    st.sampled_from(['prefer', 'prefer', 'strict']),
    st.sampled_from(['reported', 'none', 'any']),
    st.sampled_from(['vmware', 'vmware', 'flexible']),
    st.sampled_from(['enforce', 'enforce', 'enforce', 'observe']),
)
