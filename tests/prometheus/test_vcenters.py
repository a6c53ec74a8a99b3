# SPDX-License-Identifier: Apache-2.0
"""Prometheus scrapes the exporter of two vCenters, while these change."""

import pytest

from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.cloud.vcenter import options
from hypervisor_affinity.cloud.vcenter.vcenters import VCenters
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.exporter.export import Exporter
from hypervisor_affinity.operations.vcenter.servers import SecondLook
from testbed.processes import polling
from testbed.vcenter import inventory
from testbed.vcenter.inventory import GIB
from tests import cloud_of_records as records
from tests.installed import skip_without
from tests.prometheus import programs
from tests.vcenter import conf_files
from tests.vcenter.administrator import Administrator

# Fixtures, which pytest finds by their names.
from tests.vcenter.conftest import authority  # noqa: F401
from tests.vcenter.conftest import make_vcenter  # noqa: F401
from tests.vcenter.conftest import simulator_program  # noqa: F401
from tests.vcenter.conftest import start_vcenter  # noqa: F401

HOSTS = 4
MOID = 'domain-c8'


def described(number):
    """Return a vCenter with a cluster of the same name and id as others."""
    cluster = inventory.cluster('production', hosts=HOSTS, moid=MOID)
    return inventory.Inventory(
        instance_uuid=inventory.make_uuid(f'vCenter {number}'),
        clusters=[cluster],
        datastores=[inventory.datastore('shared', cluster.hosts)],
    )


def host_of(number, described):
    """Return the host that nova and Placement have for the cluster."""
    hardware = described.clusters[0].hosts[0].hardware
    memory = hardware.memory_bytes // 2**20
    disk = described.datastores[0].capacity_bytes // GIB
    threads = hardware.cpu_threads
    return records.vcenter(
        f'vc-{number}',
        node=f'{MOID}.{described.instance_uuid}',
        vcpus=Inventory(HOSTS * threads, max_unit=threads),
        memory_mb=Inventory(HOSTS * memory, max_unit=memory),
        disk_gb=Inventory(disk),
    )


class Stage:
    """All of it.

    :ivar vcenters: two
    """

    def __init__(self, vcenters, prometheus):
        self.vcenters = vcenters
        self._prometheus = prometheus

    def names(self):
        return [f'{each.host}:{each.port}' for each in self.vcenters]

    def has(self, expression):
        """Wait until an expression has a result."""
        polling.until(lambda: self._prometheus.query(expression), expression)

    def alerts(self):
        """Return the alerts, by name and vCenter, pending or firing."""
        return {
            (
                labels['alertname'].removeprefix('HypervisorAffinity'),
                labels.get('vcenter') or labels.get('source'),
            )
            for labels in (
                alert['labels']
                for alert in self._prometheus.ask('alerts')['alerts']
            )
        }

    def wait_for_alerts(self, *expected):
        polling.until(
            lambda: self.alerts() == set(expected), f'alerts: {expected}'
        )


@pytest.fixture
def stage(start_vcenter, tmp_path):  # noqa: F811
    skip_without('prometheus')
    inventories = [described(number) for number in (1, 2)]
    running = list(map(start_vcenter, inventories))
    accesses = options.read_accesses(
        [
            conf_files.write(
                tmp_path / f'{each.port}.conf',
                each,
                cluster_name='production',
            )
            for each in running
        ]
    )
    hosts = [host_of(*each) for each in enumerate(inventories, 1)]
    source = records.both(hosts=hosts, aggregates=[])
    with VCenters(accesses) as vcenters:
        exporter = Exporter(
            source,
            Policy(),
            [(each.name, each.read) for each in vcenters.each],
            SecondLook(vcenters.find_vm, source.server),
            interval=1,
        )
        _, port = exporter.serve('127.0.0.1', 0)
        exporter.start()
        prometheus = programs.Prometheus(tmp_path, f'127.0.0.1:{port}')
        try:
            prometheus.wait()
            yield Stage(running, prometheus)
        finally:
            prometheus.kill()
            exporter.stop()


def test_alerts_follow_what_an_administrator_does(stage):
    first = stage.names()[0]
    stage.has('count(hypervisor_affinity_vcenter_findings == 0) > 60')
    # Before the first scrape, the exporter is absent.
    stage.wait_for_alerts()
    change = Administrator(stage.vcenters[0].connect())
    change.set_drs('production', 'off')
    change.unmount('shared', 'production-esxi-01.example.org')
    change.disconnect('production-esxi-02.example.org')
    stage.wait_for_alerts(
        ('DrsOff', first),
        ('DatastoreNotShared', first),
        ('HostsDisconnected', first),
        # Placement still has the host that is lost.
        ('InventoryDiffers', first),
    )
    change.set_drs('production', 'fullyAutomated')
    change.mount('shared', 'production-esxi-01.example.org')
    change.reconnect('production-esxi-02.example.org')
    stage.wait_for_alerts()


def test_a_vcenter_that_is_gone_hides_no_other(stage):
    first, second = stage.names()
    drs = 'hypervisor_affinity_cluster_drs{level="fully_automated"} == 1'
    stage.has(f'count({drs}) == 2')
    stage.vcenters[1].kill()
    polling.until(
        lambda: ('SourceUnreadable', second) in stage.alerts(), 'its alert'
    )
    # Of the last scrape: what it no longer has is not counted.
    stage.has(f'count({drs}) == 1')
    stage.has(f'hypervisor_affinity_read_success{{source="{first}"}} == 1')
    Administrator(stage.vcenters[0].connect()).set_drs('production', 'manual')
    polling.until(
        lambda: ('DrsOff', first) in stage.alerts(), 'an alert of the other'
    )
    stage.vcenters[1].start()
    stage.wait_for_alerts(('DrsOff', first))
