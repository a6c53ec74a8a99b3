# SPDX-License-Identifier: Apache-2.0
"""Hosts of nova-compute."""

import dataclasses
from collections.abc import Callable, Mapping

from testbed.processes import nova_conf
from testbed.processes import vsphere
from testbed.processes.nova import Nova
from testbed.processes.nova_service import NovaService
from testbed.processes.site import WholeSite

_REAL_PROGRAM = 'nova-compute'
_FAKE_PROGRAM = 'hypervisor-affinity-fake-compute'
_FAKE_OPTIONS = 'hypervisor_affinity_fake_compute'
_FAKE_DRIVERS = 'hypervisor_affinity_fake'


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """A compute host.

    * ``aggregate``: that it is put into, whose hypervisor_type it is, too
    * ``program``: that it runs
    * ``options``: returns those of its driver
    * ``environment``: what its program has beside the usual
    """

    name: str
    aggregate: str
    program: str
    options: Callable[[WholeSite], nova_conf.Options]
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def service_name(self) -> str:
        """Return the name of the program that runs it."""
        return f'nova-compute-{self.name}'

    @property
    def is_on_vcenter(self) -> bool:
        """Tell whether the simulated vCenter is behind it."""
        return self.program == _REAL_PROGRAM

    def service(self, nova: Nova) -> NovaService:
        """Return its nova-compute, not started yet."""
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
                self.options(nova.site),
            ),
            environment=self.environment,
        )


def kvm_host(name: str) -> Host:
    """Return a host with libvirt's face."""
    return _fake_host(
        name,
        aggregate='kvm',
        driver='LibvirtDriver',
        sizes={'vcpus': 16, 'memory_mb': 16 * 1024, 'disk_gb': 500},
    )


def vsphere_host(name: str) -> Host:
    """Return a host with nova's own driver, on the simulated vCenter.

    It has 256 GiB in all, and no server can be larger than 64.
    """
    return Host(
        name=name,
        aggregate='vmware',
        program=_REAL_PROGRAM,
        options=lambda site: site.vcenter.options(),
        environment=vsphere.environment(),
    )


def vcenter_host(name: str) -> Host:
    """Return a host with a vCenter's face, of the same size as a real one."""
    return _fake_host(
        name,
        aggregate='vmware',
        driver='VCenterDriver',
        sizes={
            'vcpus': 16,
            'memory_mb': 64 * 1024,
            'disk_gb': 2000,
            'esxi_hosts': 4,
        },
    )


def _fake_host(
    name: str, aggregate: str, driver: str, sizes: dict[str, int]
) -> Host:
    return Host(
        name=name,
        aggregate=aggregate,
        program=_FAKE_PROGRAM,
        options=lambda _: {
            'DEFAULT': {'compute_driver': f'{_FAKE_DRIVERS}.{driver}'},
            _FAKE_OPTIONS: sizes,
        },
    )


HOSTS = (kvm_host('kvm-1'), kvm_host('kvm-2'), vsphere_host('vc-1'))
# With another vCenter, which does all that nova knows.
TESTED_HOSTS = (*HOSTS, vcenter_host('vc-2'))
