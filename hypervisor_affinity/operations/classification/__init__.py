# SPDX-License-Identifier: Apache-2.0
"""What an image asks of a hypervisor, why, and what would change it.

``remedies`` has what might be set, ``trial`` tells whether a request then
runs.
"""

import dataclasses
from collections.abc import Iterable, Mapping

from hypervisor_affinity.cloud.adapters import read_image
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core import image_meta
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.image_meta import Fate
from hypervisor_affinity.core.image_meta import Treatment
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.operations import image_spelling as spelling
from hypervisor_affinity.operations.classification import remedies
from hypervisor_affinity.operations.classification.remedies import Try
from hypervisor_affinity.operations.classification.trial import FACTS
from hypervisor_affinity.operations.classification.trial import Trial
from hypervisor_affinity.operations.classification.trial import is_sound
from hypervisor_affinity.operations.classification.trial import names_that_set
from hypervisor_affinity.operations.classification.trial import runs_nowhere
from hypervisor_affinity.operations.classification.trial import unfit
from hypervisor_affinity.operations.classification.trial import where_it_runs

__all__ = [
    'Change',
    'Classification',
    'classify_image',
    'names_that_set',
    'runs_nowhere',
    'unfit',
]


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """Something to set, and what the image would ask then.

    :ivar setting: what to do, in a clause
    :ivar demand: what comes of it, in a clause
    :ivar owners: whether it is for the image's owner; what is set in a flavor
        or an option is not
    """

    setting: str
    demand: str
    owners: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Classification:
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


def classify_image(
    image: Image, flavor: Flavor | None, policy: Policy
) -> Classification:
    """Classify an image, with a flavor or without."""
    request = Trial(
        read_image(image), flavor.extra_specs if flavor else {}, policy
    )
    treatments = image_meta.treat(image.properties)
    treatments += [Treatment(name, '', Fate.DROPPED) for name in image.dropped]
    return Classification(
        request.demand(), tuple(treatments), tuple(_changes(request))
    )


def _changes(request: Trial) -> list[Change]:
    """Return what changes where a request can run, the mildest first."""
    corrections = _corrections(request.image)
    base = request.without(corrections).with_properties(
        **{name: right for name, right in corrections.items() if right}
    )
    demand = base.demand()
    changes: list[Change] = []
    runs = not corrections and is_sound(demand)
    outcomes = {where_it_runs(demand)} if runs else set()
    owners_outcomes = set(outcomes)

    def consider(tries: Iterable[Try]) -> None:
        for setting, changed, owners in tries:
            guest_id, complete = changed.with_guest_id()
            found = complete.demand()
            parts = (*_in_words(corrections, changed.image), setting, guest_id)
            text = ', and '.join(filter(None, parts))
            # The first way to an outcome is the mildest; but what only an
            # operator can do is none for an owner.
            known = owners_outcomes if owners else outcomes
            if text and complete.runs() and where_it_runs(found) not in known:
                outcomes.add(where_it_runs(found))
                if owners:
                    owners_outcomes.add(where_it_runs(found))
                changes.append(Change(text, demand_text(found), owners))

    consider(remedies.mildest_first(base, demand))
    if not runs and not any(change.owners for change in changes):
        consider(remedies.together(base))
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
        if name in right or properties.NOVA_NAMES.get(name, name) not in FACTS
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
