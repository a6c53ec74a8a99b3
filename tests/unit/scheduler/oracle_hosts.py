# SPDX-License-Identifier: Apache-2.0
"""What hosts are to the oracle, by doc/source/aggregates.rst alone."""

import dataclasses

KVM, VMWARE, BAREMETAL = 'kvm', 'vmware', 'baremetal'

# classification, Hypervisors and their spellings
SPELLINGS = {
    KVM: 'kvm qemu',
    VMWARE: 'vmware esx esxi vcenter vsphere',
    BAREMETAL: 'baremetal ironic',
    'xen': 'xapi xen',
}
ALONE = (
    'bhyve docker fake hyperv kqemu lxc lxd openvz parallels phyp prsm test '
    'uml vbox vz zvm'
)
FAMILY_OF = {
    'vmware vcenter server': VMWARE,
    'vmware esxi': VMWARE,
    **{one: name for name, all_ in SPELLINGS.items() for one in all_.split()},
    **{one: one for one in ALONE.split()},
}
EVERYTHING = frozenset(FAMILY_OF.values())

# aggregates, What drivers report
REPORTED_BY_ONE = {
    'QEMU': KVM,
    'VMware vCenter Server': VMWARE,
    'VMware ESXi': VMWARE,
    'ironic': BAREMETAL,
}
PRETENDING = {'fake', 'test'}

# Of a host or an origin: nothing tells.
UNKNOWN = 'unknown'


@dataclasses.dataclass(frozen=True)
class Host:
    """A host: what its driver reports, its aggregates' metadata, its load.

    RAM in MiB; ``limit`` and ``used`` are (RAM, vCPUs), limits with the
    allocation ratios.
    """

    name: str
    hypervisor_type: str | None
    supported: tuple
    aggregates: tuple = ()
    limit: tuple = (0, 0)
    used: tuple = (0, 0)


def family(word):
    """Return the hypervisor of a spelling, or None."""
    return FAMILY_OF.get(word.strip().lower())


def families(words):
    """Return the hypervisors in a comma-separated list."""
    found = (family(word) for word in words.split(','))
    return [one for one in found if one is not None]


def reported(host):
    # aggregates, What drivers report
    if host.hypervisor_type in REPORTED_BY_ONE:
        return frozenset({REPORTED_BY_ONE[host.hypervisor_type]})
    known = {family(word) for word in host.supported} - {None} - PRETENDING
    if not known:
        known = {family(host.hypervisor_type or '')} - {None} - PRETENDING
    return frozenset(known)


def values(host, *keys):
    """Return the values of metadata keys in all aggregates of the host."""
    return [
        metadata[key]
        for metadata in host.aggregates
        for key in keys
        if key in metadata
    ]


def tags(host):
    return values(host, 'hypervisor_type', 'img_hv_type')


def is_tagged(host):
    return bool(tags(host))


def named(host):
    found = {one for words in tags(host) for one in families(words)}
    return frozenset(found - PRETENDING)


def offer(host, unclassified_hosts):
    # aggregates, What a host offers
    known = reported(host)
    if named(host):
        return named(host) & known if known else named(host)
    if not is_tagged(host):
        if unclassified_hosts == 'none':
            return frozenset()
        if unclassified_hosts == 'any' and not known:
            return EVERYTHING
    return known or UNKNOWN


def runs_on(host):
    # moves, The look-up; and Rebuilds stay on their host
    return reported(host) or named(host)
