# SPDX-License-Identifier: Apache-2.0
"""What ``explain`` says of hosts that pass as far as is known."""

import pytest

from hypervisor_affinity.cli import explain_ranking
from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.operations.explanation import scheduler_filters
from tests.cloud_of_records import both
from tests.cloud_of_records import kvm
from tests.cloud_of_records import server
from tests.cloud_of_records import vcenter

GPU = Flavor('gpu', extra_specs={'resources:VGPU': '1'})
NAMED = Flavor('named', extra_specs={'capabilities:hypervisor_type': 'qemu'})
OLD = Image('old', 'i-old', properties={'hypervisor_type': 'kvm'})
FORCED = Image('forced', 'i-f', properties={'hypervisor_type': 'vmware'})

DOUBTS = [
    'image hypervisor_type=kvm: whether the driver supports kvm',
    'flavor resources:VGPU=1: whether there is room for 1 VGPU',
]


@pytest.fixture
def explain(run, tmp_path):
    """Run ``explain`` on a cloud of three kinds of hosts."""
    path = tmp_path / 'cloud.json'
    hosts = [
        kvm('told', supported=('kvm', 'qemu')),
        kvm('untold'),
        kvm('emulating', supported=('qemu',)),
        vcenter('vc-1'),
    ]
    small = Flavor('small', vcpus=1, memory_mb=1024, disk_gb=10)
    cloud = both(
        hosts=hosts,
        aggregates=[],
        flavors=[small, GPU, NAMED],
        images=[OLD, FORCED],
        servers=[server('a', FORCED, 'told')],
    )
    files.save(cloud, path)

    def explain(*arguments):
        return run('explain', *arguments, '--snapshot', path)

    return explain


def test_what_is_not_known_is_above_the_table(explain):
    done = explain('old', 'gpu')
    assert done.code == 0
    assert done.out.partition('Would win')[0].splitlines()[1:] == [
        '2 of 4 hosts could take it, 2 of them as far as is known',
        '       2 suitable (hypervisor, as far as is known): told, untold',
        f'         not known: {DOUBTS[1]}',
        f'         not known: {DOUBTS[0]}',
        '       1 image_properties_differ (image_properties): emulating',
        '       1 other_hypervisor (hypervisor): vc-1',
    ]


def test_who_would_win_and_why(run, tmp_path):
    path = tmp_path / 'cloud.json'
    hosts = [
        vcenter('vc-1'),
        kvm('busy', vcpus=Inventory(8, used=4)),
        kvm('off', status='disabled'),
        kvm('idle'),
    ]
    files.save(both(hosts=hosts, aggregates=[]), path)
    asked = ('explain', 'iso', 'small', '--snapshot', path)
    rows = run(*asked, '-f', 'json').json()
    assert [(row['Host'], row['Rank'], row['Weight']) for row in rows] == [
        ('idle', 1, 100.5),
        ('busy', 2, 100.375),
        ('vc-1', 3, 52.0),
        ('off', None, None),
    ]
    (first,) = run(*asked, '-c', 'Shares', '-f', 'json').json()[:1]
    shares = first['Shares']
    assert shares['HypervisorAffinityWeigher'] == 100
    assert shares['CPUWeigher'] == 0.25
    assert shares['DiskWeigher'] is None
    table = run(*asked).out
    assert (
        'Would win: idle\n  weight 100.5: HypervisorAffinityWeigher 100, '
        'CPUWeigher 0.25, RAMWeigher 0.25\nNext: busy\n'
    ) in table
    assert 'Order of hypervisors: KVM, VMware\n' in table
    assert "Weights: by nova's defaults" in table
    assert '  DiskWeigher: free_disk_mb\n' in table
    # One host alone is not compared with the others.
    (row,) = run(*asked, '--host', 'idle', '-f', 'json').json()
    assert (row['Passes'], row['Rank']) == (True, None)


def test_multipliers_of_a_nova_conf(run, tmp_path):
    path = tmp_path / 'cloud.json'
    conf = tmp_path / 'nova.conf'
    conf.write_text('[filter_scheduler]\nram_weight_multiplier = 3\n')
    files.save(both(), path)
    asked = ('explain', 'iso', 'small', '--snapshot', path)
    done = run(*asked, '--nova-conf', conf)
    assert f'Weights: by {conf}\n' in done.out
    # Its weight_classes name nova's own only.
    assert 'HypervisorAffinityWeigher' not in done.out
    assert (
        'Would win: vc-1\n  weight 4: RAMWeigher 3, CPUWeigher 1' in done.out
    )


def test_our_part_is_told_without_nova(run, tmp_path, monkeypatch):
    path = tmp_path / 'cloud.json'
    files.save(both(), path)
    monkeypatch.setattr(explain_ranking.processes, 'has_nova', lambda: False)
    done = run('explain', 'iso', 'small', '--snapshot', path)
    assert 'Would win: one of kvm-1, kvm-2 (the same weight)' in done.out
    assert 'Weights: by HypervisorAffinityWeigher alone\n' in done.out
    assert "  nova's weighers: nova is not installed here\n" in done.out


def test_what_is_not_known_of_each_host(explain):
    done = explain('old', 'gpu', '--long', '-f', 'json')
    assert [
        (row['Host'], row['Passes'], row['Not known']) for row in done.json()
    ] == [
        ('told', True, DOUBTS[1]),
        ('untold', True, '; '.join(DOUBTS)),
        ('emulating', False, ''),
        ('vc-1', False, ''),
    ]


def test_what_is_not_known_is_told_apart_in_counts(explain):
    done = explain('old', 'small', '--counts', '--long', '-f', 'json')
    assert [
        (row['Reason'], row['Hosts'], row['Not known']) for row in done.json()
    ] == [
        ('suitable', 1, ''),
        ('suitable', 1, DOUBTS[0]),
        ('image_properties_differ', 1, ''),
        ('other_hypervisor', 1, ''),
    ]


def test_a_server_that_was_forced_to_another_hypervisor(explain):
    done = explain('--server', 'a', '--long', '-f', 'json')
    assert done.code == 1
    rows = {
        row['Host']: (row['Reason'], row['Evidence']) for row in done.json()
    }
    assert rows['untold'] == (
        'image_properties_differ',
        'image hypervisor_type=vmware; driver supports at most kvm, qemu',
    )


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((), 'give an image and a flavor, or --server'),
        (('old',), 'give an image and a flavor, or --server'),
        (('old', 'small', '--rebuild', 'old'), '--rebuild needs --server'),
        (('old', 'small', '--server', 'a'), '--server cannot be combined'),
        (('--server', 'a', '--volume'), '--volume cannot be combined'),
        (
            ('--server', 'a', '--rebuild', 'old', '--volume'),
            '--volume cannot be combined',
        ),
    ],
)
def test_a_wrong_command_line_ends_with_2(explain, run, arguments, message):
    done = explain(*arguments)
    assert (done.code, done.out) == (2, '')
    assert message in done.err
    # Nothing is read for it.
    done = run('explain', *arguments, '--snapshot', 'missing.json')
    assert done.code == 2


def test_nova_leaves_out_what_differs_in_capabilities(explain):
    done = explain('old', 'named', '--long', '-f', 'json')
    assert done.code == 1
    rows = {row['Host']: (row['Check'], row['Reason']) for row in done.json()}
    assert rows['untold'] == ('capabilities', 'capabilities_differ')


def test_a_host_that_cannot_be_judged(run, tmp_path, monkeypatch):
    """As long as another one passes, the answer is good."""
    original = scheduler_filters.judge

    def judge(demand, offer, policy):
        if 'kvm' in offer.families:
            raise RecursionError('hunter2')
        return original(demand, offer, policy)

    path = tmp_path / 'cloud.json'
    files.save(both(), path)
    monkeypatch.setattr(scheduler_filters, 'judge', judge)
    flexible = run('explain', 'iso', 'small', '--snapshot', path)
    assert (flexible.code, flexible.err) == (0, '')
    assert '2 that might take it could not be judged' in flexible.out
    bound = run('explain', 'qcow2', 'small', '--snapshot', path)
    assert (bound.code, bound.err) == (3, '')
    assert 'not_judged' in bound.out
    assert 'hunter2' not in flexible.out + bound.out


def test_hosts_that_are_only_observed(explain, tmp_path):
    said = 'hosts are in mode observe: HypervisorAffinityFilter passes them'
    assert said not in explain('old', 'small').out
    conf = tmp_path / 'nova.conf'
    conf.write_text('[hypervisor_affinity]\nmode = observe\n')
    done = explain('forced', 'small', '--nova-conf', conf)
    assert f'4 of 4 {said}' in done.out
    # As where it is enforced.
    assert '1 of 4 hosts could take it' in done.out
