# SPDX-License-Identifier: Apache-2.0
"""The files of ``etc/`` that are for Prometheus and Grafana."""

import functools
import json
import pathlib

import yaml

_ETC = pathlib.Path(__file__).parents[2] / 'etc'
CONFIGURATION = _ETC / 'prometheus/scrape.yml'
RULES = _ETC / 'prometheus/hypervisor-affinity.rules.yml'
DASHBOARD = _ETC / 'grafana/hypervisor-affinity.json'


@functools.cache
def alerts():
    """Return the alerts, by their names."""
    groups = yaml.safe_load(RULES.read_text())['groups']
    rules = [rule for group in groups for rule in group['rules']]
    found = {rule['alert']: rule for rule in rules}
    assert len(found) == len(rules)
    return found


@functools.cache
def dashboard():
    """Return the dashboard."""
    return json.loads(DASHBOARD.read_text())


def panels():
    """Return the panels that show something."""
    return [panel for panel in dashboard()['panels'] if panel['type'] != 'row']


def variables():
    """Return the dashboard's variables, by their names."""
    return {v['name']: v for v in dashboard()['templating']['list']}


def targets():
    """Return the expressions of all panels, by panel and letter."""
    return {
        f'{panel["title"]}, {target["refId"]}': target['expr']
        for panel in panels()
        for target in panel['targets']
    }
