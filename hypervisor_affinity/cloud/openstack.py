# SPDX-License-Identifier: Apache-2.0
"""A cloud by its APIs: nova's, Placement's, Glance's and, if any, Cinder's.

What is read, with the rights of an administrator:

========== ==================================================================
hosts      ``GET /os-services`` and, up to microversion 2.87,
           ``/os-hypervisors/detail``: with 2.88, nova-api would ask each
           compute for its uptime. Of Placement, inventories, usages and
           traits of the resource provider, which has the hypervisor's uuid;
           what other providers share with it is not counted.
aggregates ``GET /os-aggregates``
flavors    ``GET /flavors/detail``, with extra specs
images     ``GET /images``, twice, since hidden ones are listed apart
vcenters   none of it: ``hypervisor_affinity.cloud.vcenter``
servers    ``GET /servers/detail``. Only from microversion 2.98 on does nova
           tell the image properties frozen into a server, cut off after 255
           characters, by raw names and nova's, and without
           ``vmware_adaptertype``, ``trait:`` and formats.
volumes    ``GET /volumes/detail``, the bootable ones, if any server boots
           from a volume
========== ==================================================================

By default nova-api leaves out the servers of a cell that is down, and does
not say so: ``[api] list_records_by_skipping_down_cells``.
"""

import datetime
import functools
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent import futures
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET
from msgspec import UnsetType
from openstack import connection

from hypervisor_affinity import redaction
from hypervisor_affinity.cloud import snapshot
from hypervisor_affinity.cloud.api import Api
from hypervisor_affinity.cloud.api import MissingService
from hypervisor_affinity.cloud.glance import custom_properties
from hypervisor_affinity.cloud.glance import read_attributes
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Amount
from hypervisor_affinity.cloud.snapshot import Count
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.cloud.snapshot import Ratio
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.source import only
from hypervisor_affinity.core import image_meta
from hypervisor_affinity.core.printable import cited

# Extra specs inside of flavors.
_OLDEST = '2.61'
_FLAVORS = '2.61'
_HYPERVISORS = '2.87'
_SERVERS = '2.98'
# Of Placement: traits.
_PROVIDERS = '1.6'

# [api] max_limit of nova and api_limit_max of Glance, by default; a service
# with another one gives smaller pages.
_PAGE = 1000

# Calls of Placement at the same time.
_THREADS = 8

_NOVA_RULE = 'os_compute_api:'
_PLACEMENT_RULE = 'placement:resource_providers:'
_SERVER_HOSTS = 'os_compute_api:os-extended-server-attributes'
_SERVER_SPECS = 'os_compute_api:servers:show:flavor-extra-specs'
_FLAVOR_SPECS = 'os_compute_api:os-flavor-extra-specs:index'


class _Service(msgspec.Struct):
    host: str
    state: Literal['up', 'down']
    status: Literal['enabled', 'disabled']
    disabled_reason: str | None = None
    # The last heartbeat, in UTC: nova.servicegroup.api.get_updated_time.
    updated_at: str | None = None


class _HypervisorService(msgspec.Struct):
    host: str
    disabled_reason: str | None = None


class _Hypervisor(msgspec.Struct):
    id: str
    hypervisor_hostname: str
    hypervisor_type: str
    hypervisor_version: Count
    state: Literal['up', 'down']
    status: Literal['enabled', 'disabled']
    service: _HypervisorService


class _Inventory(msgspec.Struct):
    total: Amount
    reserved: Amount
    allocation_ratio: Ratio
    max_unit: Amount


class _Aggregate(msgspec.Struct):
    name: str
    uuid: str
    metadata: dict[str, str]
    hosts: list[str]


class _Flavor(msgspec.Struct):
    id: str
    name: str
    vcpus: Amount
    ram: Amount
    disk: Amount
    ephemeral: Amount = msgspec.field(name='OS-FLV-EXT-DATA:ephemeral')
    # '' for none.
    swap: Amount | Literal['']
    extra_specs: dict[str, str] | UnsetType = UNSET


class _ServerFlavor(msgspec.Struct):
    original_name: str
    vcpus: Amount
    ram: Amount
    disk: Amount
    ephemeral: Amount
    swap: Amount
    extra_specs: dict[str, str] | UnsetType = UNSET


class _ServerImage(msgspec.Struct):
    id: str
    properties: dict[str, str] | UnsetType = UNSET


class _Id(msgspec.Struct):
    id: str


class _Fault(msgspec.Struct):
    message: str


class _Server(msgspec.Struct):
    id: str
    status: str
    tenant_id: str
    flavor: _ServerFlavor
    # '' for none: it boots from a volume.
    image: _ServerImage | Literal['']
    name: str | None = None
    fault: _Fault | None = None
    host: str | UnsetType | None = msgspec.field(
        name='OS-EXT-SRV-ATTR:host', default=UNSET
    )
    node: str | None = msgspec.field(
        name='OS-EXT-SRV-ATTR:hypervisor_hostname', default=None
    )
    task: str | None = msgspec.field(
        name='OS-EXT-STS:task_state', default=None
    )
    root_device: str | None = msgspec.field(
        name='OS-EXT-SRV-ATTR:root_device_name', default=None
    )
    volumes: list[_Id] = msgspec.field(
        name='os-extended-volumes:volumes_attached', default_factory=list
    )


# With the image's properties beside Glance's own attributes.
_GlanceImage = dict[str, Any]


class _Attachment(msgspec.Struct):
    device: str | None = None


class _Volume(msgspec.Struct):
    id: str
    bootable: str
    attachments: list[_Attachment] = []
    volume_image_metadata: dict[str, str] = {}


class _BootVolume(NamedTuple):
    """What is kept of a bootable volume.

    * ``properties``: of the image it was made from
    * ``devices``: where servers see it, ``/dev/vda``
    """

    properties: dict[str, str]
    devices: frozenset[str]


_FindVolume = Callable[[str], _BootVolume | None]


class CloudSource(Source):
    """A cloud.

    The user needs to be an administrator for all but single images and
    flavors.
    """

    def __init__(
        self,
        cloud: connection.Connection,
        page_size: int = _PAGE,
        vcenters: Callable[[], Iterable[VCenter]] = tuple,
    ) -> None:
        """Ask nothing of it yet.

        :param cloud: has ``timeout`` set on its session if it had none
        :param page_size: of what is read in pages
        :param vcenters: reads those behind its clusters
        """
        self._read_vcenters = vcenters
        self._config = cloud.config
        self._page_size = page_size
        self._nova = Api(cloud, 'compute', 'nova')
        self._placement = Api(cloud, 'placement', 'placement')
        self._glance = Api(cloud, 'image', 'glance')
        self._cinder = Api(cloud, 'block-storage', 'cinder')

    @property
    def name(self) -> str:
        """Return the authentication URL, and the region if it has a name."""
        arguments = self._config.get_auth_args()
        url = arguments.get('auth_url') or arguments.get('endpoint') or ''
        shown = redaction.without_passwords(url).partition('?')[0]
        region = self._config.get_region_name()
        return f'{shown} ({region})' if region else shown

    def hosts(self) -> Iterator[Host]:
        """Yield the compute nodes, and compute services without any."""
        services = self._nova.get(
            '/os-services',
            'services',
            list[_Service],
            right=f'{_NOVA_RULE}os-services:list',
            version=self._version(_HYPERVISORS),
            binary='nova-compute',
        )
        without_node = {service.host: service for service in services}
        last_seen = {s.host: _in_utc(s.updated_at) for s in services}
        pages = self._nova.pages(
            '/os-hypervisors/detail',
            'hypervisors',
            _Hypervisor,
            right=f'{_NOVA_RULE}os-hypervisors:list-detail',
            version=self._version(_HYPERVISORS),
            size=self._page_size,
        )
        with futures.ThreadPoolExecutor(_THREADS) as pool:
            for page in pages:
                for hypervisor in page:
                    without_node.pop(hypervisor.service.host, None)
                # In order; of a failure, what has not begun never does.
                yield from pool.map(
                    lambda found: self._host(
                        found, last_seen.get(found.service.host, '')
                    ),
                    page,
                )
        for service in without_node.values():
            yield Host(
                name=service.host,
                state=service.state,
                status=service.status,
                disabled_reason=service.disabled_reason,
                last_seen=last_seen[service.host],
            )

    def aggregates(self) -> Iterator[Aggregate]:
        """Yield the host aggregates."""
        for found in self._nova.get(
            '/os-aggregates',
            'aggregates',
            list[_Aggregate],
            right=f'{_NOVA_RULE}os-aggregates:index',
            version=self._version(_FLAVORS),
        ):
            yield Aggregate(
                name=found.name,
                uuid=found.uuid,
                metadata=found.metadata,
                hosts=tuple(found.hosts),
            )

    def flavors(self) -> Iterator[Flavor]:
        """Yield the flavors, public or not."""
        for page in self._nova.pages(
            '/flavors/detail',
            'flavors',
            _Flavor,
            right=_FLAVOR_SPECS,
            version=self._version(_FLAVORS),
            size=self._page_size,
            is_public='None',
        ):
            for found in page:
                yield Flavor(
                    name=found.name,
                    id=found.id,
                    vcpus=found.vcpus,
                    memory_mb=found.ram,
                    disk_gb=found.disk,
                    ephemeral_gb=found.ephemeral,
                    swap_mb=found.swap or 0,
                    extra_specs=_shown(found.extra_specs, _FLAVOR_SPECS),
                )

    def images(self) -> Iterator[Image]:
        """Yield the images of all projects, hidden ones last."""
        return self._images()

    def vcenters(self) -> Iterator[VCenter]:
        """Yield the vCenters that the caller knows how to read."""
        yield from self._read_vcenters()

    def servers(self) -> Iterator[Server]:
        """Yield the servers of all projects."""
        return self._servers(self._read_volumes())

    def image(self, name_or_id: str) -> Image:
        """Return an image.

        :raises SourceError: if there is none, or there are several
        """
        if _is_uuid(name_or_id):
            found = self._glance.find(
                f'/images/{name_or_id}', None, _GlanceImage, right='get_image'
            )
            if found:
                return _image(found)
        # Some databases compare without regard to case.
        named = [
            image
            for image in self._images(name=name_or_id)
            if image.name == name_or_id
        ]
        return only('image', named, name_or_id, self.name)

    def server(self, name_or_id: str) -> Server:
        """Return a server.

        :raises SourceError: if there is none, or there are several
        """
        if _is_uuid(name_or_id):
            found = self._nova.find(
                f'/servers/{name_or_id}',
                'server',
                _Server,
                right=f'{_NOVA_RULE}servers:show',
                version=self._version(_SERVERS),
            )
            if found:
                return _server(found, self._read_volume)
        # nova takes it for a regular expression, in the database's dialect.
        pattern = re.sub(r'[^0-9A-Za-z]+', '.+', name_or_id)
        named = [
            server
            for server in self._servers(self._read_volume, name=f'^{pattern}$')
            if server.name == name_or_id
        ]
        return only('server', named, name_or_id, self.name)

    def _version(self, newest: str) -> str:
        return self._nova.microversion(_OLDEST, newest)

    def _host(self, found: _Hypervisor, last_seen: str) -> Host:
        provider = f'/resource_providers/{found.id}'
        inventories = self._placement.find(
            f'{provider}/inventories',
            'inventories',
            dict[str, _Inventory],
            right=f'{_PLACEMENT_RULE}inventories:list',
            version=_PROVIDERS,
        )
        usages: dict[str, Count] | None = None
        traits: list[str] | None = None
        if inventories is not None:
            usages = self._placement.find(
                f'{provider}/usages',
                'usages',
                dict[str, Count],
                right=f'{_PLACEMENT_RULE}usages',
                version=_PROVIDERS,
            )
            traits = self._placement.find(
                f'{provider}/traits',
                'traits',
                list[str],
                right=f'{_PLACEMENT_RULE}traits:list',
                version=_PROVIDERS,
            )
        held = functools.partial(_inventory, inventories or {}, usages or {})
        return Host(
            name=found.service.host,
            node=found.hypervisor_hostname,
            hypervisor_type=found.hypervisor_type,
            hypervisor_version=found.hypervisor_version,
            state=found.state,
            status=found.status,
            disabled_reason=found.service.disabled_reason,
            last_seen=last_seen,
            traits=tuple(sorted(traits or ())),
            vcpus=held('VCPU'),
            memory_mb=held('MEMORY_MB'),
            disk_gb=held('DISK_GB'),
        )

    def _images(self, **filters: str) -> Iterator[Image]:
        for is_hidden in ('false', 'true'):
            for page in self._glance.pages(
                '/images',
                'images',
                _GlanceImage,
                right='get_images',
                size=self._page_size,
                # Else the community's ones of other projects are left out.
                visibility='all',
                os_hidden=is_hidden,
                **filters,
            ):
                yield from map(_image, page)

    def _servers(
        self, find_volume: _FindVolume, **filters: str
    ) -> Iterator[Server]:
        for page in self._nova.pages(
            '/servers/detail',
            'servers',
            _Server,
            right=f'{_NOVA_RULE}servers:detail:get_all_tenants',
            version=self._version(_SERVERS),
            size=self._page_size,
            all_tenants='true',
            **filters,
        ):
            for found in page:
                yield _server(found, find_volume)

    def _read_volume(self, volume_id: str) -> _BootVolume | None:
        try:
            found = self._cinder.find(
                f'/volumes/{volume_id}', 'volume', _Volume, right='volume:get'
            )
        except MissingService:
            return None
        if found is None or found.bootable != 'true':
            return None
        return _boot_volume(found)

    def _read_volumes(self) -> _FindVolume:
        """Return what finds a volume after it has read all, once.

        Of as many servers as there are, most boot from a few images: equal
        volumes are one object.
        """

        @functools.cache
        def read() -> dict[str, _BootVolume]:
            known: dict[tuple, _BootVolume] = {}
            volumes = {}
            for page in self._cinder.pages(
                '/volumes/detail',
                'volumes',
                _Volume,
                right='volume:get_all',
                size=self._page_size,
                all_tenants='true',
                bootable='true',
            ):
                for found in page:
                    volume = _boot_volume(found)
                    key = (tuple(volume.properties.items()), volume.devices)
                    volumes[found.id] = known.setdefault(key, volume)
            return volumes

        def find(volume_id: str) -> _BootVolume | None:
            try:
                return read().get(volume_id)
            except MissingService:
                return None

        return find


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _shown(
    extra_specs: dict[str, str] | UnsetType, rule: str
) -> dict[str, str]:
    """Return extra specs.

    :raises SourceError: if nova left them out, which it does without a word
    """
    if extra_specs is UNSET:
        raise SourceError(
            'nova does not show the extra specs of flavors; the policy rule '
            f'{rule} must allow it'
        )
    return extra_specs


def _in_utc(time: str | None) -> str:
    # nova writes no zone, and parts of a second that nobody needs.
    known = f'{(time or "").partition(".")[0]}+00:00'
    try:
        datetime.datetime.fromisoformat(known)
    except ValueError:
        return ''
    return known


def _inventory(
    inventories: Mapping[str, _Inventory],
    usages: Mapping[str, int],
    resource_class: str,
) -> Inventory | None:
    found = inventories.get(resource_class)
    if found is None:
        return None
    return Inventory(
        total=found.total,
        reserved=found.reserved,
        allocation_ratio=found.allocation_ratio,
        max_unit=found.max_unit,
        used=usages.get(resource_class, 0),
    )


def _image(found: _GlanceImage) -> Image:
    custom = custom_properties(found)
    given = read_attributes(found)
    return Image(
        name=given.name or '',
        id=given.id,
        status=given.status,
        disk_format=given.disk_format,
        container_format=given.container_format,
        properties=_known(custom),
        dropped=tuple(
            sorted(name for name in custom if not image_meta.is_known(name))
        ),
    )


def _known(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return the properties that nova knows and that hold no secret."""
    return {
        name: str(value)
        for name, value in properties.items()
        if image_meta.is_known(name) and name not in snapshot.SECRET_PROPERTIES
    }


def _boot_volume(found: _Volume) -> _BootVolume:
    # Without formats: Cinder wrote the disk, and nova sees those of the image
    # only if it had Cinder do so for this very server.
    properties = _known(found.volume_image_metadata)
    return _BootVolume(
        properties=dict(sorted(properties.items())),
        devices=frozenset(
            attachment.device
            for attachment in found.attachments
            if attachment.device
        ),
    )


def _server(found: _Server, find_volume: _FindVolume) -> Server:
    if found.host is UNSET:
        if found.status == 'UNKNOWN':
            raise SourceError(
                f'nova cannot tell about server {cited(found.id)}: its cell '
                'is down'
            )
        raise SourceError(
            'nova does not show the hosts of servers; the policy rule '
            f'{_SERVER_HOSTS} must allow it'
        )
    properties: dict[str, str] | None = None
    if not found.image:
        properties = _root_properties(found, find_volume)
    elif found.image.properties is not UNSET:
        properties = _known(found.image.properties)
    flavor = found.flavor
    return Server(
        id=found.id,
        flavor=Flavor(
            name=flavor.original_name,
            vcpus=flavor.vcpus,
            memory_mb=flavor.ram,
            disk_gb=flavor.disk,
            ephemeral_gb=flavor.ephemeral,
            swap_mb=flavor.swap,
            extra_specs=_shown(flavor.extra_specs, _SERVER_SPECS),
        ),
        name=found.name or '',
        project=found.tenant_id,
        status=found.status,
        host=found.host,
        node=found.node,
        image=found.image.id if found.image else None,
        volume=not found.image,
        image_properties=properties,
        fault=found.fault and found.fault.message,
        task=found.task or '',
    )


def _root_properties(
    server: _Server, find_volume: _FindVolume
) -> dict[str, str] | None:
    """Return the properties of the image that the root volume was made from.

    nova tells which volumes a server has, not which it boots from: it is the
    bootable one that the server has as its root device or, of a server
    without attachments, a shelved one, the only bootable one.

    :returns: None if several might be it
    """
    bootable = [
        volume
        for attached in server.volumes
        if (volume := find_volume(attached.id))
    ]
    on_root = [
        volume for volume in bootable if server.root_device in volume.devices
    ]
    candidates = on_root or bootable
    return candidates[0].properties if len(candidates) == 1 else None
