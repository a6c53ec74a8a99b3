# SPDX-License-Identifier: Apache-2.0
"""The commands as an operator types them."""

import argparse
import csv
import importlib.metadata
import io

import msgspec
import pytest
import yaml

from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.operations.audit import CloudCheck
from tests import cloud_of_records as records
from tests.cloud_of_records import ISO
from tests.cloud_of_records import QCOW2
from tests.cloud_of_records import VMDK
from tests.cloud_of_records import both
from tests.cloud_of_records import server

WINDOWS = Image(
    'windows',
    'i-windows',
    disk_format='vmdk',
    properties={'vmware_ostype': 'windows2019srv_64Guest'},
    dropped=('vmware_tools_version',),
)


@pytest.fixture
def cloud(tmp_path):
    """Return a function that saves a cloud, and returns its file."""

    def save(**sections):
        path = tmp_path / 'cloud.json'
        images = [QCOW2, ISO, VMDK, WINDOWS]
        files.save(both(**{'images': images, **sections}), path)
        return path

    return save


@pytest.fixture
def wrong_cloud(cloud):
    return cloud(
        servers=[server('a', VMDK, 'kvm-1'), server('b', ISO, 'vc-1')]
    )


def test_classify(run, cloud):
    done = run('classify', 'windows', '--snapshot', cloud(), '-f', 'json')
    assert (done.code, done.err) == (0, '')
    rows = done.json()
    assert rows[0] == {
        'Part': 'demand',
        'Subject': 'bound',
        'Effect': 'image needs VMware (vmware_ostype=windows2019srv_64Guest)',
    }
    assert [row['Part'] for row in rows] == [
        'demand',
        'sign',
        'sign',
        'nova',
        'nova',
        'change',
        'change',
        'change',
    ]
    # What is left over from before a conversion does not keep it from KVM.
    assert (rows[-1]['Subject'], rows[-1]['Effect']) == (
        'convert the image to qcow2',
        'image cannot run on VMware (disk_format=qcow2)',
    )


@pytest.mark.parametrize(
    ('text', 'subject', 'effects'),
    [
        (
            'disk_format: qcow2\nvmware_ostype: ubuntu64Guest\n',
            'flexible',
            {
                'image vmware_ostype=ubuntu64Guest': 'driver sign: requires '
                'vmware (left over: VMware cannot boot the image)',
                'image disk_format=qcow2': 'format sign: forbids vmware',
            },
        ),
        (
            'disk_format: vhd\n',
            'nowhere',
            {'image disk_format=vhd': 'format sign: forbids kvm, vmware'},
        ),
        (
            'disk_format: iso\nos_distro: debian\n',
            'flexible',
            {
                'image os_distro=debian': 'sign: would fail on vmware',
            },
        ),
        (
            'disk_format: vmdk\nos_distro: debian\n',
            'bound',
            {
                'image disk_format=vmdk': 'format sign: requires vmware',
                'image os_distro=debian': 'sign: would fail on vmware, '
                'which nova does not prevent',
            },
        ),
        (
            'disk_format: iso\nvmware_adaptertype: busLogic\n',
            'bound',
            {
                'image vmware_adaptertype=busLogic': 'driver sign: requires '
                'vmware and forbids kvm',
            },
        ),
        (
            'disk_format: qcow2\nhypervisor_type: powervm\n',
            'refused',
            {
                'image hypervisor_type=powervm': 'image sign: names no '
                'hypervisor',
                'image disk_format=qcow2': 'format sign: forbids vmware',
            },
        ),
        (
            'disk_format: vmdk\nvmware_ostype: x64Guest\n'
            'hypervisor_type: kvm\n',
            'bound',
            {
                'image hypervisor_type=kvm': 'image sign: requires kvm',
                'image vmware_ostype=x64Guest': 'driver sign: requires vmware '
                '(does not decide)',
                'image disk_format=vmdk': 'format sign: requires vmware '
                '(does not decide)',
            },
        ),
    ],
)
def test_classify_says_what_becomes_of_each_sign(
    run, tmp_path, text, subject, effects
):
    path = tmp_path / 'image.yaml'
    path.write_text(text)
    rows = run('classify', '--file', path, '-f', 'json').json()
    assert rows[0]['Subject'] == subject
    assert {
        row['Subject']: row['Effect'] for row in rows if row['Part'] == 'sign'
    } == effects


def test_classify_says_that_nova_api_refuses_an_image(run, tmp_path):
    path = tmp_path / 'image.yaml'
    path.write_text('disk_format: iso\nhypervisor_type: vsphere\n')
    done = run('classify', '--file', path, '-f', 'json')
    assert done.json()[0] == {
        'Part': 'demand',
        'Subject': 'refused',
        'Effect': 'nova-api refuses requests with this image '
        '(hypervisor_type=vsphere)',
    }


def test_classify_with_a_flavor(run, cloud):
    flavor = msgspec.structs.replace(
        records.SMALL,
        extra_specs={
            'hypervisor_affinity:hypervisor_type': 'any',
            'hypervisor_affinity:typo': 'x',
        },
    )
    done = run(
        *('classify', 'windows', '--flavor', 'small', '-f', 'json'),
        *('--snapshot', cloud(flavors=[flavor])),
    )
    rows = {row['Part']: row for row in done.json()}
    assert rows['demand']['Subject'] == 'flexible'
    assert 'is no extra spec' in rows['problem']['Effect']


def test_classify_a_file_of_properties(run, tmp_path):
    path = tmp_path / 'image.yaml'
    path.write_text(
        'disk_format: iso\nvmware_image_version: 1\nmy_own: true\n'
    )
    done = run('classify', '--file', path, '-f', 'json')
    assert done.code == 0
    subjects = {row['Subject']: row['Effect'] for row in done.json()}
    assert subjects['bound'] == 'image needs VMware (vmware_image_version=1)'
    assert subjects['my_own=True'] == (
        'not known to nova: no scheduler ever sees it'
    )


def test_options_come_from_nova_conf(run, cloud, tmp_path):
    conf = tmp_path / 'nova.conf'
    conf.write_text(
        '[DEFAULT]\nhost = x\n[filter_scheduler]\n'
        'available_filters = a\navailable_filters = b\n'
        '[hypervisor_affinity]\nvmdk_images = flexible\n'
    )
    command = ('classify', 'vmdk', '--snapshot', cloud(), '-f', 'csv')
    assert 'demand","bound' in run(*command).out
    assert 'demand","flexible' in run(*command, '--nova-conf', conf).out


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('[hypervisor_affinity]\nvmdk_images = maybe\n', 'vmdk_images'),
        ('[hypervisor_affinity]\nvmdk_images = $nope\n', "= '$…' ("),
        ('[hypervisor_affinity]\ntell_user = $tell_user\n', 'to itself'),
        ('[hypervisor_affinity]\nweight_multiplier =\n', 'it is empty'),
        ('[hypervisor_affinity\n', 'nova.conf'),
        (None, 'nova.conf'),
    ],
)
def test_a_wrong_nova_conf(run, cloud, tmp_path, content, message):
    conf = tmp_path / 'nova.conf'
    if content:
        conf.write_text(content)
    done = run(
        *('classify', 'vmdk', '--snapshot', cloud(), '--nova-conf', conf)
    )
    assert done.code == 3
    assert message in done.err
    assert done.out == ''


def test_explain_names_every_host(run, cloud):
    done = run(
        *('explain', 'windows', 'small', '-f', 'json'),
        *('--snapshot', cloud()),
    )
    assert done.code == 0
    assert [
        (row['Host'], row['Passes'], row['Reason']) for row in done.json()
    ] == [
        ('vc-1', True, 'suitable'),
        ('kvm-1', False, 'other_hypervisor'),
        ('kvm-2', False, 'other_hypervisor'),
    ]


def test_explain_shows_counts_first(run, cloud):
    done = run('explain', 'windows', 'small', '--snapshot', cloud())
    head = done.out.partition('+')[0].splitlines()
    assert head[1:] == [
        '1 of 3 hosts could take it',
        '       1 suitable (hypervisor): vc-1',
        '       2 other_hypervisor (hypervisor): kvm-1, kvm-2',
    ]


def test_explain_ends_with_1_if_no_host_passes(run, cloud):
    hosts = [records.kvm('kvm-1'), records.vcenter('vc-1', state='down')]
    done = run(
        *('explain', 'windows', 'small', '--counts', '-f', 'json'),
        *('--snapshot', cloud(hosts=hosts)),
    )
    assert done.code == 1
    assert [(row['Reason'], row['Hosts']) for row in done.json()] == [
        ('other_hypervisor', 1),
        ('service_down', 1),
    ]


def test_explain_one_host(run, cloud):
    command = ('explain', 'windows', 'small', '--snapshot', cloud())
    assert run(*command, '--host', 'vc-1').code == 0
    done = run(*command, '--host', 'kvm-1', '-f', 'json')
    assert done.code == 1
    assert [row['Host'] for row in done.json()] == ['kvm-1']
    done = run(*command, '--host', 'kvm-9')
    assert (done.code, done.out) == (3, '')
    assert "no host 'kvm-9'" in done.err


def test_explain_a_volume_made_from_an_image(run, cloud):
    hosts = [records.kvm('kvm-1', disk_gb=None), records.vcenter('vc-1')]
    command = ('explain', 'qcow2', 'small', '-f', 'json')
    snapshot = ('--snapshot', cloud(hosts=hosts))
    assert {
        row['Host']: row['Reason'] for row in run(*command, *snapshot).json()
    } == {'kvm-1': 'no_inventory', 'vc-1': 'cannot_boot_here'}
    done = run(*command, *snapshot, '--volume')
    assert {row['Host']: row['Reason'] for row in done.json()} == {
        'kvm-1': 'suitable',
        'vc-1': 'cannot_boot_here',
    }


def test_explain_a_servers_move(run, cloud):
    path = cloud(servers=[server('a', ISO, 'vc-1')])
    done = run('explain', '--server', 'a', '--snapshot', path, '-f', 'json')
    assert {row['Host']: row['Reason'] for row in done.json()} == {
        'vc-1': 'suitable',
        'kvm-1': 'other_hypervisor',
        'kvm-2': 'other_hypervisor',
    }


def test_explain_a_move_from_a_host_in_the_wrong_aggregate(run, cloud):
    path = cloud(
        servers=[server('a', ISO, 'kvm-1')],
        aggregates=[
            records.Aggregate(
                'vmware', 'a-1', {'hypervisor_type': 'vmware'}, ('kvm-1',)
            )
        ],
    )
    done = run('explain', '--server', 'a', '--snapshot', path, '-f', 'json')
    # Its disk is for KVM, whatever the aggregate says.
    assert {row['Host']: row['Reason'] for row in done.json()} == {
        'kvm-1': 'contradictory_host',
        'kvm-2': 'suitable',
        'vc-1': 'other_hypervisor',
    }


@pytest.mark.parametrize(
    ('image', 'code', 'reason'),
    [
        ('iso', 0, 'suitable'),
        ('vmdk', 0, 'suitable'),
        ('qcow2', 1, 'cannot_boot_here'),
    ],
)
def test_explain_a_rebuild(run, cloud, image, code, reason):
    # The host takes no other server any more.
    hosts = [records.vcenter('vc-1', memory_mb=records.Inventory(1, used=1))]
    path = cloud(servers=[server('a', ISO, 'vc-1')], hosts=hosts)
    done = run(
        *('explain', '--server', 'a', '--rebuild', image, '-f', 'json'),
        *('--snapshot', path),
    )
    assert done.code == code
    assert [(row['Host'], row['Reason']) for row in done.json()] == [
        ('vc-1', reason)
    ]


def test_explain_a_rebuild_of_a_server_on_no_host(run, cloud):
    path = cloud(servers=[server('a', ISO, None)])
    done = run(
        *('explain', '--server', 'a', '--rebuild', 'iso'),
        *('--snapshot', path),
    )
    assert done.code == 3
    assert 'server a is on no host' in done.err


def test_explain_a_server_that_never_got_a_host(run, cloud):
    failed = server(
        'a', WINDOWS, None, status='ERROR', fault='No valid host was found.'
    )
    hosts = [records.kvm('kvm-1')]
    done = run(
        *('explain', '--server', 's-a'),
        *('--snapshot', cloud(servers=[failed], hosts=hosts)),
    )
    assert done.code == 1
    assert 'nova said: No valid host was found.\n' in done.out
    assert '0 of 1 hosts could take it' in done.out


def test_explain_a_server_whose_image_is_gone(run, cloud):
    path = cloud(servers=[server('a', WINDOWS, 'vc-1')], images=[])
    assert run('explain', '--server', 'a', '--snapshot', path).code == 0
    lost = server('a', WINDOWS, 'vc-1', image_properties=None)
    path = cloud(servers=[lost], images=[])
    done = run('explain', '--server', 'a', '--snapshot', path)
    assert done.code == 3
    assert "no image 'i-windows'" in done.err


def test_explain_a_page(run, cloud, tmp_path):
    target = tmp_path / 'page.html'
    done = run(
        *('explain', 'windows', 'small', '--snapshot', cloud()),
        *('--html', target),
    )
    assert done.code == 0
    assert 'vc-1' in target.read_text()
    done = run(
        *('explain', 'windows', 'small', '--snapshot', cloud()),
        *('--html', tmp_path / 'no' / 'page.html'),
    )
    assert done.code == 3
    assert 'No such file' in done.err


@pytest.mark.parametrize(
    'arguments',
    [
        (),
        ('windows',),
        ('windows', 'small', '--server', 'a'),
        ('windows', 'small', '--rebuild', 'iso'),
    ],
)
def test_explain_needs_one_request(run, cloud, arguments):
    done = run('explain', *arguments, '--snapshot', cloud())
    assert done.code == 2
    assert '--server' in done.err


@pytest.mark.parametrize(
    ('arguments', 'code'),
    [
        ((), 1),
        (('--fail-on', 'error'), 1),
        (('--fail-on', 'never'), 0),
        (('--fail-on', 'server_not_preferred'), 1),
        (('--fail-on', 'image_drifted,host_untagged'), 0),
        (('--only', 'host_untagged'), 0),
        (('--only', 'server_not_preferred', '--fail-on', 'error'), 0),
    ],
)
def test_audit_ends_as_it_was_told(run, wrong_cloud, arguments, code):
    done = run('audit', '--snapshot', wrong_cloud, *arguments)
    assert (done.code, done.err) == (code, '')


def test_audit_of_a_cloud_in_order(run, cloud):
    done = run('audit', '--snapshot', cloud())
    assert done.code == 0
    assert done.out.startswith('Found: nothing\n')


def test_audit_shows_the_worst_first(run, wrong_cloud):
    done = run('audit', '--snapshot', wrong_cloud, '-f', 'json')
    assert [
        (row['Severity'], row['Check'], row['Name']) for row in done.json()
    ] == [
        ('error', 'server_misplaced', 'a'),
        ('warning', 'server_not_preferred', 'b'),
    ]


def test_audit_counts_what_is_not_there_too(run, wrong_cloud):
    done = run('audit', '--snapshot', wrong_cloud, '--counts', '-f', 'csv')
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert {row['Check'] for row in rows} == set(CloudCheck)
    assert {
        r['Check']: r['Findings'] for r in rows if r['Findings'] != '0'
    } == {
        'server_misplaced': '1',
        'server_not_preferred': '1',
    }


def test_audit_refuses_what_it_does_not_know(run, wrong_cloud):
    done = run('audit', '--snapshot', wrong_cloud, '--fail-on', 'errors')
    assert done.code == 2
    assert "'errors' is none of these: never, info" in done.err


@pytest.mark.parametrize('output', ['table', 'json', 'yaml', 'csv'])
@pytest.mark.parametrize(
    'command',
    [
        ('classify', 'windows'),
        ('explain', 'windows', 'small'),
        ('explain', 'windows', 'small', '--counts'),
        ('audit', '--fail-on', 'never'),
        ('audit', '--counts', '--fail-on', 'never'),
    ],
)
def test_every_command_in_every_format(run, wrong_cloud, command, output):
    done = run(*command, '--snapshot', wrong_cloud, '-f', output)
    assert (done.code, done.err) == (0, '')
    if output in ('json', 'yaml'):
        assert yaml.safe_load(done.out)


def test_snapshot_save_copies_a_snapshot(run, cloud, tmp_path):
    path = cloud(servers=[server('a', ISO, 'vc-1')])
    copy = tmp_path / 'copy.yaml'
    done = run('snapshot', 'save', copy, '--snapshot', path, '-f', 'value')
    assert done.code == 0
    assert done.out.splitlines() == [
        'hosts 3',
        'aggregates 2',
        'flavors 1',
        'images 4',
        'vcenters 0',
        'servers 1',
    ]
    old, new = files.FileSource(path), files.FileSource(copy)
    assert (new.taken_from, new.taken_at) == (old.taken_from, old.taken_at)
    assert list(new.servers()) == list(old.servers())


def test_snapshot_show(run, wrong_cloud):
    done = run('snapshot', 'show', wrong_cloud, '-f', 'value')
    assert done.code == 0
    assert 'hosts KVM 2\nhosts VMware 1\n' in done.out
    done = run('snapshot', 'show', wrong_cloud)
    assert 'from the records\n' in done.out


def test_snapshot_show_checks_to_the_end(run, tmp_path):
    path = tmp_path / 's.json'
    path.write_text(
        '{"format": "hypervisor-affinity-snapshot", "version": 1,'
        '"servers": [{"id": "x"}]}'
    )
    done = run('snapshot', 'show', path)
    assert (done.code, done.out.count('\n')) == (3, 1)
    assert 'at $.servers[0]: Object missing' in done.err


def test_a_cloud_that_nobody_has_named(run, monkeypatch, tmp_path):
    for name in ('OS_CLOUD', 'OS_AUTH_URL', 'OS_CLIENT_CONFIG_FILE'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('HOME', str(tmp_path))
    done = run('audit')
    assert done.code == 3
    assert '--os-cloud' in done.err
    assert '--snapshot' in done.err
    assert 'Traceback' not in done.err
    done = run('--os-cloud', 'nowhere', 'audit')
    assert done.code == 3
    assert 'nowhere' in done.err


def test_both_programs_have_the_same_commands():
    def commands(group):
        return {
            point.name.replace('hypervisor_affinity_', '').replace('_', ' '): (
                point.value
            )
            for point in importlib.metadata.entry_points(group=group)
        }

    own = commands('hypervisor_affinity.cli')
    assert own.keys() == {
        'audit',
        'classify',
        'explain',
        'exporter',
        'image audit',
        'image inspect',
        'image prepare',
        'image upload',
        'simulate',
        'snapshot save',
        'snapshot show',
        'vcenter check',
        'vcenter show',
    }
    assert commands('openstack.hypervisor_affinity.v1') == own


def test_openstackclient_can_load_the_plug_in():
    (point,) = [
        found
        for found in importlib.metadata.entry_points(
            group='openstack.cli.extension'
        )
        if found.name == 'hypervisor_affinity'
    ]
    plugin = point.load()
    assert plugin.API_NAME == 'hypervisor_affinity'
    assert plugin.DEFAULT_API_VERSION in plugin.API_VERSIONS
    parser = argparse.ArgumentParser()
    assert plugin.build_option_parser(parser) is parser
