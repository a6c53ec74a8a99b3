# SPDX-License-Identifier: Apache-2.0
"""Clouds, options and requests that hypothesis draws: what always holds."""

import collections
import dataclasses

from hypothesis import strategies as st

from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.properties import NOVA_NAMES
from hypervisor_affinity.scheduler import moves
from hypervisor_affinity.scheduler.adapters import Size
from tests.unit.core import inputs
from tests.unit.scheduler import nova_objects as build

# hypervisor_type, supported_instances, and whether Placement knows a virtio
# trait of the host.
DRIVERS = {
    'libvirt': ('QEMU', ('kvm', 'qemu'), True),
    'libvirt-lxc': ('LXC', ('lxc',), False),
    'vmwareapi': ('VMware vCenter Server', ('vmware',), False),
    'a fork': ('VMware ESXi', ('vmware',), False),
    'ironic': ('ironic', ('baremetal',), False),
    'fake': ('fake', ('fake',), False),
    'new': ('HyperFoo 9', (), False),
}
VALUES = {
    'hypervisor_type': [
        *('kvm', 'vmware', 'VMware vCenter Server', 'qemu, ESXi', 'ironic'),
        *('fake', 'kvm,hyperfoo', 'vmwrae', ''),
    ],
    'img_hv_type': ['kvm,qemu', 'vmware', 'x'],
    'hypervisor_affinity_admit': ['any', 'required', 'maybe'],
    'hypervisor_affinity_reserve': ['0', '95', 'x'],
    'hypervisor_affinity_weight_multiplier': ['3', 'x'],
    'vmware_disktype': ['thin', 's*,streamOptimized', ''],
    'vmware_adaptertype': ['lsi*', 'ide'],
    'vmware_ostype': ['ubuntu*', 'other*'],
    'availability_zone': ['az'],
    'hypervisor_affinity_mode': ['observe', 'enforce', 'x'],
}
# By nova's names; another name of the same property has the same values.
PROPERTY_VALUES = {
    'disk_format': ['vmdk', 'qcow2', 'raw', 'iso', 'vhd'],
    'container_format': ['bare', 'ova'],
    'img_hv_type': ['vmware', 'kvm', 'qemu', 'baremetal', 'lxc', 'fake'],
    'hw_disk_type': ['thin', 'sparse', 'streamOptimized', 'odd'],
    'os_distro': ['ubuntu', 'ubuntu64Guest', 'otherGuest', 'debian12_64Guest'],
    'img_linked_clone': ['true', 'no'],
    'img_version': ['1', '2'],
    'vmware_adaptertype': ['lsiLogic', 'ide', 'busLogic', 'paraVirtual'],
    'hw_scsi_model': ['virtio-scsi', 'lsilogic', 'buslogic', 'vmpvscsi'],
    'hw_vif_model': [
        *('virtio', 'e1000', 'VirtualVmxnet3', 'VirtualVmxnet', 'sriov'),
        'netfront',
    ],
    'hw_architecture': ['x86_64', 'aarch64'],
    'hw_emulation_architecture': ['ppc64le'],
    'hw_disk_bus': ['virtio', 'scsi', 'ide', 'xen'],
}
# From the core's own list: one without values here ends the tests.
PROPERTIES = {
    name: PROPERTY_VALUES[NOVA_NAMES.get(name, name)]
    for name in inputs.PROPERTY_NAMES
}
EXTRA_SPECS = {
    'hypervisor_affinity:hypervisor_type': [
        'kvm',
        'vmware',
        'esxi,kvm',
        'qemu, vmware',
        'any',
        'foo',
    ],
    'hypervisor_affinity:preferred': ['vmware', 'kvm,vmware', ''],
    'capabilities:hypervisor_type': [
        'QEMU',
        'VMware vCenter Server',
        's!= ironic',
        '>= x',
    ],
    'hw:cpu_policy': ['shared'],
}


def some_of(values):
    return st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(v) for name, v in values.items()}
    )


HOSTS = [f'host-{number}' for number in range(6)]


@dataclasses.dataclass(frozen=True)
class Cloud:
    """Aggregates as (metadata, hosts), and each host's driver."""

    aggregates: list
    drivers: dict

    def objects(self):
        return [
            build.aggregate(number, metadata, hosts)
            for number, (metadata, hosts) in enumerate(self.aggregates, 1)
        ]

    def reports_beside(self, settled):
        """Return what the databases have of all other hosts."""
        found = collections.defaultdict(set)
        for name, driver in self.drivers.items():
            if name not in settled:
                found[DriverReport(*DRIVERS[driver][:2])].add(name)
        return {report: frozenset(names) for report, names in found.items()}

    def states(self, aggregates):
        return [
            build.host_state(
                name,
                *DRIVERS[driver][:2],
                aggregates=[one for one in aggregates if name in one.hosts],
            )
            for name, driver in self.drivers.items()
        ]


clouds = st.builds(
    Cloud,
    st.lists(
        st.tuples(
            some_of(VALUES), st.lists(st.sampled_from(HOSTS), unique=True)
        ),
        max_size=5,
    ),
    st.fixed_dictionaries(
        {
            name: st.one_of(
                st.sampled_from(['libvirt', 'vmwareapi']),
                st.sampled_from(sorted(DRIVERS)),
            )
            for name in HOSTS
        }
    ),
)
policies = st.builds(
    dict,
    preferred_hypervisors=st.sampled_from([['kvm', 'vmware'], ['vmware'], []]),
    flexible_placement=st.sampled_from(['prefer', 'strict']),
    unclassified_hosts=st.sampled_from(['reported', 'none', 'any']),
    vmdk_images=st.sampled_from(['vmware', 'flexible']),
    tell_user=st.booleans(),
    mode=st.sampled_from(['enforce', 'enforce', 'observe']),
)


@dataclasses.dataclass(frozen=True)
class Ask:
    """A request before it is an object; ``runs_on`` None is a boot."""

    image: dict | None
    extra_specs: dict
    volume: bool
    count: int
    runs_on: frozenset | None

    def spec(self):
        make = build.request_spec
        fields = {'is_bfv': self.volume, 'num_instances': self.count}
        if self.runs_on is not None:
            make = build.move_spec
        else:
            fields['requested_destination'] = None
        return make(self.image, self.extra_specs, **fields)

    def origin(self, spec):
        return moves.Origin(self.runs_on, Size(build.ASKED_MB // 2, 1))

    def demand(self, policy):
        return classify(
            self.image or {},
            self.extra_specs,
            policy,
            volume=self.volume,
            underneath=self.runs_on,
            grows=self.runs_on is not None,
        )


asks = st.builds(
    Ask,
    st.one_of(st.none(), some_of(PROPERTIES)),
    some_of(EXTRA_SPECS),
    st.booleans(),
    st.sampled_from([1, 2]),
    st.one_of(
        st.none(),
        st.none(),
        st.sampled_from([(), ('kvm',), ('vmware',)]).map(frozenset),
    ),
)
