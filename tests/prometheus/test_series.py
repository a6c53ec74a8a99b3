# SPDX-License-Identifier: Apache-2.0
"""What the exporter serves is fit for Prometheus, of whatever size a cloud."""

import subprocess

import pytest

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.operations.audit import CloudCheck
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from tests import cloud_of_records as records
from tests.installed import skip_without
from tests.prometheus import clouds
from tests.prometheus import exporting
from tests.unforeseen import Unforeseen

PROMTOOL = 'promtool'


@pytest.mark.parametrize(
    'cloud',
    [clouds.troubled(), clouds.of_size(3)],
    ids=['troubled', 'in order'],
)
def test_promtool_has_nothing_against_the_metrics(cloud):
    skip_without(PROMTOOL)
    done = subprocess.run(
        [PROMTOOL, 'check', 'metrics'],
        input=exporting.scraped(cloud, clouds.decisions()).text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, '')


def test_series_do_not_grow_with_hosts_servers_vms_and_datastores():
    few = exporting.scraped(clouds.of_size(10))
    many = exporting.scraped(clouds.of_size(1000))
    assert set(few.samples) == set(many.samples)
    # It has seen all that there are more of.
    of_cluster = {'vcenter': clouds.VCENTER, 'cluster': 'production'}
    for scrape, count in ((few, 10), (many, 1000)):
        assert count == scrape.value(
            'cluster_hosts', **of_cluster, state='connected'
        )
        assert count == scrape.value('hosts', hypervisor='kvm', state='up')
        assert count == scrape.value('cluster_vms', **of_cluster, owner='nova')
        assert count == scrape.value(
            'servers', hypervisor='kvm', verdict='server_misplaced'
        )
        assert (
            count
            == scrape.value('cluster_datastore_bytes', **of_cluster) / 1000
        )


def test_nothing_has_a_label_with_the_name_of_something_small():
    text = exporting.scraped(clouds.of_size(10)).text
    for name in ('esxi-3', 'kvm-3', 's-v3', 's-k3', 'datastore-3'):
        assert name not in text


def test_what_is_not_counted_is_not_there():
    """A 0 would say that there were no decisions."""
    assert 'decisions' not in exporting.scraped(clouds.of_size(1)).text


def test_severities_are_the_checks():
    scrape = exporting.scraped(clouds.troubled())
    for metric, area, others in (
        ('findings', CloudCheck, {}),
        ('vcenter_findings', VCenterCheck, {'vcenter': ''}),
    ):
        for check in area:
            assert (
                scrape.value(
                    metric,
                    check=check,
                    severity=check.severity.name.lower(),
                    **others,
                )
                is not None
            )


def test_what_cannot_be_judged_is_counted_beside_the_rest():
    """One record that nobody has foreseen takes no figure from the others."""
    odd = Aggregate('odd', 'a-odd', Unforeseen(), ('kvm-2',))
    source = records.both(
        hosts=[
            records.kvm('kvm-1'),
            records.kvm('kvm-2'),
            records.vcenter('vc-1', last_seen='2026-02-30'),
        ],
        aggregates=[odd, *records.both().aggregates()],
        images=[
            records.VMDK,
            Image('odd', 'i-odd', 'active', 'qcow2', 'bare', Unforeseen()),
        ],
        servers=[
            records.server('wrong', records.VMDK, 'kvm-1'),
            records.server('there', records.ISO, 'kvm-2'),
        ],
    )
    found = exporting.scraped(source)

    def findings(check, severity):
        return found.value('findings', check=check, severity=severity)

    assert findings('server_misplaced', 'error') == 1
    for subject in ('server', 'image', 'host', 'aggregate'):
        assert findings(f'{subject}_not_judged', 'warning') == 1
    verdicts = {'hypervisor': 'undetermined', 'verdict': 'server_not_judged'}
    assert found.value('servers', **verdicts) == 1
    assert found.value('hosts', hypervisor='kvm', state='up') == 1
    assert found.value('hosts', hypervisor='undetermined', state='up') == 1
