# SPDX-License-Identifier: Apache-2.0
"""The things in a request that bear on the hypervisor."""

import dataclasses
import enum
from collections.abc import Iterator, Mapping

from hypervisor_affinity.core import capabilities
from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import nearness
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.drivers.table import has_format
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.policy import VmdkImages
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Problem

NAMESPACE = 'hypervisor_affinity:'
HYPERVISOR_TYPE_SPEC = NAMESPACE + 'hypervisor_type'
PREFERRED_SPEC = NAMESPACE + 'preferred'
ANY_HYPERVISOR = 'any'

_VMWARE = frozenset({hypervisor.VMWARE})


def is_any(value: object) -> bool:
    """Tell whether a flavor explicitly allows any hypervisor."""
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
    """The image sets what only one hypervisor's driver takes."""

    FORMAT = 4
    """What the image's format suggests, or what drivers refuse of it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sign:
    """One thing in a request that bears on the hypervisor.

    :ivar requires: the families it asks for; None if it asks for none
    :ivar forbids: families that cannot run this at all -> what the owner can
        do about that. What cannot run is never overridden, whatever asks for
        it.
    :ivar unfit: families on which it would fail although nova lets it
        through; likewise. That gives way to whatever asks for them.
    :ivar name: the image property or format, by nova's name; '' if it is
        none
    """

    strength: Strength
    evidence: Evidence
    requires: frozenset[Family] | None = None
    forbids: Mapping[Family, str] = dataclasses.field(default_factory=dict)
    unfit: Mapping[Family, str] = dataclasses.field(default_factory=dict)
    name: str = ''

    @property
    def excludes(self) -> frozenset[Family]:
        """All families that it speaks against."""
        return frozenset({**self.forbids, **self.unfit})

    def remedy(self, families: frozenset[Family]) -> str:
        """Say what the owner can do for it to run on these families.

        :returns: '' if it speaks against none of them
        """
        remedies = {**self.unfit, **self.forbids}
        told = [remedies[each] for each in sorted(self.excludes & families)]
        return ', or '.join(dict.fromkeys(told))


def signs_of_flavor(
    extra_specs: Mapping[str, str], problems: list[Problem]
) -> Iterator[Sign]:
    """Yield the signs of a flavor, in its own words and in nova's.

    :param problems: is given what cannot be read
    """
    yield from _find_in_our_specs(extra_specs, problems)
    yield from _find_in_novas_specs(extra_specs, problems)


def misspelt_spec(key: str) -> str | None:
    """Return the extra spec of ours that a misspelt one was meant to be.

    :returns: as :func:`~hypervisor_affinity.core.nearness.misspelt`
    """
    return nearness.misspelt(key, (HYPERVISOR_TYPE_SPEC, PREFERRED_SPEC))


def _find_in_our_specs(
    extra_specs: Mapping[str, str], problems: list[Problem]
) -> Iterator[Sign]:
    for key in extra_specs:
        meant = misspelt_spec(key)
        if meant is not None:
            consequence = nearness.unknown('extra spec', meant)
            problems.append(Problem(_spec(extra_specs, key), consequence))
    value = extra_specs.get(HYPERVISOR_TYPE_SPEC)
    if value is None:
        return
    evidence = _spec(extra_specs, HYPERVISOR_TYPE_SPEC)
    if is_any(value):
        yield Sign(Strength.FLAVOR, evidence)
        return
    named = hypervisor.read_list(value)
    if named.complaint:
        left = 'refused'
        if named.families:
            left = f'{hypervisor.title(named.families)} remains'
        problems.append(Problem(evidence, f'{named.complaint}; {left}'))
    requires = frozenset(named.families)
    yield Sign(Strength.FLAVOR, evidence, requires=requires)


def _find_in_novas_specs(
    extra_specs: Mapping[str, str], problems: list[Problem]
) -> Iterator[Sign]:
    """Yield what a flavor says in nova's own words."""
    for key in capabilities.HYPERVISOR_TYPE_SPECS:
        if key not in extra_specs:
            continue
        evidence = _spec(extra_specs, key)
        requires = capabilities.families(extra_specs[key])
        if requires:
            yield Sign(Strength.FLAVOR, evidence, requires=requires)
        else:
            problems.append(
                Problem(
                    evidence,
                    'matches nothing that a known driver reports; '
                    'ComputeCapabilitiesFilter decides',
                )
            )


def signs_of_image(
    image: Mapping[str, object],
    found: Mapping[str, object],
    policy: Policy,
    volume: bool,
) -> list[Sign]:
    """Return the signs of an image, strongest first.

    :param image: as its owner has it
    :param found: the same, as
        :func:`hypervisor_affinity.core.properties.normalize` returns it
    :param volume: whether the server boots from a volume
    """
    signs = _find_in_image(image, found, policy, volume)
    return sorted(signs, key=lambda sign: sign.strength)


def _find_in_image(
    image: Mapping[str, object],
    found: Mapping[str, object],
    policy: Policy,
    volume: bool,
) -> Iterator[Sign]:
    named = found.get('img_hv_type')
    if named is not None:
        family = hypervisor.canonicalize(named)
        yield Sign(
            Strength.IMAGE,
            properties.as_set('img_hv_type', image),
            requires=frozenset({family} if family else ()),
            name='img_hv_type',
        )
    for name in drivers.PROPERTIES:
        if name not in found:
            continue
        answer = drivers.ask(name, found, volume)
        requires, strength = answer.requires, Strength.DRIVER
        if requires is None:
            strength = Strength.FORMAT
            if name == 'disk_format' and _means_vmware(found, policy):
                requires = _VMWARE
        if requires or answer.forbids or answer.unfit:
            yield Sign(
                strength,
                properties.as_set(name, image),
                requires,
                answer.forbids,
                answer.unfit,
                name,
            )


def _means_vmware(found: Mapping[str, object], policy: Policy) -> bool:
    # Both drivers boot some VMDK images, and no image says which it is.
    is_vmdk = has_format(found, 'disk_format', 'vmdk')
    return is_vmdk and policy.vmdk_images == VmdkImages.VMWARE


def _spec(extra_specs: Mapping[str, str], key: str) -> Evidence:
    return Evidence('flavor', key, str(extra_specs[key]))
