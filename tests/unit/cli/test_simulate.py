# SPDX-License-Identifier: Apache-2.0
"""``hypervisor-affinity simulate``."""

import pytest
import yaml

from hypervisor_affinity.cloud import files
from hypervisor_affinity.simulation import plot
from hypervisor_affinity.simulation import processes
from tests import cloud_of_records as records
from tests.unit.simulation import stories
from tests.unit.simulation.stories import boot


@pytest.fixture
def story(tmp_path):
    """Return a function that writes a scenario, and returns its file."""

    def write(*actions, **fields):
        path = tmp_path / 'story.yaml'
        path.write_text(yaml.safe_dump(stories.document(*actions, **fields)))
        return path

    return write


@pytest.fixture
def both(story):
    """Return a scenario with two schedulers."""
    return story(
        boot('qcow2', count=3),
        boot('wrong'),
        title='Both of them',
        schedulers={'ours': {}, 'stock': stories.STOCK},
    )


def test_table_says_where_images_went(run, both):
    done = run('simulate', both)
    assert done.code == 1
    assert done.err == ''
    title, ours, stock, *table = done.out.splitlines()
    assert title == 'Both of them'
    assert ours.startswith('ours: 4 requests, 1 refused, 0 on hosts that')
    assert stock.startswith('stock: 4 requests, 0 refused, 4 on hosts that')
    assert table[3].startswith('| ours      | step 1 | qcow2 | 3 KVM ')


def test_one_scheduler_needs_no_column(run, story):
    done = run('simulate', story(boot('iso')), '-f', 'csv')
    assert done.out.splitlines() == [
        '"Step","Image","Placed on","Refused","Cannot run there"',
        '"step 1","iso","KVM=1",0,""',
    ]


def test_json_says_it_in_numbers(run, both):
    rows = run('simulate', both, '--long', '-f', 'json').json()
    assert rows[2] == {
        'Scheduler': 'stock',
        'Step': 'step 1',
        'Action': 'boot',
        'Image': 'qcow2',
        'Belongs on': 'KVM',
        'Asked': 3,
        'Placed on': {'VMware': 3},
        'Refused': 0,
        'Cannot run there': {'cannot_boot_here': 3},
    }


def test_usage(run, both):
    usage = ('simulate', both, '--show', 'usage')
    rows = run(*usage, '--long', '-f', 'json').json()
    assert len(rows) == 8
    assert rows[0] == {
        'Scheduler': 'ours',
        'Step': 'step 1',
        'Hypervisor': 'KVM',
        'Status': 'enabled',
        'Hosts': 2,
        'Servers': 3,
        'vCPUs used': 3,
        'vCPUs limit': 32.0,
        'Memory used (MiB)': 3072,
        'Memory limit (MiB)': 32768.0,
        'Disk used (GiB)': 30,
        'Disk limit (GiB)': 2000.0,
    }
    table = run(*usage).out
    assert '3 of 32 (9%)' in table
    assert '| 3 of 32 (9%) |' in table


def test_hosts_that_take_no_servers_are_counted_apart(run, story):
    """What they have free is no room for those that were refused."""
    path = story(
        boot('qcow2', 'large', 2),
        {'set_hosts': {'host': 'kvm-1', 'status': 'disabled'}},
        boot('qcow2', 'large', 2),
    )
    usage = ('simulate', path, '--show', 'usage')
    rows = run(*usage, '-f', 'value', '-c', 'Step', '-c', 'Hypervisor')
    assert rows.out.count('KVM') == 5
    rows = run(*usage, '--long', '-f', 'json').json()
    assert [
        (row['Status'], row['Hosts'], row['Servers'], row['vCPUs limit'])
        for row in rows
        if (row['Step'], row['Hypervisor']) == ('step 3', 'KVM')
    ] == [('disabled', 1, 1, 16.0), ('enabled', 1, 2, 16.0)]


def test_refusals_are_counted_with_their_reason(run, story):
    path = story(boot('wrong', count=7))
    (row,) = run(
        *('simulate', path, '--show', 'refusals', '--long', '-f', 'json')
    ).json()
    assert (row['Requests'], row['Refused by']) == (
        7,
        'HypervisorAffinityFilter',
    )
    assert row['Reason'].endswith('hosts rejected: 3 cannot_boot')
    assert row['Owner reads'].endswith('convert it to VMDK')


def test_servers(run, story):
    path = story(boot('iso'), {'drain': {'aggregate': 'kvm'}})
    boots, moves = run(
        *('simulate', path, '--show', 'servers', '--long', '-f', 'json')
    ).json()
    assert (boots['From'], boots['Host']) == ('', 'kvm-1')
    assert (moves['From'], moves['Host']) == ('kvm-1', '')
    assert moves['Refused by'] == 'HypervisorAffinityFilter'


def test_exit_code_is_that_of_the_first_scheduler(run, story):
    schedulers = {'ours': {}, 'stock': stories.STOCK}
    assert (
        run('simulate', story(boot('qcow2'), schedulers=schedulers)).code == 0
    )
    schedulers = {'stock': stories.STOCK}
    assert (
        run('simulate', story(boot('qcow2'), schedulers=schedulers)).code == 1
    )


def test_option_of_the_command_line(run, story):
    path = story(boot('iso', 'large', 5))
    strict = 'hypervisor_affinity.flexible_placement=strict'
    (row,) = run('simulate', path, '--set', strict, '-f', 'json').json()
    assert (row['Placed on'], row['Refused']) == ({'KVM': 4}, 1)


def test_list_on_the_command_line(run, story):
    filters = (
        'filter_scheduler.enabled_filters=[ComputeFilter, AllHostsFilter]'
    )
    done = run('simulate', story(boot('iso')), '--set', filters)
    assert done.code == 0


def test_nova_conf(run, story, tmp_path):
    conf = tmp_path / 'nova.conf'
    conf.write_text('[filter_scheduler]\nenabled_filters = ComputeFilter\n')
    path = story(boot('qcow2'))
    (row,) = run('simulate', path, '--nova-conf', conf, '-f', 'json').json()
    assert row['Placed on'] == {'VMware': 1}


@pytest.mark.parametrize(
    ('group', 'line', 'named'),
    [
        ('hypervisor_affinity', 'vmdk_images = $nope', "= '$…' ("),
        ('hypervisor_affinity', 'vmdk_images = $vmdk_images', 'to itself'),
        ('hypervisor_affinity', 'weight_multiplier =', 'it is empty'),
        # Of nova.
        ('filter_scheduler', 'enabled_filters = $nope', 'enabled_filters'),
        ('filter_scheduler', 'weight_classes = $weight_classes', 'to itself'),
        ('filter_scheduler', 'host_subset_size = $nope', 'host_subset_size'),
        ('filter_scheduler', 'ram_weight_multiplier = $nope', 'ram_weight'),
    ],
)
def test_an_option_that_cannot_be_read(
    run, story, tmp_path, group, line, named
):
    conf = tmp_path / 'nova.conf'
    conf.write_text(f'[{group}]\n{line}\n')
    done = run('simulate', story(boot('iso')), '--nova-conf', conf)
    assert done.code == 3
    assert done.out == ''
    (said,) = done.err.splitlines()
    assert named in said


def test_snapshot_of_the_command(run, story, tmp_path):
    cloud = tmp_path / 'cloud.json'
    files.save(
        records.both(servers=[records.server('a', records.ISO, 'kvm-1')]),
        cloud,
    )
    path = story(boot('vmdk'), {'drain': {'host': 'kvm-1'}}, cloud={})
    done = run('simulate', path, '--snapshot', cloud, '-f', 'json')
    assert done.code == 0
    assert [row['Placed on'] for row in done.json()] == [
        {'VMware': 1},
        {'KVM': 1},
    ]


def test_notes_go_to_standard_error(run, story):
    option = 'scheduler.enable_isolated_aggregate_filtering=true'
    done = run('simulate', story(boot('iso')), '--set', option, '-f', 'json')
    assert done.err == (
        'nova-scheduler: [scheduler] enable_isolated_aggregate_filtering is '
        'not simulated\n'
    )


def test_an_option_that_nova_does_not_have(run, story):
    option = 'hypervisor_affinity.flexible_placemnt=strict'
    done = run('simulate', story(boot('iso')), '--set', option)
    assert done.code == 3
    assert done.err.endswith("; did you mean 'flexible_placement'?\n")


def test_plot(run, story, tmp_path):
    picture = tmp_path / 'picture.svg'
    assert run('simulate', story(boot('iso')), '--plot', picture).code == 0
    assert picture.read_text().rstrip().endswith('</svg>')


@pytest.mark.parametrize(
    'arguments',
    [
        ('--set', 'flexible_placement=strict'),
        ('--set', 'a.b'),
        ('--set', 'a.b=['),
        ('--plot', 'picture.gif'),
    ],
)
def test_wrong_arguments(run, story, arguments):
    done = run('simulate', story(boot('iso')), *arguments)
    assert done.code == 2


@pytest.mark.parametrize(
    ('module', 'attribute', 'complaint'),
    [
        (processes, 'has_nova', 'nova is not installed'),
        (plot, 'has_matplotlib', 'hypervisor-affinity[plot]'),
    ],
)
def test_what_is_not_installed_is_named(
    run, story, monkeypatch, tmp_path, module, attribute, complaint
):
    monkeypatch.setattr(module, attribute, lambda: False)
    picture = tmp_path / 'picture.svg'
    done = run('simulate', story(boot('iso')), '--plot', picture)
    assert done.code == 3
    assert complaint in done.err
    assert not picture.exists()


def test_no_answer(run, story, tmp_path):
    assert run('simulate', tmp_path / 'no.yaml').code == 3
    done = run('simulate', story(boot('iso')), '--nova-conf', tmp_path / 'no')
    assert done.code == 3
    assert str(tmp_path / 'no') in done.err
    done = run('simulate', story(boot('no')))
    assert done.code == 3
    assert "has no image 'no'" in done.err
    done = run(
        'simulate', story(boot('iso')), '--plot', tmp_path / 'no' / 'a.svg'
    )
    assert done.code == 3
    assert 'No such file or directory' in done.err


@pytest.mark.parametrize('view', ['images', 'usage', 'refusals', 'servers'])
def test_yaml_says_it_as_json_does(run, story, view):
    arguments = (
        *('simulate', story(boot('iso'), boot('wrong'))),
        *('--show', view, '--long', '-f'),
    )
    done = run(*arguments, 'yaml')
    assert (done.code, done.err) == (1, '')
    assert yaml.safe_load(done.out) == run(*arguments, 'json').json()
