# SPDX-License-Identifier: Apache-2.0
"""The gate jobs: well-formed, and naming only what exists."""

import configparser
import os
import pathlib
import re

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[3]
PROJECT = 'x/hypervisor-affinity'
SETTINGS = (ROOT / 'devstack/settings').read_text()

# Of openstack-zuul-jobs, and variables of the roles that they run.
ELSEWHERE = {'openstack-tox', 'openstack-tox-docs'}
TOX_VARIABLES = {'tox_envlist', 'tox_environment'}

_CONTENT = yaml.safe_load((ROOT / '.zuul.yaml').read_text())
JOBS = {item['job']['name']: item['job'] for item in _CONTENT if 'job' in item}
(_PROJECT,) = [item['project'] for item in _CONTENT if 'project' in item]


def _root(name):
    """Return the parent of a job's oldest ancestor that is ours."""
    parent = JOBS[name]['parent']
    return _root(parent) if parent in JOBS else parent


def _inherited(name, key):
    """Return what the job or an ancestor of ours has; None if none has."""
    job = JOBS[name]
    if key in job or job['parent'] not in JOBS:
        return job.get(key)
    return _inherited(job['parent'], key)


def _variables(name):
    """Return the job's variables over those of its ancestors."""
    job = JOBS[name]
    older = _variables(job['parent']) if job['parent'] in JOBS else {}
    return older | job.get('vars', {})


def _tox():
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / 'tox.ini')
    return parser


def _novas(tox):
    """Return the factors of tox that name a release of nova."""
    return re.findall(r'^(nova\d+):', tox['testenv']['description'], re.M)


TOX_JOBS = [name for name in JOBS if _root(name) in ELSEWHERE]
DEVSTACK_JOBS = [name for name in JOBS if name not in TOX_JOBS]


def _localrc(name):
    groups = JOBS[name].get('group-vars', {}).values()
    for variables in (JOBS[name].get('vars', {}), *groups):
        yield from variables.get('devstack_localrc', {})


def test_every_item_is_known_to_zuul():
    assert all(len(item) == 1 for item in _CONTENT)
    assert {next(iter(item)) for item in _CONTENT} == {'job', 'project'}
    attributes = {
        'name',
        'parent',
        'description',
        'timeout',
        'vars',
        'group-vars',
        'required-projects',
        'irrelevant-files',
    }
    for name, job in JOBS.items():
        assert set(job) <= attributes, name
        assert job['description'], name


def test_every_job_is_run():
    for pipeline in ('check', 'gate'):
        run = set(_PROJECT[pipeline]['jobs'])
        assert run - ELSEWHERE == set(JOBS)


def _environments(name):
    return set(JOBS[name]['vars']['tox_envlist'].split(','))


@pytest.mark.parametrize('name', TOX_JOBS)
def test_tox_environments_exist(name):
    tox = _tox()
    known = set(tox['tox']['env_list'].split())
    known |= {f'smoke-{nova}' for nova in _novas(tox)}
    assert _environments(name) <= known


def test_jobs_run_what_the_gate_script_runs():
    script = (ROOT / '.ci/run').read_text()
    asked = re.findall(r"(?: -e |^others=')([\w,-]+)", script, re.MULTILINE)
    assert asked
    # Of the Makefile's targets, these are tox's environments.
    made = re.findall(r'^ *make (\w+)$', script, re.MULTILINE)
    assert made == ['demo', 'test']
    gate = {'demo', 'py3', 'functional', 'vcenter'}
    gate.update(*(names.split(',') for names in asked))
    jobs = set().union(*map(_environments, TOX_JOBS))
    assert 'openstack-tox-docs' in _PROJECT['gate']['jobs']
    assert gate == jobs | {'docs'}


def test_jobs_run_what_lies_in_tests():
    # As a whole or in parts.
    folders = {
        f'tests/{path.parent.relative_to(ROOT / "tests").parts[0]}'
        for path in (ROOT / 'tests').glob('*/**/test_*.py')
    }
    tox = _tox()
    run = set()
    for environment in set().union(*map(_environments, TOX_JOBS)):
        section = f'testenv:{environment}'
        commands = tox[section if section in tox else 'testenv']['commands']
        for line in commands.splitlines():
            condition, _, command = line.rpartition(': ')
            if _holds(condition, environment.split('-')):
                run |= set(re.findall(r'\btests/\w+(?=[ }])', f'{command} '))
    assert folders <= run


def _holds(condition, factors):
    """Tell whether tox takes a line of a list, by what stands before it."""
    return all(
        (one[1:] not in factors) if one[0] == '!' else one in factors
        for one in condition.split('-')
        if one
    )


@pytest.mark.parametrize('name', DEVSTACK_JOBS)
def test_variables_of_the_plugin_exist(name):
    for variable in _localrc(name):
        if variable.startswith('HYPERVISOR_AFFINITY_'):
            assert re.search(rf'^{variable}=', SETTINGS, re.M), variable


@pytest.mark.parametrize('name', DEVSTACK_JOBS)
def test_the_gate_has_what_it_may_not_clone(name):
    assert set(_inherited(name, 'required-projects')) == {
        PROJECT,
        'openstack/tempest',
    }


@pytest.mark.parametrize('name', DEVSTACK_JOBS)
def test_the_plugin_is_enabled_on_every_node(name):
    groups = JOBS[name].get('group-vars', {})
    for variables in (_variables(name), *groups.values()):
        (url,) = variables['devstack_plugins'].values()
        assert url.endswith(PROJECT)


@pytest.mark.parametrize('name', DEVSTACK_JOBS)
def test_nothing_that_the_plugin_writes_is_overwritten(name):
    # A dictionary holds no option of several values, and it comes later.
    assert 'devstack_local_conf' not in str(JOBS[name])


@pytest.mark.parametrize('name', JOBS)
@pytest.mark.parametrize(
    'path',
    [
        'hypervisor_affinity/scheduler/filters.py',
        'hypervisor_affinity_tempest_plugin/plugin.py',
        'setup.cfg',
        'constraints/2026.2.txt',
        'devstack/plugin.sh',
        'devstack/settings',
        '.zuul.yaml',
    ],
)
def test_a_change_of_code_runs_the_job(name, path):
    patterns = _inherited(name, 'irrelevant-files') or []
    assert not [one for one in patterns if re.match(one, path)]


def test_tempest_runs_our_tests():
    for name in DEVSTACK_JOBS:
        assert re.match(
            _variables(name)['tempest_test_regex'],
            'hypervisor_affinity_tempest_plugin.tests.scenario.test_x',
        )


@pytest.fixture
def checkouts():
    names = ('DEVSTACK_DIR', 'TEMPEST_DIR')
    if missing := [name for name in names if not os.environ.get(name)]:
        pytest.skip(f'{" and ".join(missing)} name no checkout')
    return [pathlib.Path(os.environ[name]) for name in names]


def _jobs_of(folders):
    for folder in folders:
        for path in (folder / '.zuul.yaml', *folder.glob('zuul.d/*.yaml')):
            if path.exists():
                for item in yaml.safe_load(path.read_text()):
                    if 'job' in item:
                        yield item['job']['name']


def test_parents_exist(checkouts):
    known = {*_jobs_of(checkouts), *JOBS, *ELSEWHERE}
    assert {job['parent'] for job in JOBS.values()} <= known


def test_variables_of_jobs_exist(checkouts):
    known = set(TOX_VARIABLES)
    for folder in checkouts:
        for page in folder.glob('roles/*/README.rst'):
            known |= set(re.findall(r'rolevar:: (\w+)', page.read_text()))
    for name, job in JOBS.items():
        for variables in (
            job.get('vars', {}),
            *job.get('group-vars', {}).values(),
        ):
            assert set(variables) <= known, name


def test_variables_of_devstack_exist(checkouts):
    code = [
        path.read_text(errors='replace')
        for path in checkouts[0].rglob('*')
        if path.is_file() and '.git' not in path.parts
    ]
    for name in JOBS:
        for variable in _localrc(name):
            if not variable.startswith('HYPERVISOR_AFFINITY_'):
                assert any(variable in text for text in code), variable
