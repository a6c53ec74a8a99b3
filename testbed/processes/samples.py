# SPDX-License-Identifier: Apache-2.0
"""What a new cloud has to be tried with."""

import pathlib
import shutil

from openstack import connection

from hypervisor_affinity_tempest_plugin import disks
from testbed import boot_disks
from testbed.processes import keystone

USER = 'demo'

# {disk format, also the image's name: properties}
_IMAGES = {
    'qcow2': {},
    'vmdk': {'vmware_disktype': 'streamOptimized'},
    'iso': {},
}


def add(cloud: connection.Connection) -> None:
    """Add an image of each kind, flavors, and a user who is nobody special.

    What is there by its name stays as it is.

    :param cloud: the administrator's connection
    """
    for disk_format, properties in _IMAGES.items():
        if cloud.image.find_image(disk_format):
            continue
        cloud.image.upload_image(
            name=disk_format,
            disk_format=disk_format,
            container_format='bare',
            visibility='public',
            data=_disk(disk_format),
            **properties,
        )
    for name, ram in (('small', 128), ('large', 4096)):
        if not cloud.compute.find_flavor(name):
            cloud.compute.create_flavor(name=name, ram=ram, vcpus=1, disk=1)
    keystone.ensure_user(cloud.identity, USER)


def folder(state: pathlib.Path) -> pathlib.Path:
    """Return where there are disks to make images of.

    :param state: the folder of the cloud
    """
    return state / 'disks'


def write(state: pathlib.Path) -> None:
    """Write a small disk of each kind, as the images have them.

    :param state: the folder of the cloud
    """
    folder(state).mkdir(exist_ok=True)
    for disk_format in _IMAGES:
        path = folder(state) / f'tiny.{disk_format}'
        path.write_bytes(_disk(disk_format))


def _disk(disk_format: str) -> bytes:
    """Return a disk that boots, or an empty one if QEMU's tool is missing."""
    if shutil.which(boot_disks.QEMU_IMG):
        return boot_disks.disk(disk_format)
    return disks.IN_FORMAT[disk_format]()
