# SPDX-License-Identifier: Apache-2.0
"""The picture of a scenario."""

import dataclasses
from xml.etree import ElementTree

import pytest

from hypervisor_affinity.simulation import plot
from tests.unit.simulation.stories import boot
from tests.unit.simulation.stories import play
from tests.unit.simulation.undoing import nova_as_it_was


@pytest.fixture(scope='module')
def runs():
    with nova_as_it_was():
        run = play(boot('qcow2', 'large', 6), boot('vmdk', count=3))
    return [
        dataclasses.replace(run, scheduler=name) for name in ('one', 'other')
    ]


def test_svg_names_schedulers_hypervisors_and_steps(runs, tmp_path):
    path = tmp_path / 'a.svg'
    plot.draw('The title', runs, path)
    text = path.read_text()
    for words in (
        'The title',
        'one',
        'other',
        'KVM',
        'VMware',
        'refused so far',
        'step 1',
        'step 2',
    ):
        assert f'>{words}</text>' in text


@pytest.mark.parametrize('suffix', plot.SUFFIXES)
def test_what_others_named_is_text_only(tmp_path, suffix):
    hostile = '$\\frac{$<script>\x1b\x00\n\u202e\ud800'
    run = play(boot('qcow2'))
    usage = [dataclasses.replace(each, step=hostile) for each in run.usage]
    named = dataclasses.replace(run, scheduler=hostile, usage=usage)
    path = tmp_path / f'a{suffix}'
    plot.draw(hostile, [named], path)
    if suffix != '.svg':
        return
    # XML has no such characters.
    texts = [
        ''.join(element.itertext())
        for element in ElementTree.parse(path).iter()
        if element.tag.endswith('text')
    ]
    shown = '$\\frac{$<script>\\x1b\\x00\\n\\u202e\\ud800'
    assert texts.count(shown) == 3


def test_same_figures_are_the_same_file(runs, tmp_path):
    paths = [tmp_path / 'a.svg', tmp_path / 'b.svg']
    for path in paths:
        plot.draw('a', runs, path)
    first, second = (path.read_bytes() for path in paths)
    assert first == second


def test_png(runs, tmp_path):
    path = tmp_path / 'a.png'
    plot.draw('a', runs, path)
    assert path.read_bytes().startswith(b'\x89PNG')
