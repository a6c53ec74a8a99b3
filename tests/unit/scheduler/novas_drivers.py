# SPDX-License-Identifier: Apache-2.0
"""What nova's own drivers do with an image, by running their functions.

Nothing here is written down of what a driver takes, but for three things that
nova leaves to others: libvirt's QEMU driver has no BusLogic adapter and no
disk on a floppy controller (libvirt would have to run, as it does for
testbed.conformance), and vSphere makes no disk without a type of adapter (the
API says that the type is required).
"""

import functools
import pathlib
import struct
import subprocess
import tarfile
from collections.abc import Callable
from unittest import mock

from nova import exception
from nova import objects
from nova.scheduler.filters import image_props_filter
from nova.virt.ironic import driver as ironic_driver
from nova.virt.libvirt import blockinfo
from nova.virt.libvirt import driver as libvirt_driver
from nova.virt.libvirt import vif
from nova.virt.vmwareapi import host as vmware_host
from nova.virt.vmwareapi import images as vmware_images
from nova.virt.vmwareapi import vm_util
from nova.virt.vmwareapi import vmops
from pyVmomi import vim
from pyVmomi.VmomiSupport import F_OPTIONAL

from tests.compute_images import nova_accepts
from tests.unit.scheduler import nova_objects

# Glance's disk formats, by its own default of [image_format] disk_formats
# and what else its documentation names -> QEMU's name, if it can make one.
DISK_FORMATS = {
    'aki': 'raw',
    'ami': 'raw',
    'ari': 'raw',
    'iso': None,
    'ploop': 'parallels',
    'qcow2': 'qcow2',
    'raw': 'raw',
    'vdi': 'vdi',
    'vhd': 'vpc',
    'vhdx': 'vhdx',
    'vmdk': 'vmdk',
    'vstorageobject': 'raw',
    # An archive, which Glance calls a VMDK.
    'ova': None,
}

_NO_MODEL_OF_QEMU = frozenset({'buslogic'})
_NO_BUS_OF_DISKS = frozenset({'fdc'})
_DISK_SPEC = vim.VirtualDiskManager.VirtualDiskSpec
_NEEDS_AN_ADAPTER = not (
    _DISK_SPEC._GetPropertyInfo('adapterType').flags & F_OPTIONAL
)
GUEST_IDS = frozenset(vim.vm.GuestOsDescriptor.GuestOsIdentifier.values)


def kvm_boots(image: dict, volume: bool, reads: Callable[[str], bool]) -> bool:
    """Tell whether nova's libvirt driver starts a server of this image.

    :param reads: see :meth:`Disks.reads`
    """
    meta = nova_objects.image_meta(image)
    # As its owner means it: sriov is for ports that are handed through.
    port = 'direct' if _model(meta) == 'sriov' else 'normal'
    try:
        bus = blockinfo.get_disk_bus_for_device_type(None, 'kvm', meta)
        vif.LibvirtGenericVIFDriver().get_base_config(
            None,
            '02:00:00:00:00:01',
            meta,
            objects.Flavor(vcpus=1, extra_specs={}),
            'kvm',
            port,
        )
    except exception.UnsupportedHardware:
        return False
    if bus in _NO_BUS_OF_DISKS:
        return False
    controller = libvirt_driver.LibvirtDriver._get_scsi_controller(meta)
    if controller and controller.model in _NO_MODEL_OF_QEMU:
        return False
    if 'disk_format' not in image:
        return True
    if image.get('container_format') == 'ova':
        return reads('ova')
    return reads(image['disk_format'])


def vsphere_boots(image: dict, volume: bool) -> bool:
    """Tell whether nova's vSphere driver starts a server of this image."""
    meta = nova_objects.image_meta(image)
    with mock.patch.object(
        vmware_images, 'get_vsphere_location', return_value=None
    ):
        try:
            read = vmware_images.VMwareImage.from_image(None, 'id', meta)
            vm_util.convert_vif_model(read.vif_model)
            if not volume:
                _prepares(read)
        except (
            exception.Invalid,
            exception.InvalidDiskFormat,
            exception.InvalidDiskInfo,
        ):
            return False
    if read.os_type not in GUEST_IDS:
        return False
    if read.adapter_type is None and not volume and _makes_a_disk(read):
        return not _NEEDS_AN_ADAPTER
    return _is_reported(image, 'VMware vCenter Server', vsphere_reports())


def _model(meta: objects.ImageMeta) -> str | None:
    return meta.properties.get('hw_vif_model')


def _prepares(read: vmware_images.VMwareImage) -> str:
    """Return the name of the method by which the driver gets the disk.

    :raises nova.exception.InvalidDiskInfo: if there is none
    """
    operations = vmops.VMwareVMOps.__new__(vmops.VMwareVMOps)
    prepare, _, _ = operations._get_image_callbacks(mock.Mock(ii=read))
    return prepare.__name__


def _makes_a_disk(read: vmware_images.VMwareImage) -> bool:
    """Tell whether vCenter is asked for a new disk, and not for a copy."""
    # An OVA is imported, whatever the method prepares.
    return not read.is_ova and _prepares(read) in (
        '_prepare_flat_image',
        '_prepare_iso_image',
    )


@functools.cache
def vsphere_reports() -> tuple[tuple[str, str, str], ...]:
    """Return the driver's supported_instances."""
    session = mock.Mock()
    about = mock.Mock(version='8.0.3')
    about.name = 'VMware vCenter Server'
    session._call_method.return_value = about
    stats = {
        'cpu': {'vcpus': 1},
        'mem': {'total': 1, 'free': 1},
    }
    with (
        mock.patch.object(
            vmware_host,
            '_get_ds_capacity_and_freespace',
            return_value=(1, 1),
        ),
        mock.patch.object(
            vm_util, 'get_stats_from_cluster', return_value=stats
        ),
    ):
        state = vmware_host.VCState(session, 'vc', 'domain-c7', None)
    return tuple(state.get_host_stats()['supported_instances'])


def ironic_reports(architecture: str) -> list[tuple[str, str, str]]:
    """Return the bare metal driver's supported_instances."""
    return ironic_driver._get_nodes_supported_instances(architecture)


def _is_reported(image: dict, hypervisor_type: str, instances: tuple) -> bool:
    """Ask nova's own filter whether such a host has the image's machine."""
    state = nova_objects.host_state('vc', hypervisor_type, ())
    state.supported_instances = [list(found) for found in instances]
    machine = {
        name: value
        for name, value in image.items()
        if name in ('architecture', 'hw_architecture', 'disk_format')
    }
    return image_props_filter.ImagePropertiesFilter().host_passes(
        state, nova_objects.request_spec(machine)
    )


class Disks:
    """A file of each format, made by qemu-img once it is asked for."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._answers: dict[str, bool] = {}

    def reads(self, disk_format: str) -> bool:
        """Tell whether nova-compute with libvirt takes such a file.

        Of volumes, Cinder looks at the same with the same inspector.

        :param disk_format: one of DISK_FORMATS
        """
        if disk_format not in self._answers:
            self._answers[disk_format] = nova_accepts(
                self._make(disk_format),
                'vmdk' if disk_format == 'ova' else disk_format,
            )
        return self._answers[disk_format]

    def _make(self, disk_format: str) -> pathlib.Path:
        path = self._folder / disk_format
        qemu_name = DISK_FORMATS[disk_format]
        if disk_format == 'iso':
            path.write_bytes(_iso())
            return path
        if disk_format == 'ova':
            with tarfile.open(path, 'w') as archive:
                archive.add(self._make('vmdk'), 'disk.vmdk')
            return path
        options = []
        if qemu_name == 'vmdk':
            options = ['-o', 'subformat=monolithicSparse']
        subprocess.run(
            [
                'qemu-img',
                'create',
                '-q',
                '-f',
                qemu_name,
                *options,
                path,
                '8M',
            ],
            check=True,
        )
        return path


def _iso() -> bytes:
    """Return as much of an ISO as identifies one."""
    sector = 2048
    volume = struct.pack('<B5sBx', 1, b'CD001', 1) + bytes(72)
    volume += struct.pack('<I4xI', 32, 32)
    return bytes(16 * sector) + volume.ljust(sector, b'\0') + bytes(64 * 1024)
