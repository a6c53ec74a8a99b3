# SPDX-License-Identifier: Apache-2.0
"""What passes, as the pages for operators say it, and by no line of code.

Written from doc/source, the options' help and nothing else: it imports
nothing of the project, so that a rule which is wrong in the code is wrong
here only if the pages say so, too. Each comment names page and section. Of
values the pages list by the hundred (the guest ids of vSphere) it knows a few.

``oracle_hosts`` and ``oracle_images`` are parts of it. The tables that pages
show from the code's are written out here by hand, so that they are compared
as well. It explains nothing: read it beside the pages.
"""

import dataclasses
import fnmatch

from tests.unit.scheduler.oracle_hosts import BAREMETAL
from tests.unit.scheduler.oracle_hosts import EVERYTHING
from tests.unit.scheduler.oracle_hosts import KVM
from tests.unit.scheduler.oracle_hosts import PRETENDING
from tests.unit.scheduler.oracle_hosts import UNKNOWN
from tests.unit.scheduler.oracle_hosts import VMWARE
from tests.unit.scheduler.oracle_hosts import families
from tests.unit.scheduler.oracle_hosts import offer
from tests.unit.scheduler.oracle_hosts import runs_on
from tests.unit.scheduler.oracle_hosts import values
from tests.unit.scheduler.oracle_images import FAILS
from tests.unit.scheduler.oracle_images import REFUSES
from tests.unit.scheduler.oracle_images import SUGGESTS
from tests.unit.scheduler.oracle_images import limited
from tests.unit.scheduler.oracle_images import novas_names
from tests.unit.scheduler.oracle_images import sayings

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

GONE = 'gone'


@dataclasses.dataclass(frozen=True)
class Options:
    """What nova.conf has in [hypervisor_affinity], lists as tuples."""

    preferred_hypervisors: tuple = ('kvm', 'vmware')
    flexible_placement: str = 'prefer'
    unclassified_hosts: str = 'reported'
    vmdk_images: str = 'vmware'
    mode: str = 'enforce'


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
    demand = Demand(request, options)
    return {host.name for host in hosts if passes(demand, host)}


def passes(demand, host):
    """Tell whether one host passes; no other host has a say."""
    if is_observed(host, demand.options.mode):
        return True
    if demand.request.kind == 'move':
        fits = move_fits(demand, host)
    elif demand.request.kind == 'rebuild':
        fits = rebuild_fits(demand, host)
    else:
        fits = boot_fits(demand, host)
    return fits and limits_hold(demand, host) and reserve_holds(demand, host)


def is_observed(host, otherwise):
    # introducing, Modes
    words = [
        word.strip().lower()
        for word in values(host, 'hypervisor_affinity_mode')
    ]
    if 'enforce' in words:
        return False
    return 'observe' in words or otherwise == 'observe'


def boot_fits(demand, host):
    if demand.is_refused:
        return False
    offered = offer(host, demand.options.unclassified_hosts)
    strict = demand.options.flexible_placement == 'strict'
    if demand.is_flexible:
        # aggregates, Admitting only requests that need it
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
    # classification, An invalid sign is not guessed
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
        suggesting = {key for key, verb, _ in says if verb == SUGGESTS}
        meant = set(suggesting)
        if (
            self.image.get('disk_format') == 'vmdk'
            and self.options.vmdk_images == 'vmware'
        ):
            suggesting.add('disk_format')
        # classification, A suggestion gives way to what cannot boot. A disk
        # type in another case does not give way to itself.
        stays = any(
            not any(who == VMWARE for other, who in refusing if other != key)
            for key in suggesting
        )
        # classification, The rules: an explicit sign overrides; any lifts
        self.suggested = stays and self.named is None and not self.is_lifted
        # classification, Unless something asks for it; moves, Rebuilds
        failing = {who for _, verb, who in says if verb == FAILS}
        self.ruled_out = {who for _, who in refusing}
        asked = {VMWARE} if self.suggested else set(self.named or ())
        asked -= self.ruled_out
        if self.request.kind == 'rebuild' or not asked <= failing:
            asked = set()
        self.ruled_out |= failing - asked
        # classification, A suggestion gives way to what cannot boot: what
        # speaks against KVM as well is no mere leftover.
        self.left_over = set()
        if VMWARE in self.ruled_out and not self._is_on_vmware():
            self.left_over = meant - {
                key
                for key, verb, who in says
                if verb != SUGGESTS and who == KVM
            }

    def _is_on_vmware(self):
        if self.request.kind != 'move':
            return False
        origin = self.request.origin
        known = None if origin == UNKNOWN else runs_on(origin) or None
        return VMWARE in (both(known, self.flavor_names) or ())


def both(first, second):
    """Return what two explicit signs leave, None being no sign."""
    if first is None or second is None:
        return second if first is None else first
    return first & second


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
