# SPDX-License-Identifier: Apache-2.0
"""What the embedded cloud hands back: plain values, nothing live."""

import dataclasses


class ApiError(Exception):
    """An OpenStack API refused a request.

    ``status`` is the HTTP status, ``message`` the text of the error body,
    which is what a command line client would show.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f'HTTP {status}: {message}')
        self.status = status
        self.message = message


class CloudTimeout(Exception):
    """Something did not come to rest within its time limit."""


@dataclasses.dataclass(frozen=True, slots=True)
class Image:
    """An image as Glance describes it; ``properties`` are raw strings."""

    id: str
    name: str
    disk_format: str | None
    container_format: str | None
    properties: dict[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Volume:
    """A bootable volume.

    ``image_metadata`` is Cinder's volume_image_metadata; None means that
    the volume was not made from an image and carries none.
    """

    id: str
    name: str
    size_gb: int
    image_metadata: dict[str, str] | None


@dataclasses.dataclass(frozen=True, slots=True)
class Flavor:
    """A flavor; sizes in units as nova's API has them, MiB and GiB."""

    id: str
    name: str
    vcpus: int
    memory_mb: int
    disk_gb: int
    extra_specs: dict[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Aggregate:
    """A host aggregate as it was when it was read."""

    id: int
    name: str
    hosts: tuple[str, ...]
    metadata: dict[str, str]
    availability_zone: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """A server as it was when it was last read.

    * ``status``: the API's word, e.g. ``ACTIVE``, ``ERROR``.
    * ``host``: name of its nova-compute host; None while it has none.
    * ``node``: its hypervisor_hostname; None likewise.
    * ``hypervisor``: hypervisor_type which that host's driver reports, e.g.
      ``QEMU``; None without a host.
    * ``fault``: fault message as an ordinary user sees it; None when the
      API shows none (it does so for status ERROR only).
    """

    id: str
    name: str
    status: str
    host: str | None
    node: str | None
    hypervisor: str | None
    fault: str | None
    availability_zone: str | None = None

    @property
    def active(self) -> bool:
        """True when the server runs."""
        return self.status == 'ACTIVE'


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """How an operation on an existing server ended.

    * ``operation``: the API's name of the action, e.g. ``migrate``.
    * ``server``: the server afterwards.
    * ``succeeded``: False when the API refused it, an event of the
      instance action failed, or the server went to ERROR.
    * ``error``: why not, as an ordinary user can read it: the text of the
      HTTP error, or the details of the failed event (instance action API
      2.84), or the server's fault; None when it succeeded.
    * ``traceback``: the failed event's, which the API shows to admins only;
      None if there is none.
    * ``http_status``: HTTP status if the API refused, else None.
    """

    operation: str
    server: Server
    succeeded: bool
    error: str | None = None
    traceback: str | None = None
    http_status: int | None = None

    @property
    def status(self) -> str:
        return self.server.status

    @property
    def host(self) -> str | None:
        return self.server.host

    @property
    def hypervisor(self) -> str | None:
        return self.server.hypervisor

    @property
    def fault(self) -> str | None:
        return self.server.fault
