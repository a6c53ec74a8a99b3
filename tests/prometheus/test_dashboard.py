# SPDX-License-Identifier: Apache-2.0
"""The dashboard, as far as can be told without Grafana."""

import itertools
import json
import re

import pytest

from tests.prometheus import expressions
from tests.prometheus import shipped

COLUMNS = 24
DATASOURCE = {'type': 'prometheus', 'uid': '${datasource}'}


def datasources(node):
    """Yield all that any part of the dashboard names."""
    if isinstance(node, dict):
        if 'datasource' in node:
            yield node['datasource']
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from datasources(part)


def test_it_can_be_read_and_compared():
    text = json.dumps(shipped.dashboard(), indent=2) + '\n'
    assert shipped.DASHBOARD.read_text() == text


def test_it_is_of_no_installation():
    dashboard = shipped.dashboard()
    assert dashboard['uid'] == 'hypervisor-affinity'
    assert 'id' not in dashboard
    used = list(datasources(dashboard))
    assert used
    assert [each for each in used if each != DATASOURCE] == []
    assert shipped.variables()['datasource']['query'] == 'prometheus'


def test_it_is_for_grafana_9_and_newer():
    # Later ones change an older schema to theirs when they load it.
    assert 36 <= shipped.dashboard()['schemaVersion'] <= 39
    assert shipped.dashboard()['title']


def test_panels_have_ids_of_their_own():
    ids = [panel['id'] for panel in shipped.dashboard()['panels']]
    assert sorted(ids) == sorted(set(ids))


def test_panels_lie_side_by_side():
    taken = {}
    for panel in shipped.dashboard()['panels']:
        place = panel['gridPos']
        assert place['x'] + place['w'] <= COLUMNS, panel['title']
        for field in itertools.product(
            range(place['x'], place['x'] + place['w']),
            range(place['y'], place['y'] + place['h']),
        ):
            assert field not in taken, (panel['title'], taken[field])
            taken[field] = panel['title']


def test_every_panel_says_what_it_shows_in_which_unit():
    for panel in shipped.panels():
        assert panel['title']
        assert panel['description'].endswith('.'), panel['title']
        assert panel['fieldConfig']['defaults']['unit'], panel['title']
        letters = [target['refId'] for target in panel['targets']]
        assert letters, panel['title']
        assert len(letters) == len(set(letters)), panel['title']


def test_columns_are_of_a_target():
    # Grafana hides and renames nothing where a name is wrong.
    for panel in shipped.panels():
        letters = {target['refId'] for target in panel['targets']}
        names = json.dumps(panel.get('transformations', []))
        named = set(re.findall(r'"Value #([A-Z])"', names))
        assert named <= letters, panel['title']
        if len(letters) > 1 and panel['type'] == 'table':
            assert named == letters, panel['title']


def test_variables_are_known():
    text = shipped.DASHBOARD.read_text()
    used = set(re.findall(r'\$\{?(\w+)', text)) - {'__all'}
    assert used == set(shipped.variables())


@pytest.mark.parametrize('place', shipped.targets())
def test_a_panel_shows_the_clouds_that_are_chosen(place):
    expression = shipped.targets()[place]
    chosen = expression.count('{instance=~"$instance"')
    assert chosen == len(expressions.selectors(expression)) > 0


def test_the_other_variables_are_of_the_clouds_that_are_chosen():
    for name, variable in shipped.variables().items():
        if name not in ('datasource', 'instance'):
            assert '{instance=~"$instance"' in variable['definition'], name


def test_a_variable_asks_for_what_it_is_defined_as():
    for variable in shipped.variables().values():
        if variable['type'] == 'query':
            assert variable['query']['query'] == variable['definition']


def test_a_count_of_nothing_is_none():
    stats = [panel for panel in shipped.panels() if panel['type'] == 'stat']
    assert stats
    for panel in stats:
        [mapping] = panel['fieldConfig']['defaults']['mappings']
        assert mapping['options']['0']['text'] == 'none', panel['title']
