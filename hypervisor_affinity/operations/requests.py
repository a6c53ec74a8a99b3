# SPDX-License-Identifier: Apache-2.0
"""Requests as the core reads them, from the records of a snapshot."""

from collections.abc import Mapping

from hypervisor_affinity.cloud.adapters import flat
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.properties import FORMAT_NAMES

# nova.api.openstack.compute.views.servers, _get_image: a server shows the
# names of ImageMetaProps and its legacy names, of which this is none.
_NOT_SHOWN = 'vmware_adaptertype'


def at_boot(server: Server, image: Image | None) -> dict[str, str]:
    """Return what nova knows of a server's image since its boot.

    :param image: as it is now; None if it is gone. Its formats never change,
        its properties may; without those that nova froze, they have to do,
        and so they have for what nova froze but does not show.
    """
    now = flat(image)
    if server.image_properties is None:
        return now
    found = dict(server.image_properties)
    for name in (*FORMAT_NAMES, _NOT_SHOWN):
        if name in now:
            found.setdefault(name, now[name])
    return found


class Classifier:
    """Classifies requests, those that are alike only once."""

    def __init__(self, policy: Policy) -> None:
        """Begin with nothing classified."""
        self._policy = policy
        self._known: dict[tuple, Demand] = {}

    def classify(
        self,
        image: Mapping[str, str],
        flavor: Flavor | None,
        *,
        volume: bool = False,
        rebuild: bool = False,
    ) -> Demand:
        """Return what is asked, the same object for the same request.

        :param rebuild: whether the server stays where it is; else it is a
            boot
        """
        extra_specs = flavor.extra_specs if flavor else {}
        key = (
            frozenset(image.items()),
            frozenset(extra_specs.items()),
            volume,
            rebuild,
        )
        if key not in self._known:
            self._known[key] = classify(
                image,
                extra_specs,
                self._policy,
                volume=volume,
                rebuild=rebuild,
            )
        return self._known[key]
