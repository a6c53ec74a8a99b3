# SPDX-License-Identifier: Apache-2.0
"""What came of a scenario: plain records, which go between processes."""

import dataclasses
import enum
from typing import NamedTuple


class Request(enum.StrEnum):
    """What a host is asked for."""

    BOOT = 'boot'
    MIGRATE = 'migrate'
    """To another host of the same hypervisor."""
    RECREATE = 'recreate'
    """From the image as it is now, wherever that may run."""


class Anywhere(enum.StrEnum):
    """Where a request belongs that belongs on no known hypervisor."""

    ANY = 'any'
    NOTHING = 'nothing'


class Status(enum.StrEnum):
    """Whether hosts take servers."""

    ENABLED = 'enabled'
    DISABLED = 'disabled'
    """As a host is from the moment that it is drained."""
    DOWN = 'down'
    """Enabled, but nothing is heard of its nova-compute."""


class Refusal(NamedTuple):
    """Why a request found no host.

    :ivar by: the filter that left no host, ``Placement``, ``pre-filter``,
        ``nova-api``, or ``simulation`` for what is not simulated
    :ivar reason: for the operator
    :ivar told: what the server's owner reads; '' for nova's own text
    """

    by: str
    reason: str
    told: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request.

    :ivar step: its title
    :ivar image: what it boots, for people
    :ivar belongs: the hypervisor that it should be on, by its image, flavor
        and the order of preference, as people call it; or an Anywhere: ANY
        if the order names none that would do, NOTHING if no hypervisor would
    :ivar origin: the host it was on; None for a new server
    :ivar host: the host it is on now; None if refused
    :ivar hypervisor: of that host
    :ivar misfit: the reason code for which that host cannot run it; None if
        it can
    """

    step: str
    action: Request
    server: str
    image: str
    flavor: str
    belongs: str
    origin: str | None = None
    host: str | None = None
    hypervisor: str | None = None
    misfit: str | None = None
    refusal: Refusal | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """How full the hosts of one hypervisor and status are at a moment.

    What hosts have that take no servers is no room for any: those are counted
    apart. Limits are (total - reserved) times the allocation ratio.

    :ivar step: title of the step at work; '' before the first
    :ivar done: requests so far
    :ivar ends_step: whether the step is done
    :ivar memory_mb, disk_gb: in MiB and GiB, as nova counts
    """

    step: str
    done: int
    ends_step: bool
    hypervisor: str
    status: Status
    hosts: int
    servers: int
    vcpus: int
    vcpus_limit: float
    memory_mb: int
    memory_mb_limit: float
    disk_gb: int
    disk_gb_limit: float


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """A scenario as one scheduler had it.

    :ivar scheduler: its name
    :ivar notes: what the operator should know of it
    """

    scheduler: str
    outcomes: list[Outcome]
    usage: list[Usage]
    notes: list[str]
