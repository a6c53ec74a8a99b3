# SPDX-License-Identifier: Apache-2.0
"""The reference case as a cloud that runs, where stock nova put its servers.

``etc/scenarios/reference-case.yaml`` is the source: ``simulate`` shows that
with stock filters all of its servers come to vCenter.
"""

import pathlib
import uuid

import msgspec

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.simulation import scenario
from tests.cloud_of_records import Records

SCENARIO = (
    pathlib.Path(__file__).parents[1] / 'etc/scenarios/reference-case.yaml'
)
VCENTER = 'vcenter'


def read() -> Records:
    """Return the cloud, with all 300 servers on vCenter."""
    story = scenario.read(SCENARIO)
    cloud = story.cloud
    members: dict[str, list[str]] = {}
    hosts = []
    for group in cloud.hosts:
        for host in group.each():
            hosts.append(host)
            for name in group.aggregates:
                members.setdefault(name, []).append(host.name)
    images = {
        image.name: msgspec.structs.replace(
            image, id=str(uuid.UUID(int=number))
        )
        for number, image in enumerate(cloud.images)
    }
    return Records(
        hosts=hosts,
        aggregates=[
            msgspec.structs.replace(each, hosts=tuple(members[each.name]))
            for each in cloud.aggregates
        ],
        flavors=list(cloud.flavors),
        images=list(images.values()),
        servers=_servers(story, images),
    )


def _servers(
    story: scenario.Scenario, images: dict[str, Image]
) -> list[Server]:
    flavors = {flavor.name: flavor for flavor in story.cloud.flavors}
    boots = (a.boot for step in story.steps for a in step.do if a.boot)
    servers: list[Server] = []
    for boot in boots:
        image = images[boot.image] if boot.image else None
        for _ in range(boot.count):
            number = len(servers) + 1
            servers.append(
                Server(
                    f's-{number}',
                    flavors[boot.flavor],
                    name=f'server-{number}',
                    host=VCENTER,
                    image=image.id if image and not boot.volume else None,
                    volume=boot.volume,
                    image_properties=dict(image.properties) if image else {},
                )
            )
    return servers
