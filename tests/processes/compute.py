# SPDX-License-Identifier: Apache-2.0
"""nova-compute without a hypervisor, one for each host."""

import dataclasses

from tests.processes import nova_conf
from tests.processes.nova import Nova
from tests.processes.supervisor import BIN

_OPTIONS = 'hypervisor_affinity_fake_compute'
_DRIVERS = 'hypervisor_affinity_fake'


@dataclasses.dataclass(frozen=True)
class Host:
    """A compute host.

    * ``aggregate``: that it is put into
    * ``sizes``: options of the driver
    """

    name: str
    driver: str
    aggregate: str
    sizes: dict[str, int]

    def start(self, nova: Nova) -> None:
        """Start its nova-compute."""
        folder = nova.folder / self.name
        folder.mkdir()
        conf = folder / 'nova.conf'
        nova_conf.write(
            conf,
            nova.common_options(),
            {
                'DEFAULT': {
                    'compute_driver': f'{_DRIVERS}.{self.driver}',
                    'host': self.name,
                    # Each has its identity there.
                    'state_path': folder,
                    'reserved_host_memory_mb': 0,
                },
                'oslo_concurrency': {'lock_path': folder},
                # As in a cell that cannot reach the API's database.
                'workarounds': {'disable_group_policy_check_upcall': True},
                _OPTIONS: self.sizes,
            },
        )
        nova.site.programs.start(
            f'nova-compute-{self.name}',
            [
                BIN / 'hypervisor-affinity-fake-compute',
                f'--config-file={conf}',
            ],
        )


def _kvm_host(name: str) -> Host:
    return Host(
        name=name,
        driver='LibvirtDriver',
        aggregate='kvm',
        sizes={'vcpus': 8, 'memory_mb': 16 * 1024, 'disk_gb': 500},
    )


HOSTS = (
    _kvm_host('kvm-1'),
    _kvm_host('kvm-2'),
    # 256 GiB in all, and no server larger than 64.
    Host(
        name='vc-1',
        driver='VCenterDriver',
        aggregate='vmware',
        sizes={
            'vcpus': 16,
            'memory_mb': 64 * 1024,
            'disk_gb': 2000,
            'esxi_hosts': 4,
        },
    ),
)
