# SPDX-License-Identifier: Apache-2.0
"""Alerts lead to what to do about them, and to what the dashboard shows."""

import configparser
import pathlib
import re

import pytest
from docutils import nodes

from hypervisor_affinity.operations.audit import CloudCheck
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from tests.prometheus import shipped

CHECKOUT = pathlib.Path(__file__).parents[2]
PAGE = CHECKOUT / 'doc/source/alerts.rst'
UNITS = {'m': 'minutes', 'h': 'hours', 'd': 'days'}


def documentation():
    """Return where the documentation is read, its front page."""
    setup = configparser.ConfigParser()
    setup.read(CHECKOUT / 'setup.cfg')
    urls = setup['metadata']['project_urls'].splitlines()
    return dict(url.split(' = ') for url in urls if url)['Documentation']


def sections():
    """Return the text of each section of the page that is on one alert."""
    parts = re.split(r'\n(\w+)\n-{3,}\n\n', PAGE.read_text())
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def words(wait):
    """Return a duration of Prometheus in words."""
    number, unit = int(wait[:-1]), UNITS[wait[-1]]
    return f'{number} {unit if number > 1 else unit[:-1]}'


def test_every_alert_has_a_section_and_no_other_has():
    assert list(sections()) == list(shipped.alerts())


@pytest.mark.parametrize('name', shipped.alerts())
def test_an_alert_leads_to_its_section(name):
    page = documentation().replace('index.rst', PAGE.name)
    link = shipped.alerts()[name]['annotations']['runbook_url']
    assert link == f'{page}#{nodes.make_id(name)}'


@pytest.mark.parametrize('name', shipped.alerts())
def test_a_section_has_what_the_alert_has(name):
    alert = shipped.alerts()[name]
    when = f'after {words(alert["for"])}' if 'for' in alert else 'at once'
    severity = alert['labels']['severity'].capitalize()
    text = sections()[name]
    assert text.startswith(f'*{severity}, {when}.* ')
    # What it means is not all.
    assert '\n* ' in text


def test_the_page_names_checks_that_there_are():
    named = re.findall(r'check --only\s+([\w,]+)', PAGE.read_text())
    assert named
    assert {c for each in named for c in each.split(',')} <= set(VCenterCheck)
    named = re.findall(r'audit --only\s+([\w,]+)', PAGE.read_text())
    assert named
    assert {c for each in named for c in each.split(',')} <= set(CloudCheck)


@pytest.mark.parametrize('name', shipped.alerts())
def test_an_alert_leads_to_the_dashboard(name):
    """To that of its cloud; what a template makes of it, promtool tests."""
    link = shipped.alerts()[name]['annotations']['dashboard_url']
    path = f'/d/{shipped.dashboard()["uid"]}'
    assert link == (
        '{{ $externalLabels.grafana_url }}' + path + '{{ with '
        '$labels.instance }}?var-instance={{ . }}{{ end }}'
    )
    assert 'instance' in shipped.variables()


def test_the_dashboard_leads_to_the_page():
    [link] = shipped.dashboard()['links']
    assert link['url'] == documentation().replace('index.rst', PAGE.name)
