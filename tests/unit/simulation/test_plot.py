# SPDX-License-Identifier: Apache-2.0
"""The picture of a scenario."""

import dataclasses
import itertools
import math
from xml.etree import ElementTree

import pytest

from hypervisor_affinity.simulation import plot
from tests.unit.simulation import stories
from tests.unit.simulation.stories import boot
from tests.unit.simulation.stories import play
from tests.unit.simulation.undoing import nova_as_it_was


@pytest.fixture(scope='module')
def runs():
    with nova_as_it_was():
        return [
            dataclasses.replace(
                play(
                    boot('qcow2', 'large', 6),
                    boot('vmdk', count=3),
                    options=options,
                ),
                scheduler=name,
            )
            for name, options in (('one', {}), ('other', stories.STOCK))
        ]


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Return a function that returns matplotlib's figure of runs."""
    from matplotlib import figure

    kept = []

    class Kept(figure.Figure):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            kept.append(self)

    monkeypatch.setattr(figure, 'Figure', Kept)

    def draw(*runs):
        plot.draw('a', runs, tmp_path / 'drawn.png')
        return kept[-1]

    return draw


def labels(picture):
    """Return the labels of steps, with their places in pixels."""
    return [
        (label.get_text(), label.get_window_extent())
        for axis in picture.axes
        for child in axis.child_axes
        for label in child.get_xticklabels()
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
        'on hosts that cannot run them, so far',
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
    # A step's label is short.
    assert texts.count(shown) == 2
    assert f'{shown[:29]}…' in texts


def test_steps_are_labelled_where_they_begin(drawn):
    run = play(boot('qcow2', count=30), boot('vmdk', count=10), boot('iso'))
    picture = drawn(run)
    (top,) = picture.axes[0].child_axes
    assert list(top.get_xticks()) == [0, 30, 40]
    assert [text for text, _ in labels(picture)] == [
        'step 1',
        'step 2',
        'step 3',
    ]


@pytest.mark.parametrize('count', [1, 2, 9])
def test_no_label_is_over_another(drawn, count):
    one = boot('vmdk')
    run = play(boot('qcow2', count=30), *(one for _ in range(count)), one)
    long = [
        dataclasses.replace(usage, step=f'{usage.step}: {"long " * 50}')
        for usage in run.usage
    ]
    picture = drawn(dataclasses.replace(run, usage=long))
    boxes = [box for _, box in labels(picture)]
    assert boxes
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    title = picture.axes[0].title.get_window_extent()
    for box in boxes:
        assert not box.overlaps(title)
        assert picture.bbox.contains(*box.p0)
        assert picture.bbox.contains(*box.p1)


def test_percent_ends_at_100_and_all_schedulers_have_one_scale(runs, drawn):
    picture = drawn(*runs)
    servers, others, memory, _ = picture.axes
    assert memory.get_ylim() == (0, 100)
    assert servers.get_ylim() == others.get_ylim()
    assert servers.get_ylim()[1] >= 9


def test_memory_is_that_of_hosts_that_take_servers(drawn):
    off = {'set_hosts': {'aggregate': 'kvm', 'status': 'disabled'}}
    picture = drawn(play(boot('qcow2'), off, boot('vmdk', count=2)))
    (line,) = [
        line for line in picture.axes[1].lines if line.get_color() == '#0072b2'
    ]
    assert line.get_ydata()[1] == pytest.approx(100 / 32)
    assert math.isnan(line.get_ydata()[-1])


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
