# SPDX-License-Identifier: Apache-2.0
"""Where the facts of a cloud come from."""

import abc
import datetime
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.core.printable import cited

_Thing = TypeVar('_Thing', Flavor, Image, Server)

# Of things of one name, how many are told.
_IDS = 10


class SourceError(Exception):
    """The facts cannot be had; the text says which and what to do."""


class Missing(SourceError):
    """There is no such thing."""


class Source(abc.ABC):
    """A cloud, section by section.

    Each iterator begins anew and reads as it goes, so that a cloud of any
    number of servers needs the memory of one page. All of them, and all that
    is made of them, raise :class:`SourceError`.
    """

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """What to call it in messages."""

    @property
    def taken_from(self) -> str:
        """Which cloud the facts are of."""
        return self.name

    @property
    def taken_at(self) -> str:
        """When they were so, in UTC, as ISO 8601; '' if that is not known."""
        now = datetime.datetime.now(datetime.UTC)
        return now.isoformat(timespec='seconds')

    @abc.abstractmethod
    def hosts(self) -> Iterator[Host]:
        """Yield the compute nodes."""

    @abc.abstractmethod
    def aggregates(self) -> Iterator[Aggregate]:
        """Yield the host aggregates."""

    @abc.abstractmethod
    def flavors(self) -> Iterator[Flavor]:
        """Yield the flavors, public or not."""

    @abc.abstractmethod
    def images(self) -> Iterator[Image]:
        """Yield the images of all projects."""

    @abc.abstractmethod
    def vcenters(self) -> Iterator[VCenter]:
        """Yield the vCenters behind the clusters, as far as any are told."""

    @abc.abstractmethod
    def servers(self) -> Iterator[Server]:
        """Yield the servers of all projects."""

    def image(self, name_or_id: str) -> Image:
        """Return an image.

        :raises Missing: if there is none
        :raises SourceError: if there are several
        """
        return find('image', self.images(), name_or_id, self.name)

    def flavor(self, name_or_id: str) -> Flavor:
        """Return a flavor.

        :raises Missing: if there is none
        :raises SourceError: if there are several
        """
        return find('flavor', self.flavors(), name_or_id, self.name)

    def server(self, name_or_id: str) -> Server:
        """Return a server.

        :raises Missing: if there is none
        :raises SourceError: if there are several
        """
        return find('server', self.servers(), name_or_id, self.name)


def find(
    kind: str, things: Iterable[_Thing], name_or_id: str, where: str
) -> _Thing:
    """Return the one thing of an id or, if there is none, of a name.

    :param where: what to call the place in a message
    :raises Missing: if there is none
    :raises SourceError: if there are several
    """
    named = []
    for thing in things:
        if thing.id == name_or_id:
            return thing
        if thing.name == name_or_id:
            named.append(thing)
    return only(kind, named, name_or_id, where)


def only(kind: str, found: list[Any], name_or_id: str, where: str) -> Any:
    """Return the one thing that was found by a name.

    :raises Missing: if there is none
    :raises SourceError: if there are several
    """
    if not found:
        raise Missing(f'{where} has no {kind} {name_or_id!r}')
    if len(found) > 1:
        ids = sorted(cited(thing.id) or '(no id)' for thing in found)
        others = len(ids) - _IDS
        more = f' and {others} more' if others > 0 else ''
        raise SourceError(
            f'{where} has {len(found)} {kind}s named {name_or_id!r}; give '
            f'the id of one: {", ".join(ids[:_IDS])}{more}'
        )
    return found[0]
