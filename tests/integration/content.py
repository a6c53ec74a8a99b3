# SPDX-License-Identifier: Apache-2.0
"""What the small cloud has: as its snapshot, and what a snapshot leaves out.

``SECRET`` is wherever an API lets somebody put a secret.
"""

import base64
import uuid
from typing import Any

import msgspec

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.snapshot import VCenter

SECRET = 'swordfish'

# nova's user data is base64; so it appears in no other way.
ENCODED_SECRET = base64.b64encode(f'password: {SECRET}'.encode()).decode()

PROJECTS = ('admin', 'blue', 'green')
_SPREAD = 300


def _uuid(kind: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f'{kind} {number}'))


def _kvm_host(number: int, **fields: Any) -> Host:
    found = {
        'name': f'kvm-{number:02}',
        'node': f'kvm-{number:02}.example.org',
        'hypervisor_type': 'QEMU',
        'hypervisor_version': 8002000,
        'traits': ('COMPUTE_IMAGE_TYPE_QCOW2', 'HW_CPU_X86_AVX2'),
        'vcpus': Inventory(32, 2, 4.0, 32, 17),
        'memory_mb': Inventory(262_144, 4096, 1.0, 262_144, 65_536),
        'disk_gb': Inventory(2000, 0, 1.5, 2000, 0),
    }
    return Host(**{**found, **fields})


def _vcenter_host(number: int, **fields: Any) -> Host:
    # Of 20 ESXi hosts, the largest of which has 64 cores.
    found = {
        'name': f'vc-{number:02}',
        'node': f'domain-c{number}.{_uuid("vcenter", number)}',
        'hypervisor_type': 'VMware vCenter Server',
        'hypervisor_version': 8000003,
        'traits': ('COMPUTE_IMAGE_TYPE_ISO', 'COMPUTE_IMAGE_TYPE_VMDK'),
        'vcpus': Inventory(1280, 0, 2.0, 64, 300),
        'memory_mb': Inventory(10_485_760, 0, 1.0, 524_288, 1_000_000),
        'disk_gb': Inventory(100_000, 0, 1.0, 50_000, 9000),
    }
    return Host(**{**found, **fields})


HOSTS = (
    *(_kvm_host(number) for number in range(1, 6)),
    _kvm_host(6, state='down'),
    _kvm_host(7, status='disabled', disabled_reason='new memory, 4 March'),
    # Its disks are a shared provider's.
    _kvm_host(8, disk_gb=None),
    # nova-compute could not tell Placement of it.
    _kvm_host(9, vcpus=None, memory_mb=None, disk_gb=None, traits=()),
    _vcenter_host(1),
    _vcenter_host(
        2,
        status='disabled',
        disabled_reason='set by vmwareapi host_state',
    ),
    # A nova-compute whose driver never started. Last, since nova lists it as
    # a service only.
    Host(name='new-01'),
)

AGGREGATES = (
    Aggregate(
        'kvm',
        _uuid('aggregate', 1),
        {'hypervisor_type': 'kvm', 'availability_zone': 'north'},
        tuple(host.name for host in HOSTS if host.name.startswith('kvm')),
    ),
    Aggregate(
        'esxi',
        _uuid('aggregate', 2),
        {
            'hypervisor_type': 'vmware',
            'hypervisor_affinity_admit': 'required',
            'vmware_ostype': '*Guest, *Guest64',
        },
        ('vc-01', 'vc-02'),
    ),
    Aggregate('empty', _uuid('aggregate', 3)),
)

FLAVORS = (
    Flavor('m1.small', '1', 1, 2048, 20),
    Flavor('m1.large', '2', 4, 8192, 80, 10, 512, {'hw:cpu_policy': 'shared'}),
    Flavor(
        'esxi.large',
        _uuid('flavor', 3),
        4,
        8192,
        0,
        extra_specs={'hypervisor_affinity:hypervisor_type': 'vmware'},
    ),
    Flavor('m1.private', '4', 2, 4096, 40),
)
_PRIVATE = 'm1.private'


def _image(
    number: int, name: str, disk_format: str | None, **fields: Any
) -> Image:
    found = {
        'name': name,
        'id': _uuid('image', number),
        'disk_format': disk_format,
        'container_format': disk_format and 'bare',
    }
    return Image(**{**found, **fields})


IMAGES = (
    _image(1, 'ubuntu', 'qcow2', properties={'hw_disk_bus': 'virtio'}),
    _image(
        2,
        'windows',
        'vmdk',
        properties={
            'hypervisor_type': 'vmware',
            'trait:COMPUTE_IMAGE_TYPE_VMDK': 'required',
            'vmware_adaptertype': 'paraVirtual',
            'vmware_disktype': 'streamOptimized',
            'vmware_ostype': 'windows2019srv_64Guest',
        },
        dropped=('vmware_create_type', 'vmware_tools_version'),
    ),
    _image(3, 'appliance', 'raw', dropped=('admin_password',)),
    _image(4, 'installer', 'iso'),
    _image(5, 'twice', 'raw'),
    _image(6, 'twice', 'raw'),
    _image(7, 'retired', 'qcow2'),
    _image(8, 'of a community', 'qcow2'),
    _image(9, 'of another project', 'qcow2'),
    _image(10, 'not for now', 'qcow2', status='deactivated'),
    # Neither name nor formats: created and never uploaded.
    _image(11, '', None, status='queued'),
    _image(12, 'template', 'vmdk', container_format='ova'),
)
# {id: what a snapshot leaves out, of the body that creates the image}
IMAGE_EXTRAS: dict[str, dict[str, Any]] = {
    IMAGES[1].id: {
        'vmware_create_type': SECRET,
        'vmware_tools_version': SECRET,
        'tags': [SECRET],
    },
    IMAGES[2].id: {
        'admin_password': SECRET,
        'os_command_line': f'root_password={SECRET}',
    },
    IMAGES[6].id: {'os_hidden': True},
    IMAGES[7].id: {'visibility': 'community', 'owner': 'blue'},
    IMAGES[8].id: {'visibility': 'private', 'owner': 'blue'},
}

_WINDOWS_FROZEN = {
    'hypervisor_type': 'vmware',
    'vmware_disktype': 'streamOptimized',
    'vmware_ostype': 'windows2019srv_64Guest',
}
# Of the images, and of volumes made from them.
_FROZEN = ({'hw_disk_bus': 'virtio'}, _WINDOWS_FROZEN, {})


def _spread_server(number: int) -> Server:
    image = number % len(_FROZEN)
    hosts = HOSTS[9:11] if image == 1 else HOSTS[:8]
    host = hosts[number % len(hosts)]
    return Server(
        id=_uuid('server', number),
        # As it was: of a server's own flavor the API tells no id.
        flavor=msgspec.structs.replace(FLAVORS[number % 4], id=''),
        name=f'web-{number:03}',
        project=PROJECTS[number % 3],
        status=('ACTIVE', 'SHUTOFF', 'PAUSED')[number % 3],
        host=host.name,
        node=host.node,
        image=IMAGES[image].id,
        image_properties=_FROZEN[image],
    )


def _special(number: int, **fields: Any) -> Server:
    server = _spread_server(1000 + number)
    return msgspec.structs.replace(
        server, **{'name': f'special-{number}', **fields}
    )


_FROM_VOLUME = {'image': None, 'volume': True}

SERVERS = (
    *map(_spread_server, range(_SPREAD)),
    # Its image was deleted, and its flavor was changed since.
    _special(
        1,
        image=_uuid('image', 99),
        flavor=Flavor(
            'm1.large', '', 2, 4096, 40, extra_specs={'hw:mem_page_size': '2'}
        ),
    ),
    _special(2, status='ERROR', fault='Disk format qcow2 is not acceptable'),
    _special(
        3,
        status='ERROR',
        host=None,
        node=None,
        fault='No valid host was found. The image needs VMware',
    ),
    _special(4, status='SHELVED_OFFLOADED', host=None, node=None),
    # Two volumes from images: the one at the root device counts.
    _special(5, **_FROM_VOLUME, image_properties=_WINDOWS_FROZEN),
    # A shelved server has no attachments: the only bootable one counts.
    _special(
        6,
        **_FROM_VOLUME,
        status='SHELVED_OFFLOADED',
        host=None,
        node=None,
        image_properties=_WINDOWS_FROZEN,
    ),
    # Shelved, and two of its volumes are bootable.
    _special(
        7,
        **_FROM_VOLUME,
        status='SHELVED_OFFLOADED',
        host=None,
        node=None,
        image_properties=None,
    ),
    # A volume that was never an image.
    _special(8, **_FROM_VOLUME, image_properties={}),
    # Cinder knows its volume no more.
    _special(9, **_FROM_VOLUME, image_properties=None),
    _special(10, name='ubuntu (22.04) | [ü] *'),
    _special(11, name='same name'),
    _special(12, name='same name'),
    _special(13, name='SAME NAME'),
)


def _volume(number: int, bootable: bool, *attached: tuple) -> dict[str, Any]:
    """Return a volume as Cinder shows it.

    :param attached: special servers with the devices
    """
    return {
        'id': _uuid('volume', number),
        'name': SECRET,
        'bootable': str(bootable).lower(),
        'metadata': {'password': SECRET},
        'attachments': [
            {'server_id': _special(server).id, 'device': device}
            for server, device in attached
        ],
    }


def _volume_with(volume: dict[str, Any], **properties: str) -> dict[str, Any]:
    metadata = {
        'image_id': IMAGES[1].id,
        'image_name': 'windows',
        'checksum': 'd41d8cd98f00b204e9800998ecf8427e',
        'disk_format': 'vmdk',
        'container_format': 'bare',
        'min_disk': '0',
        'min_ram': '0',
        'size': '1048576',
        'vmware_tools_version': SECRET,
        'os_command_line': SECRET,
    }
    return {**volume, 'volume_image_metadata': {**metadata, **properties}}


VOLUMES = (
    _volume_with(_volume(1, True, (5, '/dev/vdb'))),
    _volume_with(_volume(2, True, (5, '/dev/vda')), **_WINDOWS_FROZEN),
    _volume(3, False, (5, '/dev/vdc')),
    _volume_with(_volume(4, True), **_WINDOWS_FROZEN),
    _volume(5, False),
    _volume_with(_volume(6, True)),
    _volume_with(_volume(7, True)),
    _volume(8, True, (8, '/dev/vda')),
)
# {special server: its volumes}
_VOLUMES_OF = {5: (1, 2, 3), 6: (4, 5), 7: (6, 7), 8: (8,), 9: (9,)}


# Those of tests.integration.test_vcenters are simulated beside it.
VCENTERS: tuple[VCenter, ...] = ()


def document() -> dict[str, list[dict[str, Any]]]:
    """Return what is to be in nova and Placement, for the program."""
    found = {
        'hosts': msgspec.to_builtins(HOSTS),
        'aggregates': msgspec.to_builtins(AGGREGATES),
        'flavors': msgspec.to_builtins(FLAVORS),
        'servers': msgspec.to_builtins(SERVERS),
    }
    for flavor in found['flavors']:
        flavor['is_public'] = flavor['name'] != _PRIVATE
    for server in found['servers']:
        server.update(_extras(server))
    return found


def _extras(server: dict[str, Any]) -> dict[str, Any]:
    volumes = [
        {'id': _uuid('volume', volume), 'device': f'/dev/vd{letter}'}
        for special, volumes in _VOLUMES_OF.items()
        if server['id'] == _special(special).id
        for volume, letter in zip(
            volumes, _letters(special, volumes), strict=True
        )
    ]
    return {
        'description': SECRET,
        'fault_details': SECRET,
        'metadata': {'password': SECRET},
        'system_metadata': {
            'image_os_command_line': SECRET,
            'image_admin_password': SECRET,
            'password_0': SECRET,
        },
        'user_data': ENCODED_SECRET,
        'volumes': volumes,
    }


def _letters(special: int, volumes: tuple[int, ...]) -> str:
    # Of the first, what is attached first is not the root volume.
    return 'bac' if special == 5 else 'abc'[: len(volumes)]
