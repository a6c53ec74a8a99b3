# SPDX-License-Identifier: Apache-2.0
"""What passes, as the pages for operators say it, and by no line of code.

Written from doc/source, the options' help and nothing else: it imports
nothing of the project, so that a rule which is wrong in the code is wrong
here only if the pages say so, too. Each comment names page and section. Of
values the pages list by the hundred (the guest ids of vSphere) it knows a few.

Prefer to read it beside the pages. It is slow, and explains nothing.
"""

import dataclasses
import fnmatch

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

# flavors, nova's own key; what is not here is no sign.
NOVAS_OWN = {
    'QEMU': frozenset({KVM}),
    'VMware vCenter Server': frozenset({VMWARE}),
    'VMware ESXi': frozenset({VMWARE}),
    'ironic': frozenset({BAREMETAL}),
    '<in> VMware': frozenset({VMWARE}),
    '<or> QEMU <or> ironic': frozenset({KVM, BAREMETAL}),
    '<or> QEMU <or> VMware vCenter Server': frozenset({KVM}),
    's!= QEMU': EVERYTHING - PRETENDING - {KVM},
}

GUEST_IDS = {'ubuntu64Guest', 'otherGuest', 'windows2019srv_64Guest'}
LACKED_BY_VMWARE = {
    *('igb', 'ne2k_pci', 'rtl8139', 'spapr-vlan', 'virtio'),
    *('lan9118', 'netfront'),
}
NOT_FOR_VMWARE = ('aki', 'ami', 'ari', 'qcow2', 'raw', 'vdi', 'vhdx')
DISKS = ('vmdk', 'vstorageobject')
FLAT = {'preallocated', 'thin', 'thick', 'eagerZeroedThick'}
NOT_FLAT = {'sparse', 'streamOptimized'}
# classification, What nova hands on
ADAPTERS = {
    'lsiLogic': 'lsilogic',
    'lsiLogicsas': 'lsisas1068',
    'paraVirtual': 'vmpvscsi',
    'busLogic': 'buslogic',
}
VIFS = {
    'VirtualE1000': 'e1000',
    'VirtualE1000e': 'e1000e',
    'VirtualPCNet32': 'pcnet',
    'VirtualVmxnet': 'vmxnet',
    'VirtualVmxnet3': 'vmxnet3',
    'VirtualSriovEthernetCard': 'sriov',
}
RENAMED = {
    'hypervisor_type': 'img_hv_type',
    'vmware_disktype': 'hw_disk_type',
    'vmware_ostype': 'os_distro',
    'vmware_linked_clone': 'img_linked_clone',
    'vmware_image_version': 'img_version',
    'architecture': 'hw_architecture',
}

UNKNOWN = 'unknown'
GONE = 'gone'


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


@dataclasses.dataclass(frozen=True)
class Options:
    """What nova.conf has in [hypervisor_affinity], lists as tuples."""

    preferred_hypervisors: tuple = ('kvm', 'vmware')
    flexible_placement: str = 'prefer'
    unclassified_hosts: str = 'reported'
    vmdk_images: str = 'vmware'


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked: ``kind`` is ``boot``, ``move`` or ``rebuild``.

    ``image`` has Glance's names, and is None where there is none. ``origin``
    is of a move: its Host, UNKNOWN, or GONE for a shelved server whose host
    has no record any more. ``asks`` and ``has`` are (RAM, vCPUs).
    """

    kind: str
    image: dict | None
    extra_specs: dict
    volume: bool = False
    origin: object = None
    asks: tuple = (0, 0)
    has: tuple = (0, 0)


def passing(request, hosts, options):
    """Return the names of the hosts that pass."""
    if request.kind == 'move' and request.origin == GONE:
        # moves, The look-up: the image alone decides, as for a boot.
        request = dataclasses.replace(request, kind='boot')
    return {host.name for host in hosts if passes(request, host, options)}


def passes(request, host, options):
    """Tell whether one host passes; no other host has a say."""
    demand = Demand(request, options)
    if request.kind == 'move':
        fits = move_fits(demand, host)
    elif request.kind == 'rebuild':
        fits = rebuild_fits(demand, host)
    else:
        fits = boot_fits(demand, host)
    return fits and limits_hold(demand, host) and reserve_holds(demand, host)


def boot_fits(demand, host):
    if demand.is_refused:
        return False
    offered = offer(host, demand.options.unclassified_hosts)
    strict = demand.options.flexible_placement == 'strict'
    if demand.is_flexible:
        # aggregates, Admitting those who need it
        admits = values(host, 'hypervisor_affinity_admit')
        if 'required' in [word.strip().lower() for word in admits]:
            return False
        # aggregates, The first choice only
        strict = strict and demand.order
        # aggregates, What a host offers
        if offered == UNKNOWN:
            return not strict and demand.named is None
        if strict:
            offered = offered & {demand.order[0]}
    if offered == UNKNOWN:
        return False
    return bool(offered & demand.will_do)


def rebuild_fits(demand, host):
    # moves, Rebuilds stay on their host
    if demand.is_refused:
        return False
    runs = runs_on(host)
    if not runs:
        offered = offer(host, demand.options.unclassified_hosts)
        if offered == EVERYTHING:
            return bool(offered & demand.will_do)
        return demand.named is None and not demand.suggested
    return bool(runs & demand.will_do)


def move_fits(demand, host):
    # classification, A sign that cannot be read is no licence to guess
    if demand.is_unreadable:
        return False
    if demand.request.origin == UNKNOWN or not runs_on(demand.request.origin):
        # moves, The look-up
        if runs_on(host):
            return False
        needed = EVERYTHING
        if offer(host, demand.options.unclassified_hosts) == UNKNOWN:
            return demand.flavor_names is None
    else:
        needed = runs_on(demand.request.origin)
    # moves, If the image or the flavor names the other hypervisor
    if demand.flavor_names is not None:
        needed = needed & demand.flavor_names
    offered = offer(host, demand.options.unclassified_hosts)
    return offered != UNKNOWN and bool(offered & needed)


# -- hosts ------------------------------------------------------------------


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


# -- requests ---------------------------------------------------------------


class Demand:
    """What a request asks.

    ``named`` are the hypervisors that explicit signs leave, None if there are
    none of these; ``flavor_names`` those of the flavor alone; ``will_do`` is
    what is left of all; ``order`` what a flexible request tries in turn.
    """

    def __init__(self, request, options):
        self.request = request
        self.options = options
        self.image = novas_names(request.image or {})
        self.is_unreadable = False
        self.is_lifted = False
        self._read_flavor(request.extra_specs)
        self.named = self.flavor_names
        if 'img_hv_type' in self.image:
            sign = frozenset(families(self.image['img_hv_type']))
            self.named = both(self.named, sign)
        self._read_values()
        self.is_refused = self.is_unreadable or self.named == frozenset()
        # classification: needs, or is flexible
        if self.named is not None:
            found = self.named
        elif self.suggested:
            found = frozenset({VMWARE})
        else:
            found = EVERYTHING
        self.is_flexible = len(found) > 1
        self.will_do = found - self.ruled_out
        self.order = [
            one
            for one in dict.fromkeys(
                families(
                    request.extra_specs.get(
                        'hypervisor_affinity:preferred', ''
                    )
                )
                + families(','.join(options.preferred_hypervisors))
            )
            if one in self.will_do
        ]

    def _read_flavor(self, extra_specs):
        # flavors; and classification, signs 1
        self.flavor_names = None
        ours = extra_specs.get('hypervisor_affinity:hypervisor_type')
        if ours is not None:
            if ours.strip().lower() == 'any':
                self.is_lifted = True
            else:
                self.flavor_names = frozenset(families(ours))
                self.is_unreadable = not self.flavor_names
        for key in ('capabilities:hypervisor_type', 'hypervisor_type'):
            if key in extra_specs:
                sign = NOVAS_OWN.get(extra_specs[key])
                self.flavor_names = both(self.flavor_names, sign)

    def _read_values(self):
        # classification, What a value says
        says = list(sayings(self.image, self.request.volume))
        refusing = {(key, who) for key, verb, who in says if verb == REFUSES}
        ruled_out = {who for _, who in refusing}
        suggesting = {key for key, verb, _ in says if verb == SUGGESTS}
        if (
            self.image.get('disk_format') == 'vmdk'
            and self.options.vmdk_images == 'vmware'
        ):
            suggesting.add('disk_format')
        # classification, A suggestion gives way to what cannot run. A disk
        # type in another case does not give way to itself.
        giving_way = {
            key
            for key in suggesting
            if any(who == VMWARE for other, who in refusing if other != key)
        }
        suggesting -= giving_way
        # What speaks against KVM as well is no mere leftover.
        self.left_over = giving_way - {
            key for key, verb, who in says if verb != SUGGESTS and who == KVM
        }
        origin = self.request.origin
        # What the server's own hypervisor reads is not left over.
        is_known = self.request.kind == 'move' and origin != UNKNOWN
        if is_known and VMWARE in runs_on(origin):
            self.left_over = set()
        # classification, The rules: an explicit sign overrides; any lifts
        self.suggested = (
            bool(suggesting) and self.named is None and not self.is_lifted
        )
        # classification, Unless something asks for it; moves, Rebuilds
        asked = {VMWARE} if self.suggested else set()
        if self.named is not None and len(self.named) == 1:
            asked = set(self.named)
        for _, verb, who in says:
            rebuilds = self.request.kind == 'rebuild'
            if verb == FAILS and (rebuilds or who not in asked):
                ruled_out.add(who)
            if verb == FAILS_LATER and rebuilds:
                ruled_out.add(who)
        self.ruled_out = frozenset(ruled_out)


def both(first, second):
    """Return what two explicit signs leave, None being no sign."""
    if first is None or second is None:
        return second if first is None else first
    return first & second


def novas_names(image):
    # classification, What nova hands on
    found = {}
    for key, value in image.items():
        if key in RENAMED:
            found[RENAMED[key]] = value
        elif key == 'vmware_adaptertype' and value == 'ide':
            found['hw_disk_bus'] = 'ide'
        elif key == 'vmware_adaptertype':
            found['hw_disk_bus'] = 'scsi'
            found['hw_scsi_model'] = ADAPTERS[value]
    found.update({k: v for k, v in image.items() if k not in RENAMED})
    found.pop('vmware_adaptertype', None)
    if 'hw_vif_model' in found:
        found['hw_vif_model'] = VIFS.get(
            found['hw_vif_model'], found['hw_vif_model']
        )
    known = {'amd64': 'x86_64', 'i386': 'i686'}
    if 'hw_architecture' in found:
        found['hw_architecture'] = known.get(
            found['hw_architecture'], found['hw_architecture']
        )
    return found


SUGGESTS, REFUSES, FAILS, FAILS_LATER = range(4)


def sayings(image, volume):
    """Yield (property, verb, hypervisor), row by row of the page's table.

    classification, What a value says.
    """
    # A volume that was made beforehand has no format.
    form = image.get('disk_format') or None
    if form is not None:
        yield from say_format(form)
    if image.get('container_format') == 'ova':
        yield 'container_format', SUGGESTS, VMWARE
        yield 'container_format', REFUSES, KVM
    yield from say_disk_type(image, form, volume)
    for key in ('img_linked_clone', 'img_version'):
        if key in image:
            yield key, SUGGESTS, VMWARE
    if 'os_distro' in image:
        yield from say_guest_id(image['os_distro'])
    yield from say_adapter(image, form, volume)
    yield from say_vif(image.get('hw_vif_model'))
    if image.get('hw_architecture', 'i686') not in ('i686', 'x86_64'):
        yield 'hw_architecture', REFUSES, VMWARE
    if image.get('hw_emulation_architecture', 'i686') not in (
        'i686',
        'x86_64',
    ):
        yield 'hw_emulation_architecture', FAILS, VMWARE


def say_format(form):
    key = 'disk_format'
    if form not in ('vmdk', 'iso', *NOT_FOR_VMWARE):
        yield key, REFUSES, KVM
    if form not in ('iso', *DISKS):
        yield key, REFUSES, VMWARE
    if form == 'vstorageobject':
        yield key, SUGGESTS, VMWARE


def say_disk_type(image, form, volume):
    key = 'hw_disk_type'
    if key not in image:
        return
    kind = image[key]
    known = {one.lower() for one in FLAT | NOT_FLAT}
    if kind in FLAT:
        yield key, SUGGESTS, VMWARE
        if form == 'vmdk':
            yield key, FAILS, KVM
    elif kind in NOT_FLAT:
        yield key, SUGGESTS, VMWARE
        if form == 'iso' and not volume:
            yield key, FAILS_LATER, VMWARE
    else:
        is_misspelt = kind.lower() in known
        if is_misspelt:
            yield key, SUGGESTS, VMWARE
        if form in DISKS and not volume:
            yield key, REFUSES, VMWARE
        if form == 'iso' and not volume:
            yield key, FAILS_LATER if is_misspelt else FAILS, VMWARE


def say_guest_id(value):
    if value in GUEST_IDS:
        yield 'os_distro', SUGGESTS, VMWARE
    elif value.lower() in {one.lower() for one in GUEST_IDS}:
        yield 'os_distro', SUGGESTS, VMWARE
        yield 'os_distro', FAILS_LATER, VMWARE
    else:
        yield 'os_distro', FAILS, VMWARE


def say_adapter(image, form, volume):
    model, bus = image.get('hw_scsi_model'), image.get('hw_disk_bus')
    is_flat = form in DISKS and image.get('hw_disk_type') not in NOT_FLAT
    # A volume is Cinder's, and an OVA has its disk in it.
    is_flat = is_flat and image.get('container_format') != 'ova'
    vcenter_makes_disk = not volume and (form == 'iso' or is_flat)
    if model == 'buslogic':
        yield 'hw_scsi_model', SUGGESTS, VMWARE
        yield 'hw_scsi_model', REFUSES, KVM
    if bus in ('lxc', 'uml', 'xen'):
        yield 'hw_disk_bus', REFUSES, KVM
    lacks = model is None or model in ('ibmvscsi', 'lsisas1078', 'virtio-scsi')
    if bus == 'scsi' and lacks and vcenter_makes_disk:
        yield 'hw_disk_bus', REFUSES, VMWARE


def say_vif(model):
    key = 'hw_vif_model'
    if model in ('lan9118', 'netfront', 'vmxnet'):
        yield key, REFUSES, KVM
    if model in LACKED_BY_VMWARE:
        yield key, REFUSES, VMWARE
    if model in ('sriov', 'vmxnet'):
        yield key, SUGGESTS, VMWARE


# -- what aggregates keep -----------------------------------------------------


def limits_hold(demand, host):
    # aggregates, Limiting image properties
    for key, field in (
        ('vmware_disktype', 'hw_disk_type'),
        ('vmware_ostype', 'os_distro'),
        ('vmware_adaptertype', 'hw_scsi_model'),
        ('vmware_linked_clone', 'img_linked_clone'),
        ('vmware_image_version', 'img_version'),
    ):
        patterns = [
            word.strip().lower()
            for text in values(host, key)
            for word in text.split(',')
            if word.strip()
        ]
        if not patterns or field in demand.left_over:
            continue
        spellings = limited(demand.image, field)
        if spellings and not any(
            fnmatch.fnmatchcase(one.lower(), pattern)
            for one in spellings
            for pattern in patterns
        ):
            return False
    return True


def limited(image, field):
    """Return the spellings of an image's property; none: it is not set."""
    value = image.get(field)
    if field == 'hw_scsi_model':
        if image.get('hw_disk_bus') == 'ide':
            return ['ide']
        return [
            one
            for owners, novas in ADAPTERS.items()
            for one in (owners, novas)
            if novas == value and image.get('hw_disk_bus') in (None, 'scsi')
        ]
    if field == 'img_linked_clone' and value is not None:
        # What an owner writes, and what nova makes of it.
        words = 'true yes 1' if value in ('true', 'yes', '1') else 'false no 0'
        return words.split()
    if field == 'os_distro' and value not in GUEST_IDS:
        return []
    return [] if value is None else [value]


def reserve_holds(demand, host):
    # aggregates, A reserve
    reserve = max(
        (
            float(text)
            for text in values(host, 'hypervisor_affinity_reserve')
            if is_percentage(text)
        ),
        default=0,
    )
    request = demand.request
    if request.kind == 'rebuild' or not demand.is_flexible or not reserve:
        return True
    asks = request.asks
    if request.kind == 'move':
        # moves, Moves stay on their hypervisor; and The look-up
        if request.origin == UNKNOWN:
            return True
        asks = tuple(
            max(0, new - old)
            for new, old in zip(asks, request.has, strict=True)
        )
    return all(
        not more or used + more <= limit * (100 - reserve) / 100
        for used, more, limit in zip(host.used, asks, host.limit, strict=True)
    )


def is_percentage(text):
    text = text.strip()
    return len(text) <= 3 and text.isdigit() and int(text) <= 100
