# SPDX-License-Identifier: Apache-2.0
"""The program, scraped by Prometheus as an operator configures it."""

import contextlib
import datetime
import re

import pytest

from hypervisor_affinity.cloud import files
from testbed.processes import polling
from tests.installed import skip_without
from tests.prometheus import clouds
from tests.prometheus import programs
from tests.prometheus import shipped

READINGS = 'hypervisor_affinity_read_errors_total'
# The last that a reading has, made of nova and all vCenters.
FINDINGS = 'hypervisor_affinity_vcenter_findings'
# As Grafana puts them in: for all, and for one in repeated panels.
VARIABLES = {
    'instance': '.*',
    'vcenter': '.*',
    'cluster': '.*',
    'hypervisor': 'vmware',
}

# Nobody listens there.
NOBODY = 'rabbit://127.0.0.1:1/'

PRODUCTION = {'vcenter': clouds.VCENTER, 'cluster': 'production'}
TEST = {'vcenter': clouds.VCENTER, 'cluster': 'test'}
# What is wrong in the cloud, and nothing else.
WRONG = {
    'SourceUnreadable': [{'source': clouds.UNREADABLE}],
    'CertificateUnverified': [{'vcenter': clouds.UNREADABLE}],
    'MessageBusUnreachable': [{}],
    'ComputeDown': [{'host': 'vc-2'}],
    'ComputeSilent': [{'host': 'vc-1'}],
    'ComputeDisabledByDriver': [{'host': 'vc-3'}],
    'HostUndetermined': [{}],
    'InventoryDiffers': [{'vcenter': clouds.VCENTER}],
    'DrsOff': [TEST],
    'DrsPartiallyAutomated': [PRODUCTION],
    'HaOff': [TEST],
    'NoUsableHost': [TEST],
    'HostsDisconnected': [PRODUCTION],
    'BelowNPlusOne': [{'vcenter': clouds.VCENTER}],
    'FreestHostTooSmall': [PRODUCTION],
    'NoDatastore': [TEST],
    'DatastoreNotShared': [{'vcenter': clouds.VCENTER}],
    'DatastoresNearlyFull': [PRODUCTION],
    'ServersMisplaced': [{'hypervisor': 'vmware'}],
    'ServersWithoutVm': [{'vcenter': clouds.VCENTER}],
    'VmsWithoutServer': [{'vcenter': clouds.VCENTER}],
}


@pytest.fixture(scope='module')
def prometheus(tmp_path_factory):
    """Return a Prometheus that has scraped, and judged what it has got."""
    skip_without('prometheus')
    folder = tmp_path_factory.mktemp('prometheus')
    snapshot = folder / 'cloud.json'
    files.save(clouds.troubled(), snapshot)
    with contextlib.ExitStack() as stack:
        exporter = programs.Exporter(
            snapshot,
            folder / 'exporter.log',
            *('--notifications', '--transport-url', NOBODY),
        )
        stack.callback(exporter.kill)
        exporter.wait()
        prometheus = programs.Prometheus(folder, exporter.address)
        stack.callback(prometheus.kill)
        prometheus.wait()
        polling.until(
            # An increase is between two samples.
            lambda: prometheus.query(f'count_over_time({READINGS}[5m]) > 1'),
            'two scrapes',
        )
        scraped_at = polling.until(
            lambda: first_scrape(prometheus), 'figures of the cloud'
        )
        polling.until(
            lambda: all(
                evaluated_at(group) > scraped_at
                for group in prometheus.ask('rules')['groups']
            ),
            'an evaluation of all rules',
        )
        yield prometheus


def first_scrape(prometheus):
    """Return when there was the first one with findings; 0.0 for none."""
    return min(
        (
            float(series['value'][1])
            for series in prometheus.query(f'timestamp({FINDINGS})')
        ),
        default=0.0,
    )


def evaluated_at(group):
    # Prometheus has nine digits, which Python 3.11 reads.
    return datetime.datetime.fromisoformat(group['lastEvaluation']).timestamp()


def test_the_exporter_is_up(prometheus):
    [target] = prometheus.ask('targets')['activeTargets']
    assert target['lastError'] == ''
    assert target['health'] == 'up'
    assert target['labels']['job'] == 'hypervisor-affinity'


def test_all_rules_are_evaluated(prometheus):
    groups = prometheus.ask('rules')['groups']
    rules = [rule for group in groups for rule in group['rules']]
    assert {rule['name'] for rule in rules} == set(shipped.alerts())
    assert [rule for rule in rules if rule.get('lastError')] == []
    assert {rule['health'] for rule in rules} == {'ok'}


@pytest.mark.parametrize('place', shipped.targets())
def test_a_panel_shows_something(prometheus, place):
    assert prometheus.query(filled(shipped.targets()[place]))


def filled(text):
    """Return an expression with the variables' values."""
    for name, value in VARIABLES.items():
        text = text.replace(f'${name}', value)
    assert '$' not in text
    return text


@pytest.mark.parametrize(
    'name, values',
    [
        ('vcenter', {clouds.VCENTER, clouds.UNREADABLE}),
        ('cluster', {'production', 'test'}),
        ('hypervisor', {'vmware', 'kvm', 'undetermined'}),
    ],
)
def test_a_variable_has_values(prometheus, name, values):
    definition = shipped.variables()[name]['definition']
    selector, label = re.fullmatch(
        r'label_values\((.+), (\w+)\)', definition
    ).groups()
    found = prometheus.ask(
        f'label/{label}/values', **{'match[]': [filled(selector)]}
    )
    assert set(found) == values


def test_the_alerts_are_what_is_wrong(prometheus):
    alerts = prometheus.ask('alerts')['alerts']
    assert {alert['state'] for alert in alerts} <= {'pending', 'firing'}
    found = {}
    for alert in alerts:
        labels = alert['labels']
        name = labels['alertname'].removeprefix('HypervisorAffinity')
        place = {
            label: labels[label]
            for label in ('source', 'vcenter', 'cluster', 'host', 'hypervisor')
            if label in labels
        }
        found.setdefault(name, []).append(place)
    assert found == WRONG


def test_what_alerts_say_can_be_read(prometheus):
    for alert in prometheus.ask('alerts')['alerts']:
        for text in alert['annotations'].values():
            # What Go's templates leave behind, and Prometheus.
            assert not re.search(r'\{\{|<no value>|<error|NaN', text), text
            assert '  ' not in text
