# SPDX-License-Identifier: Apache-2.0
"""The alerts fire when they should, and only then."""

import pathlib
import re
import subprocess

import pytest
import yaml

from tests.installed import skip_without
from tests.prometheus import shipped

CASES = sorted((pathlib.Path(__file__).parent / 'alerts').glob('*.test.yml'))
PROMTOOL = 'promtool'


def promtool(*arguments):
    skip_without(PROMTOOL)
    done = subprocess.run(
        [PROMTOOL, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_rules_are_valid():
    promtool('check', 'rules', shipped.RULES)


def test_the_configuration_is_valid():
    promtool('check', 'config', shipped.CONFIGURATION)


def test_there_are_cases():
    assert CASES


@pytest.mark.parametrize('path', CASES, ids=lambda path: path.name)
def test_the_alerts_do_what_the_cases_say(path):
    promtool('test', 'rules', path)


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_not():
    fires, rests = set(), set()
    for path in CASES:
        for case in yaml.safe_load(path.read_text())['tests']:
            for each in case.get('alert_rule_test', ()):
                found = fires if each.get('exp_alerts') else rests
                found.add(each['alertname'])
            for each in case.get('promql_expr_test', ()):
                assert each['exp_samples']
                fires.add(re.search(r'alertname="(\w+)"', each['expr'])[1])
    # Of a name that there is no alert of, promtool says nothing.
    assert fires == set(shipped.alerts())
    assert rests == set(shipped.alerts())


@pytest.mark.parametrize('name', shipped.alerts())
def test_an_alert_says_how_bad_it_is_what_it_means_and_what_to_do(name):
    alert = shipped.alerts()[name]
    assert alert['labels']['severity'] in {'critical', 'warning', 'info'}
    assert set(alert['annotations']) == {
        *('summary', 'description'),
        *('runbook_url', 'dashboard_url'),
    }
    assert len(alert['annotations']['summary']) < 120
    # What it means, and what to do.
    assert alert['annotations']['description'].count('. ') >= 1
