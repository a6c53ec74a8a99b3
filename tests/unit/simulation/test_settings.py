# SPDX-License-Identifier: Apache-2.0
"""A scenario that somebody else has written runs nothing and reads nothing."""

import os
import subprocess

import pytest
import yaml
from nova.conf import CONF
from nova.conf import scheduler as nova_options
from nova.scheduler import filters

from hypervisor_affinity.simulation import settings
from hypervisor_affinity.simulation.configuration import RECOMMENDED
from hypervisor_affinity.simulation.scenario import ScenarioError
from tests.unit.cli import program
from tests.unit.simulation import stories
from tests.unit.simulation.stories import boot

PASSWORD = 's3cret'
# Says that it has been imported, by a file beside it.
_MODULE = """
import pathlib

from nova.scheduler import filters
from nova.scheduler import weights

pathlib.Path(__file__).with_suffix('.imported').touch()


class Filter(filters.BaseHostFilter):
    def host_passes(self, host_state, filter_properties):
        return True


class Weigher(weights.BaseHostWeigher):
    def _weigh_object(self, host_state, weight_properties):
        return 0
"""
_PATHS = {
    'available_filters': 'theirs.Filter',
    'weight_classes': 'theirs.Weigher',
}
_NOVAS = {
    'available_filters': 'nova.scheduler.filters.all_filters',
    'weight_classes': 'nova.scheduler.weights.all_weighers',
}


class ThirdFilter(filters.BaseHostFilter):
    """Named by its path in this module."""


@pytest.fixture
def story_file(tmp_path):
    """Return a function that writes a scenario, beside a module of theirs."""
    (tmp_path / 'theirs.py').write_text(_MODULE)

    def write(**fields):
        path = tmp_path / 'story.yaml'
        path.write_text(
            yaml.safe_dump(stories.document(boot('iso'), **fields))
        )
        return path

    return write


@pytest.fixture
def simulate(tmp_path, story_file, capsys, monkeypatch):
    """Return a function that runs the program on a scenario."""
    # Of the processes, too.
    monkeypatch.syspath_prepend(tmp_path)

    def simulate(*arguments, **fields):
        story = story_file(**fields)
        return program.Run(capsys, 'simulate', story, *arguments)

    simulate.was_imported = (tmp_path / 'theirs.imported').exists
    return simulate


@pytest.fixture
def start(tmp_path, story_file):
    """Return a function that does so with all that its processes write."""

    def start(*arguments, **fields):
        return subprocess.run(
            [
                *(*program.PROGRAM, 'simulate', story_file(**fields)),
                *map(str, arguments),
            ],
            env={**os.environ, 'PYTHONPATH': f'{tmp_path}:{os.getcwd()}'},
            capture_output=True,
            text=True,
        )

    return start


_ENABLED = 'filter_scheduler.enabled_filters=[ComputeFilter]'


def lists(option, path):
    return {'filter_scheduler': {option: [_NOVAS[option], path]}}


def said(done):
    """Return what was said; the bar of some releases of rich is empty."""
    return done.err.strip().splitlines()


@pytest.mark.long
@pytest.mark.parametrize('option', _PATHS)
def test_a_file_imports_nothing(simulate, tmp_path, option):
    done = simulate(options=lists(option, _PATHS[option]))
    assert not simulate.was_imported()
    assert done.code == 3
    (line,) = said(done)
    assert line.startswith(
        f'simulate: nova-scheduler: {tmp_path}/story.yaml: at $.options.'
        f"filter_scheduler.{option}: '{_PATHS[option]}' is not from nova, nor "
    )
    assert f'--set filter_scheduler.{option}=' in line


@pytest.mark.parametrize('option', _PATHS)
def test_the_command_line_may(simulate, option):
    wanted = f'filter_scheduler.{option}=[{_NOVAS[option]},{_PATHS[option]}]'
    done = simulate('--set', wanted, '--set', _ENABLED)
    assert (done.code, said(done)) == (0, [])
    assert simulate.was_imported()


@pytest.mark.parametrize('option', _PATHS)
def test_a_nova_conf_may_and_the_file_with_it(simulate, tmp_path, option):
    conf = tmp_path / 'nova.conf'
    conf.write_text(f'[filter_scheduler]\n{option} = {_PATHS[option]}\n')
    done = simulate(
        *('--nova-conf', conf, '--set', _ENABLED),
        options=lists(option, _PATHS[option]),
    )
    assert (done.code, said(done)) == (0, [])
    assert simulate.was_imported()


@pytest.mark.long
def test_a_class_that_fails_is_named_and_not_cited(
    start, story_file, tmp_path
):
    module = tmp_path / 'theirs.py'
    module.write_text(
        module.read_text().replace(
            'return True', f'raise ValueError("mysql://nova:{PASSWORD}@db")'
        )
    )
    wanted = 'filter_scheduler.available_filters=[theirs.Filter]'
    enabled = 'filter_scheduler.enabled_filters=[Filter]'
    done = start('--set', wanted, '--set', enabled)
    # A request that fails is one that is refused.
    assert done.returncode == 1
    assert '1 refused' in done.stdout
    assert PASSWORD not in done.stdout + done.stderr


def story_of(options):
    return stories.setting(boot('iso'), options=options).story


def check(options, files=(), by_hand=None):
    settings.check(
        story_of(options), 'nova-scheduler', 'story.yaml', files, by_hand or {}
    )


def error_of(options, **others):
    with pytest.raises(ScenarioError) as caught:
        check(options, **others)
    return str(caught.value)


@pytest.mark.parametrize('option', _PATHS)
@pytest.mark.parametrize(
    'value',
    [
        'os.system',
        ['os.system'],
        [f'{__name__}.ThirdFilter'],
        ['nova.scheduler.filters.all_filters', 'os.system'],
        'nova.scheduler.filters.all_filters,os.system',
        ['nova.scheduler.filters.all_filters,os.system'],
        {'os.system': None},
        [['os.system']],
        [None],
        1,
        None,
        # Of nova and of ours, and no filters.
        ['nova.utils.get_my_ipv4'],
        ['nova.scheduler.filters.__builtins__'],
        ['hypervisor_affinity.status.program.main'],
    ],
)
def test_what_is_installed_as_something_else(option, value):
    place = f'story.yaml: at $.options.filter_scheduler.{option}: '
    assert error_of({'filter_scheduler': {option: value}}).startswith(place)


def test_every_filter_and_weigher_that_is_installed():
    for option, path in _NOVAS.items():
        check({'filter_scheduler': {option: path}})
    check(RECOMMENDED)
    check(
        {
            'filter_scheduler': {
                'available_filters': [
                    'nova.scheduler.filters.compute_filter.ComputeFilter',
                    'hypervisor_affinity.scheduler.filters.'
                    'HypervisorAffinityFilter',
                ],
                'weight_classes': [
                    'nova.scheduler.weights.ram.RAMWeigher',
                    'hypervisor_affinity.scheduler.weights.'
                    'HypervisorAffinityWeigher',
                ],
            }
        }
    )


def test_what_the_operator_names(tmp_path):
    options = lists('available_filters', 'theirs.Filter')
    check(options, by_hand=options)
    conf = tmp_path / 'nova.conf'
    conf.write_text('[filter_scheduler]\navailable_filters = theirs.Filter\n')
    check(options, files=[str(conf)])


def in_step():
    """Return the options of each place of a scenario, by the place."""
    bad = {'DEFAULT': {'log_config_append': '/etc/passwd'}}
    return {
        '$.options': {'options': bad},
        "$.schedulers['nova-scheduler']": {
            'schedulers': {'nova-scheduler': bad}
        },
        '$.steps[1].do[0].set_options': {'actions': [{'set_options': bad}]},
    }


@pytest.mark.parametrize('place', in_step())
def test_every_place_is_looked_at(place):
    fields = dict(in_step()[place])
    actions = fields.pop('actions', ())
    story = stories.setting(boot('iso'), *actions, **fields).story
    with pytest.raises(ScenarioError) as caught:
        settings.check(story, 'nova-scheduler', 'story.yaml', (), {})
    assert str(caught.value).startswith(
        f'story.yaml: at {place}.DEFAULT.log_config_append: a scenario cannot '
        'set this option. It can set the options of nova-scheduler and of '
        'hypervisor-affinity in [filter_scheduler], [hypervisor_affinity], '
        '[metrics], [scheduler]. '
    )


def options_of_nova():
    """Yield every option that nova has, with its group."""
    for name in CONF:
        if isinstance(CONF[name], type(CONF.scheduler)):
            for option in CONF[name]:
                yield name, option
        else:
            yield 'DEFAULT', name


@pytest.mark.long
def test_no_other_option_of_nova():
    groups = {'filter_scheduler', 'scheduler', 'metrics'}
    others = [
        (group, option)
        for group, option in options_of_nova()
        if group not in groups | {'hypervisor_affinity'}
    ]
    assert len(others) > 100
    for group, option in others:
        assert f'at $.options.{group}.{option}: ' in error_of(
            {group: {option: 'x'}}
        )


def test_options_with_paths_are_known_as_such():
    """Of nova-scheduler's options no others name what is imported."""
    named = {
        option.dest
        for options in nova_options.list_opts().values()
        for option in options
        if any(
            '.' in str(value).strip('.') and not isinstance(value, float)
            for value in (
                option.default
                if isinstance(option.default, list)
                else [option.default]
            )
        )
    }
    assert named == set(_PATHS)


@pytest.mark.parametrize(
    'value',
    [
        '$database.connection',
        ['kvm', '${database.connection}'],
        '$$$x',
        {'a': ['$x']},
        {'$x': 1},
        '\\$x',
    ],
)
def test_no_reference_to_another_option(value):
    options = {'filter_scheduler': {'enabled_filters': value}}
    assert 'a $ refers to the value of another option' in error_of(options)


def test_the_sign_itself():
    check({'filter_scheduler': {'isolated_images': ['a$$b', '$$']}})


@pytest.mark.long
def test_a_password_of_nova_conf_is_not_told(start, tmp_path):
    conf = tmp_path / 'nova.conf'
    conf.write_text(
        f'[database]\nconnection = mysql://nova:{PASSWORD}@db/nova\n'
    )
    done = start(
        '--nova-conf',
        conf,
        options={
            'filter_scheduler': {'enabled_filters': ['$database.connection']}
        },
    )
    assert done.returncode == 3
    assert PASSWORD not in done.stdout + done.stderr


@pytest.mark.long
def test_no_tag_of_yaml_makes_an_object(tmp_path):
    story = tmp_path / 'tagged.yaml'
    touched = tmp_path / 'touched'
    story.write_text(
        f'format: !!python/object/apply:os.system ["touch {touched}"]\n'
    )
    done = subprocess.run(
        [*program.PROGRAM, 'simulate', story],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert not touched.exists()
