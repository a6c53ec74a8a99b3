# SPDX-License-Identifier: Apache-2.0
"""What rules and dashboard ask for is what the exporter has."""

import collections
import re

import pytest

from hypervisor_affinity.core.decision import Outcome
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.exporter import decision_metrics
from hypervisor_affinity.exporter import vcenter_metrics
from hypervisor_affinity.operations.audit import CloudCheck
from hypervisor_affinity.operations.vcenter import clusters
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from tests.prometheus import clouds
from tests.prometheus import exporting
from tests.prometheus import expressions
from tests.prometheus import shipped

# Every value that such a label may ever have, but for those that the exporter
# does not know.
ENUMERATIONS = {
    ('vcenter_findings', 'check'): set(VCenterCheck),
    ('findings', 'check'): set(CloudCheck),
    ('cluster_hosts', 'state'): set(clusters.HOST_STATES),
    ('decisions_total', 'outcome'): set(Outcome),
    ('decisions_total', 'reason'): set(Reason),
    ('decisions_total', 'mode'): {*Mode, decision_metrics.BOTH},
    ('cluster_drs', 'level'): set(vcenter_metrics._DRS_LEVELS),
}


@pytest.fixture(scope='module')
def served():
    """Return the values of each label of each metric."""
    text = exporting.scraped(clouds.troubled(), clouds.decisions()).text
    found = collections.defaultdict(lambda: collections.defaultdict(set))
    for metric, labels in re.findall(
        r'^(\w+)(?:\{(.*)\})? \S+$', text, re.MULTILINE
    ):
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
            found[metric][label].add(value)
        # Also one without labels is there.
        found[metric]
    return found


def everything():
    """Yield where each expression is, and the expression."""
    for name, alert in shipped.alerts().items():
        yield name, alert['expr']
    yield from shipped.targets().items()
    for name, variable in shipped.variables().items():
        if variable['type'] == 'query':
            yield f'variable {name}', variable['definition']


@pytest.mark.parametrize(
    'expression', [pytest.param(each, id=name) for name, each in everything()]
)
def test_metrics_and_values_of_labels_exist(served, expression):
    selectors = expressions.selectors(expression)
    # ``up`` is Prometheus' own.
    assert selectors or 'up{' in expression
    for metric, values in selectors:
        assert metric in served
        for label, value in values:
            known = served[metric][label]
            if value:
                assert value in known, (metric, label)
            else:
                assert known, (metric, label)


@pytest.mark.parametrize('metric, label', ENUMERATIONS)
def test_the_exporter_has_every_value(served, metric, label):
    there = served[f'hypervisor_affinity_{metric}'][label]
    assert there == ENUMERATIONS[metric, label]


@pytest.mark.parametrize('name', shipped.alerts())
def test_an_alert_speaks_of_labels_that_it_has(served, name):
    alert = shipped.alerts()[name]
    known = {'instance'}
    for metric, _ in expressions.selectors(alert['expr']):
        known |= set(served[metric])
    used = re.findall(r'\$labels\.(\w+)', str(alert['annotations']))
    assert set(used) <= known


@pytest.mark.parametrize(
    'title, legend',
    [
        (panel['title'], target['legendFormat'])
        for panel in shipped.panels()
        for target in panel['targets']
        if '{{' in target.get('legendFormat', '')
    ],
)
def test_a_legend_has_labels_that_the_expression_keeps(title, legend):
    [panel] = [p for p in shipped.panels() if p['title'] == title]
    [expression] = [
        target['expr']
        for target in panel['targets']
        if target['legendFormat'] == legend
    ]
    kept = re.findall(r'\bby \(([^)]*)\)', expression)
    known = {label for labels in kept for label in labels.split(', ')}
    used = set(re.findall(r'\{\{(\w+)\}\}', legend))
    assert used <= (known or {'instance'})
