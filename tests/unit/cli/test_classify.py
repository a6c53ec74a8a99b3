# SPDX-License-Identifier: Apache-2.0
"""``classify`` of what a snapshot has, and of a file of properties."""

import msgspec
import pytest

from tests import cloud_of_records as records


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
        'image cannot boot on VMware (disk_format=qcow2)',
    )


@pytest.mark.parametrize(
    ('text', 'subject', 'effects'),
    [
        (
            'disk_format: qcow2\nvmware_ostype: ubuntu64Guest\n',
            'flexible',
            {
                'image vmware_ostype=ubuntu64Guest': 'driver sign: requires '
                'vmware (leftover: VMware cannot boot the image)',
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
                'image hypervisor_type=powervm': 'image sign: does not name '
                'a known hypervisor',
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
    assert 'is not a known extra spec' in rows['problem']['Effect']


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
