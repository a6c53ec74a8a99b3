# SPDX-License-Identifier: Apache-2.0
"""What an image asks of a hypervisor, why, and what would change it."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hypervisor_affinity.cloud.adapters import flat
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import image_meta
from hypervisor_affinity.core import policy as policies
from hypervisor_affinity.core.demand import ANY_HYPERVISOR
from hypervisor_affinity.core.demand import HYPERVISOR_TYPE_SPEC
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.demand import Strength
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.image_meta import Fate
from hypervisor_affinity.core.image_meta import Treatment
from hypervisor_affinity.core.policy import Policy


class Change(NamedTuple):
    """Something to set, and what the image would ask then.

    :ivar setting: what to do, in a clause
    :ivar demand: what comes of it, in a clause
    """

    setting: str
    demand: str


class Classification(NamedTuple):
    """The answer.

    :ivar treatments: what nova does with each property
    :ivar changes: each was tried, and changes where the image can run
    """

    demand: Demand
    treatments: tuple[Treatment, ...]
    changes: tuple[Change, ...]


class _Request(NamedTuple):
    image: Mapping[str, str]
    extra_specs: Mapping[str, str]
    policy: Policy

    def demand(self) -> Demand:
        return classify(self.image, self.extra_specs, self.policy)


def classify_image(
    image: Image, flavor: Flavor | None, policy: Policy
) -> Classification:
    """Classify an image, with a flavor or without."""
    request = _Request(
        flat(image), flavor.extra_specs if flavor else {}, policy
    )
    demand = request.demand()
    changes = []
    outcomes = {_outcome(demand)}
    for setting, changed in _tries(request, demand):
        found = changed.demand()
        # The first way to an outcome is the mildest.
        if found.refusal is None and _outcome(found) not in outcomes:
            outcomes.add(_outcome(found))
            changes.append(Change(setting, demand_text(found)))
    treatments = image_meta.treat(image.properties)
    treatments += [Treatment(name, '', Fate.DROPPED) for name in image.dropped]
    return Classification(demand, tuple(treatments), tuple(changes))


def _outcome(demand: Demand) -> tuple:
    return demand.required, demand.impossible, demand.refusal


def _tries(
    request: _Request, demand: Demand
) -> Iterator[tuple[str, _Request]]:
    """Yield what one might set, the mildest first."""
    for family in (hypervisor.KVM, hypervisor.VMWARE):
        image = {**request.image, 'img_hv_type': family}
        yield (
            f'set image property hypervisor_type={family}',
            request._replace(image=image),
        )
    deciding = _deciding_properties(request, demand)
    if deciding:
        image = {
            name: value
            for name, value in request.image.items()
            if name not in deciding
        }
        yield (
            f'remove image property {", ".join(deciding)}',
            request._replace(image=image),
        )
    for value in (ANY_HYPERVISOR, hypervisor.KVM, hypervisor.VMWARE):
        yield (
            f'set flavor extra spec {HYPERVISOR_TYPE_SPEC}={value}',
            request._replace(
                extra_specs={
                    **request.extra_specs,
                    HYPERVISOR_TYPE_SPEC: value,
                }
            ),
        )
    if request.policy.vmdk_images != policies.FLEXIBLE:
        yield (
            'set option [hypervisor_affinity] vmdk_images=flexible, for '
            'all VMDK images',
            request._replace(
                policy=dataclasses.replace(
                    request.policy, vmdk_images=policies.FLEXIBLE
                )
            ),
        )
    for disk_format in ('vmdk', 'qcow2'):
        image = {
            **request.image,
            'disk_format': disk_format,
            'container_format': 'bare',
        }
        yield (
            f'convert the image to {disk_format}',
            request._replace(image=image),
        )


def _deciding_properties(request: _Request, demand: Demand) -> list[str]:
    """Return the raw names of the properties behind a demand."""
    cited = {
        sign.evidence.text.partition('=')[0]
        for sign in (*demand.because, *demand.forbidding)
        if sign.strength in (Strength.IMAGE, Strength.DRIVER, Strength.FORMAT)
    }
    legacy = {new: old for old, new in image_meta.LEGACY_NAMES.items()}
    names = [
        name
        for name in request.image
        if not name.endswith('_format')
        and not cited.isdisjoint({name, legacy.get(name)})
    ]
    return sorted(names)
