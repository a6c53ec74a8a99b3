# SPDX-License-Identifier: Apache-2.0
"""Hosts of nova-compute."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence

from testbed.processes import libvirt
from testbed.processes import nova_conf
from testbed.processes import vsphere
from testbed.processes.nova import Nova
from testbed.processes.nova_service import NovaService

_REAL_PROGRAM = 'nova-compute'
_FAKE_PROGRAM = 'hypervisor-affinity-fake-compute'
_FAKE_OPTIONS = 'hypervisor_affinity_fake_compute'
_FAKE_DRIVERS = 'hypervisor_affinity_fake'

_KVM_SIZES = {'vcpus': 16, 'memory_mb': 16 * 1024, 'disk_gb': 500}
# Of the faked ones, nova gives each vCPU to four servers by default.
_SHARES = 4
# In the directory of a nova-compute, for all that libvirt has.
_LIBVIRT = 'libvirt'


@dataclasses.dataclass(frozen=True, slots=True)
class Launch:
    """How a nova-compute is started.

    * ``options``: of its driver
    * ``inside``: the command that runs its program; empty for none
    * ``environment``: what it has beside the usual
    """

    options: nova_conf.Options
    inside: Sequence[str | pathlib.Path] = ()
    environment: Mapping[str, str] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """A compute host.

    * ``aggregate``: that it is put into, whose hypervisor_type it is, too
    * ``program``: that it runs
    * ``driver``: what boots its servers, for whoever started the cloud
    * ``launch``: returns how it is started, given its directory
    * ``is_on_vcenter``: whether the simulated vCenter is behind it
    """

    name: str
    aggregate: str
    program: str
    driver: str
    launch: Callable[[Nova, pathlib.Path], Launch]
    is_on_vcenter: bool = False

    @property
    def is_real(self) -> bool:
        """Tell whether its driver is nova's own."""
        return self.program == _REAL_PROGRAM

    @property
    def service_name(self) -> str:
        """Return the name of the program that runs it."""
        return _service_name(self.name)

    def service(self, nova: Nova) -> NovaService:
        """Return its nova-compute, not started yet."""
        folder = nova.folder / self.service_name
        folder.mkdir(exist_ok=True)
        launch = self.launch(nova, folder)
        return NovaService(
            nova,
            self.service_name,
            self.program,
            self.name,
            nova_conf.merge(
                nova.common_options(),
                {
                    'DEFAULT': {'reserved_host_memory_mb': 0},
                    # As in a cell that cannot reach the API's database.
                    'workarounds': {'disable_group_policy_check_upcall': True},
                },
                launch.options,
            ),
            environment=launch.environment,
            inside=launch.inside,
        )


def hosts(cloud: pathlib.Path) -> tuple[Host, ...]:
    """Return two KVM hosts and a vCenter cluster.

    The KVM hosts have nova's own driver, unless something is missing for it
    on this machine, or the cloud was made where something was.

    :param cloud: its directory
    :raises OSError: the cloud was made with nova's own driver, and something
        is missing now
    """
    lacks = libvirt.lacks(cloud)
    names = ('kvm-1', 'kvm-2')
    before = cloud / 'nova' / _service_name(names[0]) / NovaService.CONF
    if before.exists():
        virt_type = nova_conf.value(before, 'libvirt', 'virt_type')
        if virt_type and lacks:
            raise OSError(f'the KVM hosts of this cloud are real, but {lacks}')
    else:
        virt_type = None if lacks else libvirt.usable_virt_type()
    why = lacks or 'so they were when this cloud was made'
    return (
        *(
            kvm_host(name, virt_type)
            if virt_type
            else faked_kvm_host(name, why)
            for name in names
        ),
        vsphere_host('vc-1'),
    )


def kvm_host(name: str, virt_type: str) -> Host:
    """Return a host with nova's own driver, on QEMU.

    It gives away as much as a faked one, whatever the machine has.

    :param virt_type: ``kvm`` or ``qemu``
    """

    def launch(nova: Nova, folder: pathlib.Path) -> Launch:
        return Launch(
            options=libvirt.options(
                nova.folder / 'instances',
                folder / NovaService.CONF,
                {**_KVM_SIZES, 'vcpus': _KVM_SIZES['vcpus'] * _SHARES},
                virt_type,
            ),
            inside=libvirt.enter(name, folder / _LIBVIRT),
            environment=libvirt.environment(folder / 'modules'),
        )

    return Host(
        name=name,
        aggregate='kvm',
        program=_REAL_PROGRAM,
        driver=f"nova's libvirt driver, virt_type={virt_type}",
        launch=launch,
    )


def faked_kvm_host(name: str, why: str = 'as asked for') -> Host:
    """Return a host that looks like KVM, and boots nothing.

    :param why: it is no real one
    """
    return _fake_host(
        name, 'kvm', driver='LibvirtDriver', sizes=_KVM_SIZES, why=why
    )


def vsphere_host(name: str) -> Host:
    """Return a host with nova's own driver, on the simulated vCenter.

    It has 256 GiB in all, and no server can be larger than 64.
    """
    return Host(
        name=name,
        aggregate='vmware',
        program=_REAL_PROGRAM,
        driver="nova's vSphere driver, on a simulated vCenter",
        launch=lambda nova, _: Launch(
            nova.site.vcenter.options(), environment=vsphere.environment()
        ),
        is_on_vcenter=True,
    )


def vcenter_host(name: str) -> Host:
    """Return a host with a vCenter's face, of the same size as a real one."""
    return _fake_host(
        name,
        'vmware',
        why='as asked for',
        driver='VCenterDriver',
        sizes={
            'vcpus': 16,
            'memory_mb': 64 * 1024,
            'disk_gb': 2000,
            'esxi_hosts': 4,
        },
    )


def _service_name(host: str) -> str:
    return f'nova-compute-{host}'


def _fake_host(
    name: str, aggregate: str, why: str, driver: str, sizes: dict[str, int]
) -> Host:
    return Host(
        name=name,
        aggregate=aggregate,
        program=_FAKE_PROGRAM,
        driver=f'none, it is faked: {why}',
        launch=lambda *_: Launch(
            {
                'DEFAULT': {'compute_driver': f'{_FAKE_DRIVERS}.{driver}'},
                _FAKE_OPTIONS: sizes,
            }
        ),
    )
