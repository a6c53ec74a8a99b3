# SPDX-License-Identifier: Apache-2.0
"""Hypervisor families: the unit in which requests and hosts are compared.

A family is the set of hypervisor types that can run each other's servers.
Spellings come from nova's ``nova.objects.fields.HVType``, from what the virt
drivers report as ``hypervisor_type`` (libvirt: ``QEMU``; vmwareapi: ``VMware
vCenter Server``), and from what operators write into aggregate metadata.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, NewType

from hypervisor_affinity.core.printable import cited

# A spelling becomes one in :func:`canonicalize`, and nowhere else.
Family = NewType('Family', str)

KVM = Family('kvm')
VMWARE = Family('vmware')
BAREMETAL = Family('baremetal')
_XEN = Family('xen')

# libvirt reports QEMU for qemu and kvm guests alike, so a demand for kvm
# alone could never be met: both are one family.
_SPELLINGS = {
    'kvm': KVM,
    'qemu': KVM,
    'vmware': VMWARE,
    'esx': VMWARE,
    'esxi': VMWARE,
    'vcenter': VMWARE,
    'vsphere': VMWARE,
    'vmware vcenter server': VMWARE,
    'vmware esxi': VMWARE,
    'baremetal': BAREMETAL,
    'ironic': BAREMETAL,
    'xapi': _XEN,
    'xen': _XEN,
}

# Values of HVType that are a family of their own; some are gone from newer
# nova releases, but aggregates and images keep what was written once.
_ALONE = (
    'bhyve',
    'docker',
    'fake',
    'hyperv',
    'kqemu',
    'lxc',
    'lxd',
    'openvz',
    'parallels',
    'phyp',
    'prsm',
    'test',
    'uml',
    'vbox',
    'vz',
    'zvm',
)

FAMILY_OF: Mapping[str, Family] = {
    **_SPELLINGS,
    **{name: Family(name) for name in _ALONE},
}

FAMILIES = frozenset(FAMILY_OF.values())

# Drivers that pretend: what they report proves nothing about the host.
SAY_NOTHING = frozenset({Family('fake'), Family('test')})

# The reason that nova.virt.vmwareapi.host.VCState gives when it disables its
# compute service, since vCenter does not answer.
DISABLED_BY_VSPHERE_DRIVER = 'set by vmwareapi host_state'

_TITLES = {
    KVM: 'KVM',
    VMWARE: 'VMware',
    BAREMETAL: 'bare metal',
    _XEN: 'Xen',
    'hyperv': 'Hyper-V',
    'lxc': 'LXC',
    'lxd': 'LXD',
    'zvm': 'z/VM',
}


class FamilyList(NamedTuple):
    """A comma list of hypervisors, read.

    :ivar families: the families in the order written, each once
    :ivar unreadable: the items that name no hypervisor, as written
    """

    families: tuple[Family, ...]
    unreadable: tuple[str, ...]

    @property
    def complaint(self) -> str | None:
        """What is wrong with the list; None if all of it can be read."""
        if self.families and not self.unreadable:
            return None
        if not self.unreadable:
            return 'the list is empty'
        wrong = cited(', '.join(self.unreadable))
        if len(self.unreadable) == 1:
            return f'{wrong} is not a known hypervisor'
        return f'{wrong} are not known hypervisors'


def canonicalize(spelling: object) -> Family | None:
    """Return the family that a spelling names, None if it names none.

    Case and surrounding blanks do not matter. Anything but a string names
    no hypervisor.
    """
    if not isinstance(spelling, str):
        return None
    return FAMILY_OF.get(spelling.strip().lower())


def read_list(text: object) -> FamilyList:
    """Read a comma list of hypervisors, keeping what cannot be read.

    Empty items are dropped, as nova does with its own list options. A value
    that is not a string is one unreadable item.
    """
    if not isinstance(text, str):
        return FamilyList((), (repr(text),))
    families: dict[Family, None] = {}
    unreadable = []
    for item in filter(None, map(str.strip, text.split(','))):
        family = canonicalize(item)
        if family is None:
            unreadable.append(item)
        else:
            families[family] = None
    return FamilyList(tuple(families), tuple(unreadable))


def title(families: Iterable[Family]) -> str:
    """Name families for people: ``KVM or VMware``; ``nothing`` for none.

    If it is most of them, those are named that it is not.
    """
    others = _ruled_out(families)
    if others is not None:
        return f'any hypervisor but {_named(others)}' if others else 'any'
    return _named(families) or 'nothing'


def are_all(families: Iterable[Family]) -> bool:
    """Tell whether none is missing that a host can really be."""
    return _ruled_out(families) == frozenset()


def adjective(families: Iterable[Family]) -> str:
    """Return what to put before ``host``, with a space: ``KVM or VMware ``.

    :returns: '' for no family, and for most of them
    """
    if _ruled_out(families) is not None:
        return ''
    named = _named(families)
    return f'{named} ' if named else ''


def _ruled_out(families: Iterable[Family]) -> frozenset[Family] | None:
    """Return the families that are not among most of them; None for few."""
    named = frozenset(families)
    others = FAMILIES - SAY_NOTHING - named
    return others if len(named) > len(others) else None


def _named(families: Iterable[Family]) -> str:
    return ' or '.join(sorted(_TITLES.get(f, f) for f in families))
