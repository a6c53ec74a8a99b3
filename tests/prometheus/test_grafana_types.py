# SPDX-License-Identifier: Apache-2.0
"""The dashboard is what Grafana's published types say it may be.

The types of grafana-foundation-sdk are generated from Grafana's own schema.
They check nothing themselves: what they do not know they leave out, and a
value of a wrong type they keep.
"""

import copy
import enum
import json
import types
import typing

import pytest

from tests.prometheus import shipped

dashboard = pytest.importorskip('grafana_foundation_sdk.models.dashboard')
encoder = pytest.importorskip('grafana_foundation_sdk.cog.encoder')
plugins = pytest.importorskip('grafana_foundation_sdk.cog.plugins')

# Grafana writes it for its own editor of variables, and its schema lacks it.
UNPUBLISHED = {'.definition'}
UNIONS = (typing.Union, types.UnionType)


@pytest.fixture(scope='module', autouse=True)
def _panels_have_types():
    plugins.register_default_plugins()


def wrong(document):
    """Return what is wrong with a dashboard, each with its place in it."""
    return list(_misread(document, dashboard.Dashboard, ''))


def _misread(document, kind, place):
    """Yield what is wrong with what is to be of a type."""
    read = kind.from_json(document)
    known = json.loads(encoder.JSONEncoder().encode(read))
    yield from _lost(document, known, place)
    yield from _mistyped(read, kind, place)


def _lost(ours, known, place):
    """Yield what is not left after it was read."""
    if isinstance(ours, dict):
        for key, value in ours.items():
            if key in known:
                yield from _lost(value, known[key], f'{place}.{key}')
            elif f'.{key}' not in UNPUBLISHED:
                yield f'{place}.{key} is not known'
    elif isinstance(ours, list):
        for number, (value, read) in enumerate(zip(ours, known, strict=True)):
            yield from _lost(value, read, f'{place}[{number}]')


def _mistyped(value, hint, place):
    """Yield what is not of its type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if not _is(value, hint):
        yield f'{place} is {value!r}, not {hint}'
    elif origin in UNIONS:
        fitting = [each for each in arguments if _is(value, each)]
        found = [list(_mistyped(value, each, place)) for each in fitting]
        yield from min(found, key=len)
    elif origin is list:
        for number, each in enumerate(value):
            yield from _mistyped(each, arguments[0], f'{place}[{number}]')
    elif origin is dict:
        for key, each in value.items():
            yield from _mistyped(each, arguments[1], f'{place}.{key}')
    elif _is_unread(value, hint):
        yield from _misread(value, hint, place)
    elif hasattr(value, 'from_json'):
        # Which it is of several, the hint may not say.
        for name, each in typing.get_type_hints(type(value)).items():
            yield from _mistyped(getattr(value, name), each, f'{place}.{name}')


def _is_unread(value, hint):
    """Tell whether it is JSON still: of lists in panels, some are."""
    return isinstance(value, dict) and hasattr(hint, 'from_json')


def _is(value, hint):
    """Tell whether it is of a type, whatever is in it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if _is_unread(value, hint):
        return True
    if origin in UNIONS:
        return any(_is(value, each) for each in arguments)
    if origin is typing.Literal:
        return value in arguments
    kind = origin or hint
    if kind in (typing.Any, object):
        return True
    if issubclass(kind, enum.Enum):
        return value in [member.value for member in kind]
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def test_the_dashboard_is_one_for_grafana():
    assert wrong(shipped.dashboard()) == []


def panel(document, kind):
    return next(p for p in document['panels'] if p['type'] == kind)


@pytest.mark.parametrize(
    'break_it, said',
    [
        (lambda d: d.update(headline='x'), '.headline is not known'),
        (lambda d: d.update(title=1), '.title is 1, not typing.Optional[str]'),
        (lambda d: d.update(graphTooltip=7), '.graph_tooltip is 7, not'),
        (
            lambda d: panel(d, 'stat')['options'].update(colorMode='loud'),
            "options.color_mode is 'loud', not",
        ),
        (
            lambda d: panel(d, 'stat')['options'].update(colourMode='value'),
            'options.colourMode is not known',
        ),
        (
            lambda d: panel(d, 'timeseries')['targets'][0].update(
                expression=1
            ),
            'targets[0].expression is not known',
        ),
        (
            lambda d: panel(d, 'table')['gridPos'].update(w='12'),
            "grid_pos.w is '12', not <class 'int'>",
        ),
        (
            lambda d: panel(d, 'table')['transformations'][0].update(ids='x'),
            'transformations[0].ids is not known',
        ),
        (
            lambda d: d['templating']['list'][1].update(multi='yes'),
            "list_val[1].multi is 'yes', not",
        ),
    ],
)
def test_a_wrong_dashboard_is_found(break_it, said):
    broken = copy.deepcopy(shipped.dashboard())
    break_it(broken)
    found = wrong(broken)
    assert any(said in each for each in found), found
