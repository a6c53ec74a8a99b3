# SPDX-License-Identifier: Apache-2.0
"""What one might set, so that an image can run: each is to be tried."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import image_meta
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.policy import VmdkImages
from hypervisor_affinity.core.signs import ANY_HYPERVISOR
from hypervisor_affinity.core.signs import HYPERVISOR_TYPE_SPEC
from hypervisor_affinity.core.signs import Sign
from hypervisor_affinity.operations.classification.trial import FACTS
from hypervisor_affinity.operations.classification.trial import Trial
from hypervisor_affinity.operations.classification.trial import names_that_set
from hypervisor_affinity.operations.classification.trial import where_it_runs

# What a guest can be given in another way.
_HARDWARE = ('hw_disk_bus', 'hw_scsi_model', 'hw_vif_model')

# What to convert a disk to, for each hypervisor.
_CONVERTED = {hypervisor.KVM: 'qcow2', hypervisor.VMWARE: 'vmdk'}


class Try(NamedTuple):
    """Something that one might set.

    :ivar request: as it would be then
    """

    setting: str
    request: Trial
    owners: bool = True


def mildest_first(request: Trial, demand: Demand) -> Iterator[Try]:
    """Yield what one might set, the mildest first."""
    yield Try('', request)
    for family in (hypervisor.KVM, hypervisor.VMWARE):
        yield _set_type(request, family)
    concerned = demand.required or demand.impossible
    against = demand.against(concerned)
    yield from _replace_disk_types(request, against, concerned)
    yield from _replace_hardware(request, against, concerned)
    for signs in (against, demand.because, (*demand.because, *against)):
        names = _set_by(request, signs)
        if names:
            yield Try(
                f'remove image property {", ".join(names)}',
                request.without(names),
            )
    for value in (ANY_HYPERVISOR, hypervisor.KVM, hypervisor.VMWARE):
        yield Try(
            f'set flavor extra spec {HYPERVISOR_TYPE_SPEC}={value}',
            dataclasses.replace(
                request,
                extra_specs={
                    **request.extra_specs,
                    HYPERVISOR_TYPE_SPEC: value,
                },
            ),
            owners=False,
        )
    if request.policy.vmdk_images != VmdkImages.FLEXIBLE:
        yield Try(
            'set option [hypervisor_affinity] vmdk_images=flexible, for '
            'all VMDK images',
            dataclasses.replace(
                request,
                policy=dataclasses.replace(
                    request.policy, vmdk_images=VmdkImages.FLEXIBLE
                ),
            ),
            owners=False,
        )
    for family in _CONVERTED:
        yield _convert(request, family)


def _set_type(request: Trial, family: Family) -> Try:
    name = _first_name(request, 'img_hv_type', 'hypervisor_type')
    return Try(
        f'set image property {name}={family}',
        request.with_properties(**{name: family}),
    )


def _convert(request: Trial, family: Family) -> Try:
    disk_format = _CONVERTED[family]
    return Try(
        f'convert the image to {disk_format}',
        request.with_properties(
            disk_format=disk_format, container_format='bare'
        ),
    )


def together(request: Trial) -> Iterator[Try]:
    """Yield all that has to be corrected for one hypervisor, for each."""
    for family in _CONVERTED:
        tries = [
            _correct('', request, family),
            _correct(*_set_type(request, family)[:2], family),
        ]
        yield from [
            one for one in tries if one.request.with_guest_id()[1].runs()
        ][:1]


def _correct(setting: str, request: Trial, family: Family) -> Try:
    """Correct all that speaks against a hypervisor.

    :param setting: what was set before, in a clause; '' for nothing
    """
    concerned = frozenset({family})
    settings = [setting] if setting else []
    facts = [s for s in request.demand().against(concerned) if _is_fact(s)]
    if any(
        s.name in (*properties.FORMAT_NAMES, 'hw_disk_type') for s in facts
    ):
        setting, request, _ = _convert(request, family)
        settings.append(setting)
    # What else is wrong must not keep a right disk type from being found.
    against = request.demand().against(concerned)
    stripped = request.without(
        name
        for sign in against
        if sign.name in _HARDWARE
        for name in _names_with_bus(request, sign)
    )
    for found in _replace_disk_types(stripped, against, concerned):
        settings.append(found.setting)
        name = _first_name(request, 'hw_disk_type', 'vmware_disktype')
        request = request.with_properties(**{name: found.request.image[name]})
    against = request.demand().against(concerned)
    for found in _replace_hardware(request, against, concerned):
        settings.append(found.setting)
        request = found.request
    return Try(', and '.join(settings), request)


def _replace_disk_types(
    request: Trial, against: tuple[Sign, ...], concerned: frozenset[Family]
) -> Iterator[Try]:
    """Yield the right disk types, where the image has one that is none."""
    signs = [sign for sign in against if sign.name == 'hw_disk_type']
    if not any(hypervisor.VMWARE in s.excludes & concerned for s in signs):
        return
    name = _first_name(request, 'hw_disk_type', 'vmware_disktype')
    tried = {
        value: request.with_properties(**{name: value}).with_guest_id()[1]
        for value in vmware.DISK_TYPES
    }
    running = {value: then for value, then in tried.items() if then.runs()}
    if not running:
        return
    outcome = where_it_runs(next(iter(running.values())).demand())
    values = [
        v for v in running if where_it_runs(running[v].demand()) == outcome
    ]
    yield Try(
        f'set image property {name} to {_one_of(values)}',
        request.with_properties(**{name: values[0]}),
    )


def _replace_hardware(
    request: Trial, against: tuple[Sign, ...], concerned: frozenset[Family]
) -> Iterator[Try]:
    """Yield other hardware in place of what a driver refuses.

    :param concerned: the families whose drivers matter
    """
    signs = [sign for sign in against if sign.name in _HARDWARE]
    removed = {sign.name: _names_with_bus(request, sign) for sign in signs}
    without = request.without(itertools.chain(*removed.values()))
    if signs and without.with_guest_id()[1].runs():
        parts = [
            _in_place_of(
                sign.name,
                sign.excludes & concerned,
                removed[sign.name],
                request.image,
                without,
            )
            for sign in signs
        ]
        yield Try(', and '.join(parts), without)


def _names_with_bus(request: Trial, sign: Sign) -> tuple[str, ...]:
    """Return the names of what is removed for a sign.

    A SCSI bus without a model of its own is no better to the vSphere driver
    than one with a model that it does not know.
    """
    names = names_that_set(request.image, sign.name)
    if sign.name != 'hw_scsi_model':
        return names
    buses = names_that_set(request.image, 'hw_disk_bus')
    return tuple(dict.fromkeys((*names, *buses)))


def _in_place_of(
    novas: str,
    refusing: frozenset[Family],
    names: tuple[str, ...],
    image: Mapping[str, str],
    without: Trial,
) -> str:
    """Say what can be set for what was removed.

    :param novas: nova's name of it
    :param refusing: the families whose drivers refuse it
    :param names: what was removed, first that which the owner may set again
    :param image: as it is
    """
    name, *others = names
    removing = f'remove {" and ".join(names)}'
    rows = [drivers.TABLES[f].row(novas) for f in refusing]
    outcome = where_it_runs(without.demand())
    others_kept = without.with_properties(
        **{other: image[other] for other in others}
    )
    values = [
        value
        for value in _choices(name)
        if all(row.takes.has(_read(name, value, novas)) for row in rows)
        and where_it_runs(
            others_kept.with_properties(**{name: value}).demand()
        )
        == outcome
    ]
    if not values:
        return f'{removing} from the image'
    return f'set image property {name} to {_one_of(values)}, or {removing}'


def _choices(name: str) -> list[str]:
    """Return the values that nova-api lets pass, as an owner would write."""
    if name == 'vmware_adaptertype':
        return list(properties.ADAPTER_TYPES.values())
    return sorted(image_meta.CHOICES[name])


def _read(name: str, value: str, novas: str) -> str:
    """Return what nova makes of a value, by its name of the property."""
    return str(properties.normalize({name: value})[novas])


def _one_of(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f'one of {", ".join(values)}'


def _first_name(request: Trial, novas: str, raw: str) -> str:
    """Return the name by which nova would read a property."""
    return raw if request.image.get(novas) is None else novas


def _is_fact(sign: Sign) -> bool:
    """Tell whether a sign says what is so, whatever is set.

    Of a VMDK, a flat disk type says that its content is an extent alone, which
    KVM cannot read.
    """
    return sign.name in FACTS or (
        sign.name == 'hw_disk_type' and hypervisor.KVM in sign.excludes
    )


def _set_by(request: Trial, signs: Iterable[Sign]) -> list[str]:
    """Return the names of the properties behind signs that can be removed."""
    return sorted(
        {
            own
            for sign in signs
            if sign.name and not _is_fact(sign)
            for own in names_that_set(request.image, sign.name)
        }
    )
