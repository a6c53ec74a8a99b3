# SPDX-License-Identifier: Apache-2.0
"""The dashboard says that there is nothing, and only where that is known."""

import subprocess

import pytest
import yaml

from tests.installed import skip_without
from tests.prometheus import shipped

CLOUD = 'cloud:9894'
TABLES = {
    'Findings of vCenters': 'hypervisor_affinity_vcenter_findings',
    'Findings of the audit': 'hypervisor_affinity_findings',
}
LABELS = {
    'hypervisor_affinity_vcenter_findings': 'vcenter="", ',
    'hypervisor_affinity_findings': '',
}


def shows(tmp_path, title, counts, samples):
    """Check with promtool what a table shows for two checks' counts."""
    metric = TABLES[title]
    expression = shipped.targets()[f'{title}, A']
    for variable in ('instance', 'vcenter'):
        expression = expression.replace(f'${variable}', '.*')
    series = [
        {
            'series': f'{metric}{{instance="{CLOUD}", {LABELS[metric]}'
            f'check="{check}", severity="error"}}',
            'values': str(count),
        }
        for check, count in counts.items()
    ]
    case = {
        'interval': '1m',
        'input_series': series,
        'promql_expr_test': [
            {'expr': expression, 'eval_time': '0m', 'exp_samples': samples}
        ],
    }
    path = tmp_path / 'case.yml'
    path.write_text(yaml.safe_dump({'tests': [case]}))
    done = subprocess.run(
        ['promtool', 'test', 'rules', path],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize('title', TABLES)
def test_what_was_found(tmp_path, title):
    skip_without('promtool')
    labels = f'instance="{CLOUD}", check="one", severity="error"'
    shows(
        *(tmp_path, title, {'one': 3, 'other': 0}),
        [{'labels': f'{{{labels}}}', 'value': 3}],
    )


@pytest.mark.parametrize('title', TABLES)
def test_none(tmp_path, title):
    skip_without('promtool')
    shows(
        *(tmp_path, title, {'one': 0, 'other': 0}),
        [{'labels': f'{{instance="{CLOUD}", check="none"}}', 'value': 0}],
    )


@pytest.mark.parametrize('title', TABLES)
def test_nothing_is_said_while_the_cloud_cannot_be_read(tmp_path, title):
    skip_without('promtool')
    shows(tmp_path, title, {}, [])
