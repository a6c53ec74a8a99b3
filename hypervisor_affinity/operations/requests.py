# SPDX-License-Identifier: Apache-2.0
"""Requests as the core reads them, from the records of a snapshot."""

import dataclasses
from collections.abc import Mapping

from hypervisor_affinity.cloud.adapters import read_image
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.properties import FORMAT_NAMES

# nova.api.openstack.compute.views.servers, _get_image: a server shows the
# names of ImageMetaProps and its legacy names, of which this is none.
_NOT_SHOWN = 'vmware_adaptertype'
# Nor of these, which are no field of their own.
_TRAIT = 'trait:'


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What hosts are asked about.

    :ivar title: in a clause, for people
    :ivar flavor: how much it takes
    :ivar image: its properties and formats in one flat mapping, as Glance or
        nova names them; empty for no image, None where nobody tells
    :ivar volume: whether the root disk is a volume, so that it takes no disk
        of the host
    :ivar host: the only one that matters; None for all
    :ivar origin: the one that the server is to leave; None for a server on no
        host, and for one that stays
    :ivar fault: what nova said of it; None if it said nothing
    """

    title: str
    demand: Demand
    flavor: Flavor
    image: Mapping[str, str] | None = dataclasses.field(default_factory=dict)
    volume: bool = False
    host: str | None = None
    origin: str | None = None
    fault: str | None = None


def boot(
    image: Image, flavor: Flavor, policy: Policy, *, volume: bool = False
) -> Request:
    """Return the boot of a server.

    :param volume: whether nova writes the image to a volume for it
    """
    found = read_image(image)
    demand = classify(found, flavor.extra_specs, policy, volume=volume)
    title = f'boot from image {image.name} with flavor {flavor.name}'
    return Request(title, demand, flavor, found, volume)


def move(
    server: Server,
    image: Image | None,
    underneath: frozenset[Family] | None,
    policy: Policy,
) -> Request:
    """Return a server's move; if it never got a host, its boot.

    :param image: as it is now; None if it is gone, or it has none
    :param underneath: the families that its disk is for, empty where that
        cannot be found out; None for a server on no host
    """
    found = at_boot(server, image)
    demand = classify(
        found,
        server.flavor.extra_specs,
        policy,
        volume=server.volume,
        underneath=underneath,
    )
    known = image is not None or server.image_properties is not None
    what = f'move from {server.host}' if server.host else 'boot'
    title = f'{what}: server {server.name or server.id}'
    return Request(
        title,
        demand,
        server.flavor,
        found if known else None,
        server.volume,
        origin=server.host,
        fault=server.fault,
    )


def rebuild(server: Server, image: Image, policy: Policy) -> Request:
    """Return the rebuild of a server on its host from another image."""
    found = read_image(image)
    demand = classify(
        found,
        server.flavor.extra_specs,
        policy,
        volume=server.volume,
        rebuild=True,
    )
    title = f'rebuild of server {server.name or server.id} from {image.name}'
    return Request(
        title, demand, server.flavor, found, server.volume, host=server.host
    )


def at_boot(server: Server, image: Image | None) -> dict[str, str]:
    """Return what nova knows of a server's image since its boot.

    :param image: as it is now; None if it is gone. Its formats never change,
        its properties may; without those that nova froze, they have to do,
        and so they have for what nova froze but does not show.
    """
    now = read_image(image)
    if server.image_properties is None:
        return now
    found = dict(server.image_properties)
    for name, value in now.items():
        if name in (*FORMAT_NAMES, _NOT_SHOWN) or name.startswith(_TRAIT):
            found.setdefault(name, value)
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
