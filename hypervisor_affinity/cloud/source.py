# SPDX-License-Identifier: Apache-2.0
"""Where the facts of a cloud come from."""

import abc
import contextlib
import datetime
import itertools
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.core import nearness
from hypervisor_affinity.core.printable import cited

_Thing = TypeVar('_Thing', Flavor, Image, Server)

# Of things of one name, how many are told.
_IDS = 10
# How many names are compared with one that is not there: ten pages.
_COMPARED = 10_000


class SourceError(Exception):
    """The facts cannot be had; the text says which and what to do."""


class Missing(SourceError):
    """There is no such thing."""


class Source(abc.ABC):
    """A cloud, section by section.

    Each iterator begins again and reads as it goes, so that a cloud of any
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

    def project(self, name_or_id: str) -> str:
        """Return the id of a project.

        Records have no names of projects: this finds ids that servers have.

        :raises Missing: if there is none
        :raises SourceError: if there are several
        """
        near = nearness.Nearest(name_or_id)
        for server in self.servers():
            if server.project == name_or_id:
                return name_or_id
            near.see(server.project)
        raise Missing(
            f'{self.name} has no server of a project with the id '
            f'{name_or_id!r}{near.question}'
        )


def find(
    kind: str, things: Iterable[_Thing], name_or_id: str, where: str
) -> _Thing:
    """Return the one thing of an id or, if there is none, of a name.

    :param where: what to call the place in a message
    :raises Missing: if there is none
    :raises SourceError: if there are several
    """
    named = []
    near = None if is_uuid(name_or_id) else nearness.Nearest(name_or_id)
    for thing in things:
        if thing.id == name_or_id:
            return thing
        if thing.name == name_or_id:
            named.append(thing)
        elif near and not named:
            near.see(thing.name)
    question = near.question if near else ''
    return only(kind, named, name_or_id, where, lambda: question)


def only(
    kind: str,
    found: list[Any],
    name_or_id: str,
    where: str,
    question: Callable[[], str] = str,
) -> Any:
    """Return the one thing that was found by a name.

    :param question: asks whether another name was meant, as the end of a
        message; called if nothing was found
    :raises Missing: if there is none
    :raises SourceError: if there are several
    """
    if not found:
        raise Missing(f'{where} has no {kind} {name_or_id!r}{question()}')
    if len(found) > 1:
        ids = sorted(cited(thing.id) or '(no id)' for thing in found)
        others = len(ids) - _IDS
        more = f' and {others} more' if others > 0 else ''
        raise SourceError(
            f'{where} has {len(found)} {kind}s named {name_or_id!r}; give '
            f'the id of one: {", ".join(ids[:_IDS])}{more}'
        )
    return found[0]


def nearest_of(things: Iterable[Any], name: str) -> str:
    """Ask whether the name of one of these was meant, to end a message with.

    :param things: read as far as that makes sense, for who has asked for what
        is not there; only if the name is no id
    :returns: '' if none is near, or they cannot be read
    """
    if is_uuid(name):
        return ''
    near = nearness.Nearest(name)
    with contextlib.suppress(SourceError):
        for thing in itertools.islice(things, _COMPARED):
            near.see(thing.name)
    return near.question


def is_uuid(text: str) -> bool:
    """Tell whether this is an id, which is near to no other one."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
