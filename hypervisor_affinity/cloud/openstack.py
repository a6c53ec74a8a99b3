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
servers    ``GET /servers/detail``; for changes with ``changes-since``, and
           ``GET /servers`` for those that were deleted. Only from
           microversion 2.98 on does nova tell the image properties frozen into
           a server, cut off after 255 characters, by raw names and nova's, and
           without ``vmware_adaptertype``, ``trait:`` and formats.
projects   ``GET /projects``, if one is named
volumes    ``GET /volumes/detail``, the bootable ones, if any server boots
           from a volume
========== ==================================================================

By default nova-api leaves out the servers of a cell that is down, and does
not say so: ``[api] list_records_by_skipping_down_cells``.
"""

import datetime
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from urllib import parse

from openstack import connection

from hypervisor_affinity import redaction
from hypervisor_affinity.cloud import answer_records as records
from hypervisor_affinity.cloud import answer_shapes as shapes
from hypervisor_affinity.cloud.api import Api
from hypervisor_affinity.cloud.boot_volumes import BootVolumes
from hypervisor_affinity.cloud.changes import Change
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Count
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.cloud.source import is_uuid
from hypervisor_affinity.cloud.source import nearest_of
from hypervisor_affinity.cloud.source import only

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

# Of servers that nova lists among those that changed, if its policy does not
# let the user ask for deleted ones, or for the others, alone.
_DELETED = frozenset({'DELETED', 'SOFT_DELETED'})

_NOVA_RULE = 'os_compute_api:'
_PLACEMENT_RULE = 'placement:resource_providers:'


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
        self._keystone = Api(cloud, 'identity', 'keystone')
        self._volumes = BootVolumes(
            Api(cloud, 'block-storage', 'cinder'), page_size
        )

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
            list[shapes.Service],
            right=f'{_NOVA_RULE}os-services:list',
            version=self._version(_HYPERVISORS),
            binary='nova-compute',
        )
        by_host = {service.host: service for service in services}
        without_node = dict(by_host)
        pages = self._nova.pages(
            '/os-hypervisors/detail',
            'hypervisors',
            list[shapes.Hypervisor],
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
                        found, by_host.get(found.service.host)
                    ),
                    page,
                )
        for service in without_node.values():
            yield records.host_without_node(service)

    def aggregates(self) -> Iterator[Aggregate]:
        """Yield the host aggregates."""
        for found in self._nova.get(
            '/os-aggregates',
            'aggregates',
            list[shapes.Aggregate],
            right=f'{_NOVA_RULE}os-aggregates:index',
            version=self._version(_FLAVORS),
        ):
            yield records.aggregate(found)

    def flavors(self) -> Iterator[Flavor]:
        """Yield the flavors, public or not."""
        for page in self._nova.pages(
            '/flavors/detail',
            'flavors',
            list[shapes.Flavor],
            right=records.FLAVOR_SPECS,
            version=self._version(_FLAVORS),
            size=self._page_size,
            is_public='None',
        ):
            yield from map(records.flavor, page)

    def images(self) -> Iterator[Image]:
        """Yield the images of all projects, hidden ones last."""
        return self._images()

    def vcenters(self) -> Iterator[VCenter]:
        """Yield the vCenters that the caller knows how to read."""
        yield from self._read_vcenters()

    def servers(self) -> Iterator[Server]:
        """Yield the servers of all projects."""
        return self._servers(self._volumes.of_all())

    def server_changes(
        self, since: datetime.datetime | None
    ) -> Iterator[Change]:
        """Yield the servers that changed, deleted ones first.

        :param since: with a time zone; None for all servers that there are
        :raises SourceError: if they cannot be read
        """
        if since is None:
            yield from itertools.starmap(
                Change, self._changes(self._volumes.of_all())
            )
            return
        text = since.astimezone(datetime.UTC).strftime('%Y-%m-%dT%H:%M:%SZ')
        changed = {'changes-since': text}
        for page in self._nova.pages(
            '/servers',
            'servers',
            list[shapes.Id],
            right=f'{_NOVA_RULE}servers:index:get_all_tenants',
            version=self._version(_SERVERS),
            size=self._page_size,
            all_tenants='true',
            deleted='true',
            **changed,
        ):
            for found in page:
                yield Change(found.id, None, None)
        # Else those that are deleted are among them.
        filters = {'deleted': 'false', **changed}
        for server_id, server, at in self._changes(
            self._volumes.of_some(), **filters
        ):
            gone = server.status in _DELETED
            yield Change(server_id, None if gone else server, at)

    def image(self, name_or_id: str) -> Image:
        """Return an image.

        :raises SourceError: if there is none, or there are several
        """
        if is_uuid(name_or_id):
            found = self._glance.find(
                f'/images/{name_or_id}',
                None,
                shapes.GlanceImage,
                right='get_image',
            )
            if found:
                return records.image(found)
        # Some databases compare without regard to case.
        named = [
            image
            for image in self._images(name=name_or_id)
            if image.name == name_or_id
        ]
        return only(
            'image',
            named,
            name_or_id,
            self.name,
            lambda: nearest_of(self._images(), name_or_id),
        )

    def server(self, name_or_id: str) -> Server:
        """Return a server.

        :raises SourceError: if there is none, or there are several
        """
        if is_uuid(name_or_id):
            found = self._nova.find(
                f'/servers/{name_or_id}',
                'server',
                shapes.Server,
                right=f'{_NOVA_RULE}servers:show',
                version=self._version(_SERVERS),
            )
            if found:
                return records.server(found, self._volumes.read)
        # nova takes it for a regular expression, in the database's dialect.
        pattern = re.sub(r'[^0-9A-Za-z]+', '.+', name_or_id)
        named = [
            server
            for server in self._servers(
                self._volumes.read, name=f'^{pattern}$'
            )
            if server.name == name_or_id
        ]
        return only(
            'server',
            named,
            name_or_id,
            self.name,
            # Their names, without the volumes.
            lambda: nearest_of(self._servers(_no_volume), name_or_id),
        )

    def project(self, name_or_id: str) -> str:
        """Return the id of a project, which Keystone knows by its name.

        :raises Missing: if there is none
        :raises SourceError: if there are several
        """
        if found := self._keystone.find(
            f'/projects/{parse.quote(name_or_id, safe="")}',
            'project',
            shapes.Project,
            right='identity:get_project',
        ):
            return found.id
        # Some databases compare without regard to case.
        named = [
            project
            for project in self._projects(name=name_or_id)
            if project.name == name_or_id
        ]
        project: shapes.Project = only(
            'project',
            named,
            name_or_id,
            self.name,
            lambda: nearest_of(self._projects(), name_or_id),
        )
        return project.id

    def _projects(self, **filters: str) -> list[shapes.Project]:
        return self._keystone.get(
            '/projects',
            'projects',
            list[shapes.Project],
            right='identity:list_projects',
            **filters,
        )

    def _version(self, newest: str) -> str:
        return self._nova.microversion(_OLDEST, newest)

    def _host(
        self, found: shapes.Hypervisor, service: shapes.Service | None
    ) -> Host:
        provider = f'/resource_providers/{found.id}'
        inventories = self._placement.find(
            f'{provider}/inventories',
            'inventories',
            dict[str, shapes.Inventory],
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
        return records.host(
            found, service, inventories or {}, usages or {}, traits or ()
        )

    def _images(self, **filters: str) -> Iterator[Image]:
        for is_hidden in ('false', 'true'):
            for page in self._glance.pages(
                '/images',
                'images',
                list[shapes.GlanceImage],
                right='get_images',
                size=self._page_size,
                # Else the community's ones of other projects are left out.
                visibility='all',
                os_hidden=is_hidden,
                **filters,
            ):
                yield from map(records.image, page)

    def _servers(
        self, find_volume: records.FindVolume, **filters: str
    ) -> Iterator[Server]:
        for _, server, _ in self._changes(find_volume, **filters):
            yield server

    def _changes(
        self, find_volume: records.FindVolume, **filters: str
    ) -> Iterator[tuple[str, Server, datetime.datetime | None]]:
        for page in self._nova.pages(
            '/servers/detail',
            'servers',
            list[shapes.Server],
            right=f'{_NOVA_RULE}servers:detail:get_all_tenants',
            version=self._version(_SERVERS),
            size=self._page_size,
            all_tenants='true',
            **filters,
        ):
            for found in page:
                server = records.server(found, find_volume)
                yield found.id, server, records.changed_at(found)


def _no_volume(volume_id: str) -> None:
    return None
