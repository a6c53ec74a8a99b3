# SPDX-License-Identifier: Apache-2.0
"""What nova asks Placement for, as far as a flavor and an image say it.

As ``nova.scheduler.utils.ResourceRequest.from_request_spec`` does it; a test
compares the two. What ports and device profiles add, no snapshot has.
"""

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping

from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.core.reason import Evidence

# nova.scheduler.utils.ResourceRequest.XS_KEYPAT
_KEY = re.compile(r'(resources|trait)([a-zA-Z0-9_-]{1,64})?:(.*)')

_TRAIT = 'trait:'
# Placement keeps at most 2^31 - 1 of anything.
_DIGITS = 19
# Of one server; KVM has 4096 at most.
_MOST_CPUS = 4096
_HYPERTHREADING = 'HW_CPU_HYPERTHREADING'

# Further names that nova turns into traits or resource classes, in the same
# module and in nova.scheduler.request_filter: of the values of a name, those
# for which it does; None for all that do not say no.
_FURTHER: Mapping[str, frozenset[str] | None] = {
    'accel:device_profile': None,
    'hw:ephemeral_encryption': None,
    'hw:firmware_stateless': None,
    'hw:maxphysaddr_mode': None,
    'hw:mem_encryption': None,
    'hw:pci_numa_affinity_policy': frozenset({'socket'}),
    'hw:pmem': None,
    'hw:sound_model': frozenset({'virtio'}),
    'hw:tpm_model': None,
    'hw:tpm_version': None,
    'hw:virtio_packed_ring': None,
    'os:secure_boot': frozenset({'required'}),
    'pci_passthrough:alias': None,
}
_NO = frozenset({'', '0', 'f', 'false', 'n', 'no', 'off'})
_YES = frozenset({'1', 't', 'true', 'on', 'y', 'yes'})


@dataclasses.dataclass(frozen=True, slots=True)
class ResourceRequest:
    """What nova asks Placement for.

    :ivar amounts: resource class -> how much of it, none of it zero; of the
        group without a suffix
    :ivar sources: resource class -> where it is asked for; without those that
        every flavor has
    :ivar required, forbidden: trait -> where it is; of the same group
    :ivar suffixed_amounts, suffixed_traits: what groups with a suffix ask
        for, such as ``resources1:VGPU=1``. Each may be met by a resource
        provider below the compute node.
    :ivar further: what nova turns into more resource classes or traits,
        which is not worked out
    """

    amounts: Mapping[str, int]
    sources: Mapping[str, Evidence]
    required: Mapping[str, Evidence]
    forbidden: Mapping[str, Evidence]
    suffixed_amounts: tuple[Evidence, ...] = ()
    suffixed_traits: tuple[Evidence, ...] = ()
    further: tuple[Evidence, ...] = ()


def read_request(
    flavor: Flavor,
    image: Mapping[str, object],
    *,
    volume: bool,
    pinning: bool = True,
) -> ResourceRequest:
    """Return what nova asks for.

    :param image: Glance's properties, or nova's; empty for no image
    :param volume: whether the root disk is a volume, so that it takes no
        disk of the host
    :param pinning: whether dedicated CPUs are PCPU. nova asks a second time
        without, for hosts that have none in Placement:
        ``[workarounds] disable_fallback_pcpu_query``.
    """
    groups = _Groups()
    for key, spec in flavor.extra_specs.items():
        groups.add(key, spec)
    for key, value in image.items():
        # nova.objects.ImageMetaProps._set_attr_from_trait_names
        if key.startswith(_TRAIT) and value == 'required':
            evidence = Evidence('image', key, value)
            groups.required[key.removeprefix(_TRAIT)] = evidence
    further = list(_further(flavor, image))
    if pinning:
        further += _pin(groups, flavor, image)
    groups.add_defaults(flavor, volume)
    return ResourceRequest(
        amounts={name: n for name, n in groups.amounts.items() if n},
        sources=groups.sources,
        required=groups.required,
        forbidden=groups.forbidden,
        suffixed_amounts=tuple(groups.suffixed_amounts),
        suffixed_traits=tuple(groups.suffixed_traits),
        further=tuple(further),
    )


class _Groups:
    """Request groups while they are put together."""

    def __init__(self) -> None:
        self.amounts: dict[str, int] = {}
        self.sources: dict[str, Evidence] = {}
        self.required: dict[str, Evidence] = {}
        self.forbidden: dict[str, Evidence] = {}
        self.suffixed_amounts: list[Evidence] = []
        self.suffixed_traits: list[Evidence] = []
        self._named: set[str] = set()

    def add(self, key: str, value: str) -> None:
        """Add an extra spec; one that nova would ignore is ignored."""
        match = _KEY.fullmatch(key)
        if match is None:
            return
        prefix, suffix, name = match.groups()
        evidence = Evidence('flavor', key, value)
        if prefix == 'trait':
            if value not in ('required', 'forbidden'):
                return
            if suffix:
                self.suffixed_traits.append(evidence)
            elif value == 'required':
                self.required[name] = evidence
            else:
                self.forbidden[name] = evidence
        elif value.isdecimal():
            if not suffix:
                self.ask(name, _amount(value), evidence)
                return
            self._named.add(name)
            if _amount(value):
                self.suffixed_amounts.append(evidence)

    def ask(self, name: str, amount: int, evidence: Evidence) -> None:
        """Ask for an amount, in place of one that was asked before."""
        self._named.add(name)
        self.amounts[name] = amount
        self.sources[name] = evidence

    def add_defaults(self, flavor: Flavor, volume: bool) -> None:
        """Add what the flavor has, unless something else is asked for."""
        disk = flavor.ephemeral_gb + math.ceil(flavor.swap_mb / 1024)
        if not volume:
            disk += flavor.disk_gb
        if self._named.isdisjoint(('VCPU', 'PCPU')):
            self.amounts['VCPU'] = flavor.vcpus
        for name, amount in (
            ('MEMORY_MB', flavor.memory_mb),
            ('DISK_GB', disk),
        ):
            if name not in self._named:
                self.amounts[name] = amount


def _amount(value: str) -> int:
    """Read a decimal number; of one too long, one that no host has either."""
    return int(value[:-_DIGITS].lstrip('0')[:_DIGITS] + value[-_DIGITS:])


def _pin(
    groups: _Groups, flavor: Flavor, image: Mapping[str, object]
) -> Iterator[Evidence]:
    """Ask for dedicated CPUs, as ``_translate_pinning_policies`` does.

    :returns: what only one of nova's two requests asks for
    """
    policy, evidence = _setting('cpu_policy', flavor, image)
    if evidence is not None and policy in ('dedicated', 'mixed'):
        dedicated = flavor.vcpus
        if policy == 'mixed':
            dedicated = _dedicated(flavor, image)
            groups.ask('VCPU', flavor.vcpus - dedicated, evidence)
        threads = flavor.extra_specs.get('hw:emulator_threads_policy')
        groups.ask('PCPU', dedicated + (threads == 'isolate'), evidence)
    policy_of_threads, evidence = _setting('cpu_thread_policy', flavor, image)
    traits = {
        'isolate': groups.forbidden,
        'require': groups.required,
    }.get(str(policy_of_threads))
    if traits is None or evidence is None:
        return
    if policy == 'dedicated':
        yield evidence
    else:
        traits.setdefault(_HYPERTHREADING, evidence)


def _setting(
    name: str, flavor: Flavor, image: Mapping[str, object]
) -> tuple[object, Evidence | None]:
    """Return a setting and where it stands; nova asks the flavor first."""
    for place, settings, key in (
        ('flavor', flavor.extra_specs, f'hw:{name}'),
        ('image', image, f'hw_{name}'),
    ):
        if value := settings.get(key):
            return value, Evidence(place, key, str(value))
    return None, None


def _dedicated(flavor: Flavor, image: Mapping[str, object]) -> int:
    """Return how many CPUs of a mixed server are dedicated."""
    specs = flavor.extra_specs
    mask: object = specs.get('hw:cpu_dedicated_mask')
    if not mask:
        if str(specs.get('hw:cpu_realtime')).lower() not in _YES:
            return 0
        # Here nova asks the image first.
        mask = image.get('hw_cpu_realtime_mask') or specs.get(
            'hw:cpu_realtime_mask'
        )
        if not mask:
            return flavor.vcpus
    try:
        return len(_cpus(str(mask), flavor.vcpus))
    except ValueError:
        # nova-api refuses such a request.
        return 0


def _cpus(mask: str, vcpus: int) -> set[int]:
    """Read ``1-4,^3``, as ``nova.virt.hardware.parse_cpu_spec`` does.

    :raises ValueError: if it cannot be read
    """
    chosen: set[int] = set()
    left_out: set[int] = set()
    if mask.strip().startswith('^'):
        # All but some.
        chosen.update(range(min(vcpus, _MOST_CPUS)))
    for rule in filter(None, map(str.strip, mask.split(','))):
        first, _, last = rule.removeprefix('^').partition('-')
        if not first:
            continue
        cpus = range(_cpu(first), _cpu(last or first) + 1)
        (left_out if rule.startswith('^') else chosen).update(cpus)
    return chosen - left_out


def _cpu(number: str) -> int:
    """Read the number of a CPU.

    :raises ValueError: if it is none that a server can have
    """
    cpu = int(number)
    if not 0 <= cpu < _MOST_CPUS:
        raise ValueError(f'no server has a CPU {cpu}')
    return cpu


def _further(
    flavor: Flavor, image: Mapping[str, object]
) -> Iterator[Evidence]:
    for name, values in _FURTHER.items():
        for place, settings, key in (
            ('flavor', flavor.extra_specs, name),
            ('image', image, name.replace(':', '_')),
        ):
            value = str(settings.get(key) or '').lower()
            if value in values if values else value not in _NO:
                yield Evidence(place, key, str(settings[key]))
