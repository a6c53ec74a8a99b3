# SPDX-License-Identifier: Apache-2.0
"""A request as it would be with something set, and whether it then runs."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Self

from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.core.signs import Sign
from hypervisor_affinity.operations import image_spelling as spelling

# What says what the guest is: without it nothing is told, and nothing fixed.
FACTS = (
    *properties.FORMAT_NAMES,
    'hw_architecture',
    'hw_emulation_architecture',
)

_MEASURED = frozenset(f for f, table in drivers.TABLES.items() if table.rows)


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """A request as it would be.

    :ivar image: properties and formats, raw or by nova's names
    """

    image: Mapping[str, str]
    extra_specs: Mapping[str, str]
    policy: Policy

    def demand(self) -> Demand:
        """Return what it asks."""
        return classify(self.image, self.extra_specs, self.policy)

    def runs(self) -> bool:
        """Tell whether it could run, nova-api and all."""
        own = self.without(properties.FORMAT_NAMES).image
        return is_sound(self.demand()) and not spelling.refused(own)

    def with_properties(self, **changed: str) -> Self:
        """Return it with these properties set."""
        return dataclasses.replace(self, image={**self.image, **changed})

    def without(self, names: Iterable[str]) -> Self:
        """Return it without these properties."""
        names = set(names)
        left = {n: v for n, v in self.image.items() if n not in names}
        return dataclasses.replace(self, image=left)

    def with_guest_id(self) -> tuple[str, Self]:
        """Give it a guest id, if nothing else keeps it from running.

        :returns: what to do, in a clause, '' if nothing; and the request then
        """
        if {sign.name for sign in unfit(self.demand())} != {'os_distro'}:
            return '', self
        name = names_that_set(self.image, 'os_distro')[0]
        if known := spelling.value(name, self.image[name]):
            return (
                f'set image property {written(name, known)}',
                self.with_properties(**{name: known}),
            )
        # Which guest id it is, only the owner knows; they all do the same.
        return (
            f'set image property {name} to the guest id of its system',
            self.with_properties(**{name: 'otherGuest'}),
        )


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


def is_sound(demand: Demand) -> bool:
    """Tell whether a request could run."""
    return not (demand.refusal or unfit(demand) or runs_nowhere(demand))


def where_it_runs(demand: Demand) -> tuple:
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
