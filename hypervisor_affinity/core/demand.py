# SPDX-License-Identifier: Apache-2.0
"""What a request asks of a hypervisor, and the signs that say so."""

import dataclasses
import enum
from collections.abc import Iterator, Mapping

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Problem
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import written

NAMESPACE = 'hypervisor_affinity:'
HYPERVISOR_TYPE_SPEC = NAMESPACE + 'hypervisor_type'
PREFERRED_SPEC = NAMESPACE + 'preferred'
ANY_HYPERVISOR = 'any'

_VMWARE = frozenset({hypervisor.VMWARE})
_KVM = frozenset({hypervisor.KVM})
_NOTHING: frozenset[str] = frozenset()
_DISK_TYPES = frozenset(map(str.lower, properties.DISK_TYPES))


def is_any(value: object) -> bool:
    """Tell whether a flavor allows any hypervisor in so many words."""
    return str(value).strip().lower() == ANY_HYPERVISOR


class Strength(enum.IntEnum):
    """How much a sign weighs; a lower number overrides a higher one."""

    SERVER = 0
    """A move: the disk has the format of the hypervisor it runs on."""

    FLAVOR = 1
    """The flavor names a hypervisor."""

    IMAGE = 2
    """The image names a hypervisor."""

    DRIVER = 3
    """The image sets something that only the vSphere driver reads."""

    FORMAT = 4
    """What the image's formats and devices suggest."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sign:
    """One thing in a request that bears on the hypervisor.

    :ivar requires: the families it asks for; None if it asks for none
    :ivar forbids: families that cannot run this at all. What cannot run is
        never overridden, whatever asks for it.
    """

    strength: Strength
    evidence: Evidence
    requires: frozenset[str] | None = None
    forbids: frozenset[str] = _NOTHING


@dataclasses.dataclass(frozen=True, slots=True)
class Demand:
    """What a request asks of a hypervisor.

    :ivar required: the families that will do; None if any will
    :ivar impossible: families that cannot boot it
    :ivar preferred: the flavor's own order; empty for the operator's order
    :ivar properties: aggregate metadata key -> spellings of the image's
        value, for the properties that aggregates may constrain
    :ivar because: the signs that led to ``required`` or to ``refusal``
    :ivar signs: every sign found, strongest first
    :ivar refusal: why no host can ever do; None if one might
    :ivar rebuild: the host is settled; only whether it can run this counts
    :ivar problems: what could not be read
    """

    required: frozenset[str] | None = None
    impossible: frozenset[str] = _NOTHING
    preferred: tuple[str, ...] = ()
    properties: Mapping[str, tuple[str, ...]] = dataclasses.field(
        default_factory=dict
    )
    because: tuple[Sign, ...] = ()
    signs: tuple[Sign, ...] = ()
    refusal: Reason | None = None
    rebuild: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def is_flexible(self) -> bool:
        """Whether more than one family would do."""
        return self.required is None or len(self.required) > 1

    @property
    def forbidding(self) -> tuple[Sign, ...]:
        """The signs that make families impossible."""
        return tuple(sign for sign in self.signs if sign.forbids)


def classify(
    image: Mapping[str, object],
    extra_specs: Mapping[str, str],
    policy: Policy,
    *,
    volume: bool = False,
    runs_on: frozenset[str] | None = None,
    rebuild: bool = False,
) -> Demand:
    """Turn an image and a flavor into a demand.

    :param image: image properties, raw or by nova's names, in one flat
        mapping with ``disk_format`` and ``container_format``; empty for a
        server booted from a volume that knows no image
    :param extra_specs: the flavor's extra specs
    :param volume: whether the server boots from a volume: then the image's
        formats, if it has an image, rule out nothing on KVM, since Cinder
        writes the disk
    :param runs_on: for a move, the families that the server's disk is for;
        None for a boot, or where that is undetermined
    :param rebuild: whether the server stays on its host
    """
    found = properties.normalize(image)
    problems: list[Problem] = []
    flavor = _flavor_sign(extra_specs, problems)
    signs = (*flavor, *_image_signs(found, policy, volume))
    if runs_on:
        server = Sign(
            Strength.SERVER,
            Evidence('server', f'runs on {hypervisor.title(runs_on)}'),
            requires=runs_on,
        )
        signs = (server, *signs)
        required, because, refusal = _agreed(
            (server, *flavor), Reason.LEAVES_HYPERVISOR
        )
        impossible = _NOTHING
    else:
        impossible = _NOTHING.union(*(sign.forbids for sign in signs))
        required, because, refusal = _strongest(signs, impossible)
        if refusal is None and required is not None:
            bootable = required - impossible
            if not bootable:
                refusal = Reason.CANNOT_BOOT
            required = bootable or required
    return Demand(
        required=required,
        impossible=impossible,
        preferred=_preferred(extra_specs, problems),
        properties=properties.constrained(found),
        because=because,
        signs=signs,
        refusal=refusal,
        rebuild=rebuild,
        problems=tuple(problems),
    )


UNREADABLE = Demand(required=_NOTHING, refusal=Reason.UNREADABLE_REQUEST)
"""The demand of a request that could not be read: no host will do."""


_Decision = tuple[frozenset[str] | None, tuple[Sign, ...], Reason | None]


def _strongest(
    signs: tuple[Sign, ...], impossible: frozenset[str]
) -> _Decision:
    explicit = tuple(s for s in signs if s.strength <= Strength.IMAGE)
    if explicit:
        return _agreed(explicit, Reason.CONTRADICTORY_SIGNS)
    driver = tuple(
        s for s in signs if s.strength is Strength.DRIVER and s.requires
    )
    if driver:
        return _VMWARE, driver, None
    # A format only suggests: another sign that rules the family out is a
    # better one.
    formats = tuple(
        s for s in signs if s.requires and not s.requires & impossible
    )
    return (_VMWARE, formats, None) if formats else (None, (), None)


def _agreed(signs: tuple[Sign, ...], otherwise: Reason) -> _Decision:
    """Intersect what signs require; a sign that requires None agrees."""
    naming = tuple(sign for sign in signs if sign.requires is not None)
    if not naming:
        return None, signs, None
    unreadable = tuple(sign for sign in naming if not sign.requires)
    if unreadable:
        return _NOTHING, unreadable, Reason.UNREADABLE_SIGN
    required = frozenset.intersection(*(s.requires for s in naming))
    return required, naming, None if required else otherwise


def _flavor_sign(
    extra_specs: Mapping[str, str], problems: list[Problem]
) -> tuple[Sign, ...]:
    for key in extra_specs:
        if key.startswith(NAMESPACE) and key not in (
            HYPERVISOR_TYPE_SPEC,
            PREFERRED_SPEC,
        ):
            evidence = Evidence('flavor', written(key, extra_specs[key]))
            problems.append(Problem(evidence, 'is no extra spec; ignored'))
    value = extra_specs.get(HYPERVISOR_TYPE_SPEC)
    if value is None:
        return ()
    evidence = Evidence('flavor', written(HYPERVISOR_TYPE_SPEC, value))
    if is_any(value):
        return (Sign(Strength.FLAVOR, evidence),)
    named = hypervisor.read_list(value)
    if named.complaint:
        left = 'refused'
        if named.families:
            left = f'{hypervisor.title(named.families)} remains'
        problems.append(Problem(evidence, f'{named.complaint}; {left}'))
    requires = frozenset(named.families)
    return (Sign(Strength.FLAVOR, evidence, requires=requires),)


def _preferred(
    extra_specs: Mapping[str, str], problems: list[Problem]
) -> tuple[str, ...]:
    value = extra_specs.get(PREFERRED_SPEC)
    if value is None:
        return ()
    named = hypervisor.read_list(value)
    if named.complaint:
        evidence = Evidence('flavor', written(PREFERRED_SPEC, value))
        order = ', '.join(named.families) or "the operator's"
        problems.append(
            Problem(evidence, f'{named.complaint}; the order is {order}')
        )
    return named.families


def _image_signs(
    found: Mapping[str, object], policy: Policy, volume: bool
) -> Iterator[Sign]:
    named = found.get('img_hv_type')
    if named is not None:
        family = hypervisor.canonicalize(named)
        yield Sign(
            Strength.IMAGE,
            _evidence('img_hv_type', named),
            requires=frozenset({family} if family else ()),
        )
    yield from _driver_signs(found)
    yield from _format_signs(found, policy, volume)


def _driver_signs(found: Mapping[str, object]) -> Iterator[Sign]:
    proofs = (
        ('hw_disk_type', lambda value: value.lower() in _DISK_TYPES),
        ('img_linked_clone', lambda value: True),
        ('img_version', lambda value: True),
        ('os_distro', properties.is_guest_id),
        ('hw_scsi_model', lambda value: value == 'buslogic'),
        ('hw_vif_model', lambda value: value == 'vmxnet'),
    )
    for name, proves in proofs:
        if name in found and proves(str(found[name])):
            evidence = _evidence(name, found[name])
            yield Sign(Strength.DRIVER, evidence, requires=_VMWARE)


def _format_signs(
    found: Mapping[str, object], policy: Policy, volume: bool
) -> Iterator[Sign]:
    if str(found.get('container_format')).lower() == 'ova':
        # libvirt would take the archive itself for the disk.
        yield Sign(
            Strength.DRIVER,
            _evidence('container_format', 'ova'),
            requires=_VMWARE,
            forbids=_NOTHING if volume else _KVM,
        )
    disk_format = str(found.get('disk_format', '')).lower()
    if disk_format:
        evidence = _evidence('disk_format', disk_format)
        if disk_format not in properties.VSPHERE_DISK_FORMATS:
            # Of a volume, too, that nova makes of the image: the vSphere
            # driver looks at the image first (vmops.VMwareVMOps.spawn).
            yield Sign(Strength.FORMAT, evidence, forbids=_VMWARE)
        elif disk_format != 'iso' and policy.vmdk_images == hypervisor.VMWARE:
            yield Sign(Strength.FORMAT, evidence, requires=_VMWARE)
    if found.get('hw_vif_model') == 'virtio':
        evidence = _evidence('hw_vif_model', 'virtio')
        yield Sign(Strength.FORMAT, evidence, forbids=_VMWARE)


def _evidence(name: str, value: object) -> Evidence:
    return Evidence('image', properties.shown(name, value))
