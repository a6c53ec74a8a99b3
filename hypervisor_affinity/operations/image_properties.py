# SPDX-License-Identifier: Apache-2.0
"""What nova's ``ImagePropertiesFilter`` makes of an image on a host.

The filter compares what an image asks for with the ``supported_instances``
of a host, in nova's exact words. nova's API does not tell these: then the
table of the host's driver does, as far as they are no matter of the host.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

from oslo_utils import versionutils

from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.drivers import CONCLUSIVE_TYPES
from hypervisor_affinity.core.drivers import TABLES
from hypervisor_affinity.core.drivers.table import Table
from hypervisor_affinity.core.reason import Evidence

# What the drivers with tables report; of libvirt, for QEMU.
_VM_MODES = ('hvm',)

# nova.objects.fields.HVType.canonicalize and VMMode.canonicalize
_TYPES = {'xapi': 'xen'}
_MODES = {'pv': 'xen', 'hv': 'hvm', 'baremetal': 'hvm'}

_VERSION = ('img_hv_requested_version', 'hypervisor_version_requires')


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing an image with a host.

    :ivar differences: what the image asks for, and what the driver supports
        instead; empty if the host passes
    :ivar undetermined: what the image asks for and nobody tells of the host
    """

    differences: tuple[Evidence, ...] = ()
    undetermined: tuple[Evidence, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class _Asked:
    """What an image asks for.

    :ivar value: in nova's words
    """

    value: str
    evidence: Evidence


class _Supported(NamedTuple):
    """What a host's driver supports.

    :ivar certain: this for sure
    :ivar possible: nothing else; None if anything
    """

    certain: Collection[str] = ()
    possible: Collection[str] | None = None


def whether(source: Evidence, doubt: str) -> Evidence:
    """Return what nobody tells, with what asks for it.

    :param doubt: the end of a sentence that begins with whether
    """
    return Evidence(source.place, f'{source.text}: whether {doubt}')


def compare(image: Mapping[str, object], host: Host) -> Comparison:
    """Compare as the filter does.

    :param image: Glance's properties, or nova's, or a mix; empty for none
    """
    pairs = [(asked, supported(host)) for asked, supported in _asked(image)]
    if not pairs:
        # Nor does the filter ask for a version then.
        return Comparison()
    differences: list[Evidence] = []
    undetermined: list[Evidence] = []
    for asked, (certain, possible) in pairs:
        if asked.value in certain:
            continue
        if possible is None or asked.value in possible:
            undetermined.append(
                whether(asked.evidence, f'the driver supports {asked.value}')
            )
        else:
            # Where a host may have less, no more is said.
            most = '' if set(possible) <= set(certain) else 'at most '
            text = f'supports {most}{", ".join(possible)}'
            differences += (asked.evidence, Evidence('driver', text))
    version = _first(image, *_VERSION)
    if version and not host.hypervisor_version:
        undetermined.append(
            whether(version.evidence, 'its version is one of these')
        )
    elif version and not _is_of(version.value, host.hypervisor_version):
        found = str(host.hypervisor_version)
        driver = Evidence('driver', 'hypervisor_version', found)
        differences += (version.evidence, driver)
    if bits := _first(image, 'hw_maxphysaddr_bits'):
        undetermined.append(whether(bits.evidence, 'its CPU has as many'))
    return Comparison(
        tuple(dict.fromkeys(differences)),
        () if differences else tuple(undetermined),
    )


def _asked(
    image: Mapping[str, object],
) -> Iterator[tuple[_Asked, Callable[[Host], _Supported]]]:
    found = properties.normalize(image)
    for name, aliases, supported in (
        ('img_hv_type', _TYPES, _types),
        ('hw_architecture', {}, _architectures),
    ):
        if name in found:
            value = str(found[name]).lower()
            evidence = properties.as_set(name, image)
            yield _Asked(aliases.get(value, value), evidence), supported
    mode = _first(image, 'hw_vm_mode', 'vm_mode')
    if mode:
        value = mode.value.lower()
        yield (
            dataclasses.replace(mode, value=_MODES.get(value, value)),
            _vm_modes,
        )


def _first(image: Mapping[str, object], *names: str) -> _Asked | None:
    for name in names:
        if value := image.get(name):
            value = str(value)
            return _Asked(value, Evidence('image', name, value))
    return None


def _types(host: Host) -> _Supported:
    if host.supported:
        return _Supported(host.supported, host.supported)
    table = _table(host)
    if table is None:
        return _Supported()
    # A driver that supports different architectures on different hosts does
    # so with types, too: without usable /dev/kvm, libvirt has qemu alone.
    certain = table.guest_types if table.architectures else ()
    return _Supported(certain, table.guest_types)


def _architectures(host: Host) -> _Supported:
    table = _table(host)
    if table and table.architectures:
        return _Supported(table.architectures, table.architectures)
    # The architecture that the host itself has; what it can emulate besides
    # may well be only for some of its types.
    prefix = 'HW_ARCH_'
    return _Supported(
        [
            trait.removeprefix(prefix).lower()
            for trait in host.traits
            if trait.startswith(prefix)
        ]
    )


def _vm_modes(host: Host) -> _Supported:
    return _Supported(_VM_MODES, _VM_MODES) if _table(host) else _Supported()


def _table(host: Host) -> Table | None:
    family = CONCLUSIVE_TYPES.get(host.hypervisor_type or '')
    return None if family is None else TABLES.get(family)


def _is_of(predicate: str, version: int) -> bool:
    try:
        return versionutils.VersionPredicate(predicate).satisfied_by(
            versionutils.convert_version_to_str(version)
        )
    except ValueError:
        # nova-api refuses all requests with such an image.
        return False
