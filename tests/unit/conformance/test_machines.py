# SPDX-License-Identifier: Apache-2.0
"""What is in a machine, and whether it is what was asked for."""

import pytest
from pyVmomi import vim

from testbed.conformance import qemu
from testbed.conformance import vsphere

DEVICE = vim.vm.device
LOG = """\
2026-11-30 23:13:00.842+0000: starting up libvirt version: 9.0.0, package: 1, \
qemu version: 7.2.22Debian 1:7.2, kernel: 6.1, hostname: kvm-1
LC_ALL=C \\
/bin/qemu-system-x86_64 \\
-device '{{"driver":"{nic}","netdev":"hostnet0","id":"net0"}}' \\
-device '{{"driver":"{disk}","drive":"libvirt-1-format","id":"disk0"}}' \\
"""
DESCRIBED = """\
<!-- made by libvirt -->
<domain type='kvm'><os><type arch='x86_64'>hvm</type></os><devices>
<disk><target dev='sda' bus='sata'/></disk>
<interface type='ethernet'><model type='{nic}'/></interface>
</devices></domain>
"""


@pytest.fixture
def machine(tmp_path):
    (tmp_path / 'etc/qemu').mkdir(parents=True)
    (tmp_path / 'log/qemu').mkdir(parents=True)
    described = DESCRIBED.format(nic='vmxnet3')
    (tmp_path / 'etc/qemu/it.xml').write_text(described)
    # The server was started twice: the last time counts.
    (tmp_path / 'log/qemu/it.log').write_text(
        LOG.format(nic='e1000', disk='virtio-blk-pci')
        + LOG.format(nic='vmxnet3', disk='ide-hd')
    )
    return qemu.Machine(tmp_path, 'it')


def test_devices_of_qemu(machine):
    assert machine.versions == {
        'libvirt': '9.0.0',
        'QEMU': '7.2.22',
        'virt_type': 'kvm',
    }
    assert machine.device('hw_vif_model') == 'vmxnet3'
    assert machine.device('hw_disk_bus') == 'ide-hd'
    assert machine.device('hw_architecture') == 'qemu-system-x86_64'
    assert machine.device('hw_scsi_model') == ''
    assert machine.device('os_distro') == ''


@pytest.mark.parametrize(
    ('name', 'value', 'expected'),
    [
        ('hw_vif_model', 'vmxnet3', True),
        ('hw_vif_model', 'e1000', False),
        ('hw_disk_bus', 'sata', True),
        ('hw_disk_bus', 'virtio', False),
        ('hw_architecture', 'x86_64', True),
        ('hw_architecture', 'aarch64', False),
        # The machine has none.
        ('hw_scsi_model', 'lsilogic', False),
        ('os_distro', 'otherGuest', False),
    ],
)
def test_what_was_asked_of_qemu(machine, name, value, expected):
    assert machine.has(name, {name: value}) is expected


def configured(controller, nic):
    return vsphere.Machine(
        vim.vm.ConfigInfo(
            guestId='otherGuest',
            hardware=vim.vm.VirtualHardware(
                device=[
                    controller(key=7),
                    nic(key=8),
                    DEVICE.VirtualDisk(key=9, controllerKey=7),
                ]
            ),
        )
    )


@pytest.mark.parametrize(
    ('controller', 'name', 'value', 'expected'),
    [
        ('VirtualLsiLogicController', 'hw_scsi_model', 'lsilogic', True),
        ('VirtualLsiLogicController', 'hw_scsi_model', 'lsisas1068', False),
        ('VirtualLsiLogicSASController', 'hw_scsi_model', 'lsisas1068', True),
        ('VirtualBusLogicController', 'hw_scsi_model', 'buslogic', True),
        ('ParaVirtualSCSIController', 'hw_scsi_model', 'vmpvscsi', True),
        ('VirtualLsiLogicController', 'hw_scsi_model', 'virtio-scsi', False),
        ('VirtualLsiLogicController', 'hw_disk_bus', 'scsi', True),
        ('VirtualLsiLogicController', 'hw_disk_bus', 'ide', False),
        ('VirtualIDEController', 'hw_disk_bus', 'ide', True),
        ('VirtualLsiLogicController', 'hw_disk_bus', 'virtio', False),
    ],
)
def test_adapters_of_vsphere(controller, name, value, expected):
    machine = configured(getattr(DEVICE, controller), DEVICE.VirtualE1000)
    assert machine.device(name) == controller
    assert machine.has(name, {name: value}) is expected


@pytest.mark.parametrize(
    ('nic', 'value', 'expected'),
    [
        ('VirtualPCNet32', 'pcnet', True),
        ('VirtualSriovEthernetCard', 'sriov', True),
        ('VirtualVmxnet3', 'vmxnet3', True),
        ('VirtualVmxnet3', 'vmxnet', False),
        ('VirtualE1000', 'virtio', False),
    ],
)
def test_network_adapters_of_vsphere(nic, value, expected):
    machine = configured(DEVICE.VirtualIDEController, getattr(DEVICE, nic))
    assert machine.device('hw_vif_model') == nic
    found = {'hw_vif_model': value}
    assert machine.has('hw_vif_model', found) is expected


def test_guest_ids_of_vsphere():
    machine = configured(DEVICE.VirtualIDEController, DEVICE.VirtualE1000)
    assert machine.has('os_distro', {'os_distro': 'otherGuest'})
    assert not machine.has('os_distro', {'os_distro': 'ubuntu64Guest'})
    assert not machine.has('hw_architecture', {'hw_architecture': 'x86_64'})
