# SPDX-License-Identifier: Apache-2.0
"""What an image asks of a hypervisor, why, and what would change it."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from hypervisor_affinity.cloud.adapters import flat
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import image_meta
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.image_meta import Fate
from hypervisor_affinity.core.image_meta import Treatment
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.policy import VmdkImages
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.core.signs import ANY_HYPERVISOR
from hypervisor_affinity.core.signs import HYPERVISOR_TYPE_SPEC
from hypervisor_affinity.core.signs import Sign
from hypervisor_affinity.operations import image_spelling as spelling

# What a guest can be given in another way.
_HARDWARE = ('hw_disk_bus', 'hw_scsi_model', 'hw_vif_model')

# What says what the guest is: without it nothing is told, and nothing mended.
_FACTS = (
    *properties.FORMAT_NAMES,
    'hw_architecture',
    'hw_emulation_architecture',
)

# What to convert a disk to, for each hypervisor.
_CONVERTED = {hypervisor.KVM: 'qcow2', hypervisor.VMWARE: 'vmdk'}

_MEASURED = frozenset(f for f, table in drivers.TABLES.items() if table.rows)


class Change(NamedTuple):
    """Something to set, and what the image would ask then.

    :ivar setting: what to do, in a clause
    :ivar demand: what comes of it, in a clause
    :ivar owners: whether it is for the image's owner; what is set in a flavor
        or an option is not
    """

    setting: str
    demand: str
    owners: bool = True


class Classification(NamedTuple):
    """The answer.

    :ivar treatments: what nova does with each property
    :ivar changes: each was tried, and changes where the image can run
    """

    demand: Demand
    treatments: tuple[Treatment, ...]
    changes: tuple[Change, ...]

    @property
    def refused(self) -> tuple[Treatment, ...]:
        """The properties for which nova-api refuses the image."""
        return tuple(t for t in self.treatments if t.fate is Fate.REFUSED)


class _Request(NamedTuple):
    image: Mapping[str, str]
    extra_specs: Mapping[str, str]
    policy: Policy

    def demand(self) -> Demand:
        return classify(self.image, self.extra_specs, self.policy)

    def with_properties(self, **changed: str) -> '_Request':
        return self._replace(image={**self.image, **changed})

    def without(self, names: Iterable[str]) -> '_Request':
        names = set(names)
        left = {n: v for n, v in self.image.items() if n not in names}
        return self._replace(image=left)


class _Try(NamedTuple):
    """Something that one might set.

    :ivar request: as it would be then
    """

    setting: str
    request: _Request
    owners: bool = True


def classify_image(
    image: Image, flavor: Flavor | None, policy: Policy
) -> Classification:
    """Classify an image, with a flavor or without."""
    request = _Request(
        flat(image), flavor.extra_specs if flavor else {}, policy
    )
    treatments = image_meta.treat(image.properties)
    treatments += [Treatment(name, '', Fate.DROPPED) for name in image.dropped]
    return Classification(
        request.demand(), tuple(treatments), tuple(_changes(request))
    )


def _changes(request: _Request) -> list[Change]:
    """Return what changes where a request can run, the mildest first."""
    corrections = _corrections(request.image)
    base = request.without(corrections).with_properties(
        **{name: right for name, right in corrections.items() if right}
    )
    demand = base.demand()
    changes: list[Change] = []
    runs = not corrections and _is_sound(demand)
    outcomes = {_outcome(demand)} if runs else set()
    owners_outcomes = set(outcomes)

    def consider(tries: Iterable[_Try]) -> None:
        for setting, changed, owners in tries:
            guest_id, complete = _with_guest_id(changed)
            found = complete.demand()
            parts = (*_in_words(corrections, changed.image), setting, guest_id)
            text = ', and '.join(filter(None, parts))
            # The first way to an outcome is the mildest; but what only an
            # operator can do is none for an owner.
            known = owners_outcomes if owners else outcomes
            if text and _runs(complete) and _outcome(found) not in known:
                outcomes.add(_outcome(found))
                if owners:
                    owners_outcomes.add(_outcome(found))
                changes.append(Change(text, demand_text(found), owners))

    consider(_tries(base, demand))
    if not runs and not any(change.owners for change in changes):
        consider(_together(base))
    return changes


def _corrections(image: Mapping[str, str]) -> dict[str, str | None]:
    """Return what has to be corrected before any host takes an image.

    :returns: property -> the right value, or None to remove it, where nobody
        can tell which one is right
    """
    own = {n: v for n, v in image.items() if n not in properties.FORMAT_NAMES}
    right = spelling.respelled(own)
    wrong = {
        name: right.get(name)
        for name in spelling.refused(own)
        if name in right or properties.NOVA_NAMES.get(name, name) not in _FACTS
    }
    name = 'img_hv_type' if 'img_hv_type' in own else 'hypervisor_type'
    if own.get(name) and name not in wrong:
        reported = spelling.reported_instead(own[name])
        wrong |= {name: reported[0]} if reported else {}
    return wrong


def _in_words(
    corrections: Mapping[str, str | None], image: Mapping[str, str]
) -> list[str]:
    """Say which corrections an image has, each in a clause."""
    return [
        f'set image property {written(name, right)}'
        if right
        else f'remove image property {name}'
        for name, right in corrections.items()
        if image.get(name) == right
    ]


def _with_guest_id(request: _Request) -> tuple[str, _Request]:
    """Give a request a guest id, if nothing else keeps it from running.

    :returns: what to do, in a clause, '' if nothing; and the request then
    """
    if {sign.name for sign in unfit(request.demand())} != {'os_distro'}:
        return '', request
    name = names_that_set(request.image, 'os_distro')[0]
    if known := spelling.value(name, request.image[name]):
        return (
            f'set image property {written(name, known)}',
            request.with_properties(**{name: known}),
        )
    # Which guest id it is, only the owner knows; they all do the same.
    return (
        f'set image property {name} to the guest id of its system',
        request.with_properties(**{name: 'otherGuest'}),
    )


def _runs(request: _Request) -> bool:
    """Tell whether a request could run, nova-api and all."""
    own = request.without(properties.FORMAT_NAMES).image
    return _is_sound(request.demand()) and not spelling.refused(own)


def names_that_set(image: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the names by which an image sets a property.

    :param image: properties, raw or by nova's names
    :param name: nova's
    :returns: the one that nova reads first; then those that it overrides
    """
    return tuple(
        sorted(
            (
                own
                for own, value in image.items()
                if name in properties.normalize({own: value})
            ),
            key=lambda own: own != name,
        )
    )


def runs_nowhere(demand: Demand) -> bool:
    """Tell whether no hypervisor that is known can boot a request.

    That it asks for none distinguishes it from one that is refused.
    """
    return demand.required is None and demand.impossible >= _MEASURED


def _is_sound(demand: Demand) -> bool:
    """Tell whether a request could run."""
    return not (demand.refusal or unfit(demand) or runs_nowhere(demand))


def _outcome(demand: Demand) -> tuple:
    """Return where a request can run."""
    if demand.required is None:
        return None, demand.impossible, demand.refusal
    return demand.required, demand.refusal


def unfit(demand: Demand) -> tuple[Sign, ...]:
    """Return the signs with which a server would fail where it has to run.

    nova does not prevent that.
    """
    required = demand.required or frozenset()
    return tuple(sign for sign in demand.signs if sign.unfit.keys() & required)


def _tries(request: _Request, demand: Demand) -> Iterator[_Try]:
    """Yield what one might set, the mildest first."""
    yield _Try('', request)
    for family in (hypervisor.KVM, hypervisor.VMWARE):
        yield _of_type(request, family)
    concerned = demand.required or demand.impossible
    against = demand.against(concerned)
    yield from _other_disk_types(request, against, concerned)
    yield from _other_hardware(request, against, concerned)
    for signs in (against, demand.because, (*demand.because, *against)):
        names = _set_by(request, signs)
        if names:
            yield _Try(
                f'remove image property {", ".join(names)}',
                request.without(names),
            )
    for value in (ANY_HYPERVISOR, hypervisor.KVM, hypervisor.VMWARE):
        yield _Try(
            f'set flavor extra spec {HYPERVISOR_TYPE_SPEC}={value}',
            request._replace(
                extra_specs={
                    **request.extra_specs,
                    HYPERVISOR_TYPE_SPEC: value,
                }
            ),
            owners=False,
        )
    if request.policy.vmdk_images != VmdkImages.FLEXIBLE:
        yield _Try(
            'set option [hypervisor_affinity] vmdk_images=flexible, for '
            'all VMDK images',
            request._replace(
                policy=dataclasses.replace(
                    request.policy, vmdk_images=VmdkImages.FLEXIBLE
                )
            ),
            owners=False,
        )
    for family in _CONVERTED:
        yield _converted(request, family)


def _of_type(request: _Request, family: Family) -> _Try:
    name = _first_name(request, 'img_hv_type', 'hypervisor_type')
    return _Try(
        f'set image property {name}={family}',
        request.with_properties(**{name: family}),
    )


def _converted(request: _Request, family: Family) -> _Try:
    disk_format = _CONVERTED[family]
    return _Try(
        f'convert the image to {disk_format}',
        request.with_properties(
            disk_format=disk_format, container_format='bare'
        ),
    )


def _together(request: _Request) -> Iterator[_Try]:
    """Yield all that has to be corrected for one hypervisor, for each."""
    for family in _CONVERTED:
        tries = [
            _corrected('', request, family),
            _corrected(*_of_type(request, family)[:2], family),
        ]
        yield from [
            one for one in tries if _runs(_with_guest_id(one.request)[1])
        ][:1]


def _corrected(setting: str, request: _Request, family: Family) -> _Try:
    """Correct all that speaks against a hypervisor.

    :param setting: what was set before, in a clause; '' for nothing
    """
    concerned = frozenset({family})
    settings = [setting] if setting else []
    facts = [s for s in request.demand().against(concerned) if _is_fact(s)]
    if any(
        s.name in (*properties.FORMAT_NAMES, 'hw_disk_type') for s in facts
    ):
        setting, request, _ = _converted(request, family)
        settings.append(setting)
    # What else is wrong must not keep a right disk type from being found.
    against = request.demand().against(concerned)
    stripped = request.without(
        name
        for sign in against
        if sign.name in _HARDWARE
        for name in _names_with_bus(request, sign)
    )
    for found in _other_disk_types(stripped, against, concerned):
        settings.append(found.setting)
        name = _first_name(request, 'hw_disk_type', 'vmware_disktype')
        request = request.with_properties(**{name: found.request.image[name]})
    against = request.demand().against(concerned)
    for found in _other_hardware(request, against, concerned):
        settings.append(found.setting)
        request = found.request
    return _Try(', and '.join(settings), request)


def _other_disk_types(
    request: _Request, against: tuple[Sign, ...], concerned: frozenset[Family]
) -> Iterator[_Try]:
    """Yield the right disk types, where the image has one that is none."""
    signs = [sign for sign in against if sign.name == 'hw_disk_type']
    if not any(hypervisor.VMWARE in s.excludes & concerned for s in signs):
        return
    name = _first_name(request, 'hw_disk_type', 'vmware_disktype')
    tried = {
        value: _with_guest_id(request.with_properties(**{name: value}))[1]
        for value in vmware.DISK_TYPES
    }
    running = {value: then for value, then in tried.items() if _runs(then)}
    if not running:
        return
    outcome = _outcome(next(iter(running.values())).demand())
    values = [v for v in running if _outcome(running[v].demand()) == outcome]
    yield _Try(
        f'set image property {name} to {_one_of(values)}',
        request.with_properties(**{name: values[0]}),
    )


def _other_hardware(
    request: _Request, against: tuple[Sign, ...], concerned: frozenset[Family]
) -> Iterator[_Try]:
    """Yield other hardware in place of what a driver refuses.

    :param concerned: the families whose drivers matter
    """
    signs = [sign for sign in against if sign.name in _HARDWARE]
    removed = {sign.name: _names_with_bus(request, sign) for sign in signs}
    without = request.without(itertools.chain(*removed.values()))
    if signs and _runs(_with_guest_id(without)[1]):
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
        yield _Try(', and '.join(parts), without)


def _names_with_bus(request: _Request, sign: Sign) -> tuple[str, ...]:
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
    without: _Request,
) -> str:
    """Say what can be set for what was removed.

    :param novas: nova's name of it
    :param refusing: the families whose drivers refuse it
    :param names: what was removed, first that which the owner may set anew
    :param image: as it is
    """
    name, *others = names
    removing = f'remove {" and ".join(names)}'
    rows = [drivers.TABLES[f].row(novas) for f in refusing]
    outcome = _outcome(without.demand())
    others_kept = without.with_properties(
        **{other: image[other] for other in others}
    )
    values = [
        value
        for value in _choices(name)
        if all(row.takes.has(_read(name, value, novas)) for row in rows)
        and _outcome(others_kept.with_properties(**{name: value}).demand())
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


def _first_name(request: _Request, novas: str, raw: str) -> str:
    """Return the name by which nova would read a property."""
    return raw if request.image.get(novas) is None else novas


def _is_fact(sign: Sign) -> bool:
    """Tell whether a sign says what is so, whatever is set.

    Of a VMDK, a flat disk type says that its content is an extent alone, which
    KVM cannot read.
    """
    return sign.name in _FACTS or (
        sign.name == 'hw_disk_type' and hypervisor.KVM in sign.excludes
    )


def _set_by(request: _Request, signs: Iterable[Sign]) -> list[str]:
    """Return the names of the properties behind signs that can be removed."""
    return sorted(
        {
            own
            for sign in signs
            if sign.name and not _is_fact(sign)
            for own in names_that_set(request.image, sign.name)
        }
    )
