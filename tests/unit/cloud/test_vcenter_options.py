# SPDX-License-Identifier: Apache-2.0
"""Which vCenters files of nova's configuration name."""

import pathlib
import tempfile

import nova.conf
import pytest
from nova.conf import netconf
from nova.conf import vmware
from oslo_config import fixture as config_fixture

from hypervisor_affinity import vcenter_conf
from hypervisor_affinity.cloud.bounds import Bounds
from hypervisor_affinity.cloud.snapshot import ComputeConf
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.vcenter import options
from tests.unit.cloud.vcenter_files import NOVAS
from tests.unit.cloud.vcenter_files import PASSWORD
from tests.unit.cloud.vcenter_files import error_of
from tests.unit.cloud.vcenter_files import read
from tests.unit.cloud.vcenter_files import without

OURS = {
    'host_ip': '192.0.2.7',
    'host_port': '8443',
    'host_username': 'reader',
    'host_password': 'other',
    'ca_file': '/etc/ca.pem',
    'insecure': 'true',
    'cluster_name': 'second',
    'datastore_regex': 'nfs.*',
}


def said(access):
    """Return {option: what an Access of one file has of it}."""
    (compute,) = access.computes
    return {
        'host_ip': access.address,
        'host_port': access.port,
        'host_username': access.user,
        'host_password': access.password,
        'ca_file': access.ca_file,
        'insecure': access.insecure,
        'cluster_name': compute.cluster,
        'datastore_regex': compute.datastore_regex,
    }


def test_what_nova_has_is_enough(write):
    path = write(NOVAS, before='[DEFAULT]\nhost = compute-1\n')
    (access,) = read(path)
    assert access == options.Access(
        'vc.example.org',
        443,
        'nova',
        PASSWORD,
        None,
        False,
        (ComputeConf(path, 'compute-1', 'first'),),
    )
    assert access.name == 'vc.example.org'


def test_ours_is_enough(write):
    path = write(ours=without(OURS, 'ca_file'))
    (access,) = read(path)
    assert access == options.Access(
        '192.0.2.7',
        8443,
        'reader',
        'other',
        None,
        True,
        (ComputeConf(path, '', 'second', 'nfs.*'),),
    )
    assert access.name == '192.0.2.7:8443'


@pytest.mark.parametrize('name', OURS)
def test_ours_goes_before_novas(write, name):
    others = {
        **NOVAS,
        'host_port': '9443',
        'ca_file': '/etc/nova.pem',
        'datastore_regex': 'local.*',
    }
    if name == 'insecure':
        del others['ca_file']
    before = said(*read(write(others)))
    after = said(*read(write(others, {name: OURS[name]})))
    value = {'insecure': True, 'host_port': 8443}.get(name, OURS[name])
    assert before[name] != value
    assert after == {**before, name: value}


def test_insecure_is_taken_back(write):
    (access,) = read(write({**NOVAS, 'insecure': 1}, {'insecure': 'false'}))
    assert not access.insecure


def test_files_of_one_vcenter(write):
    first = write(NOVAS, name='1.conf')
    second = write({**NOVAS, 'host_username': 'other'}, name='2.conf')
    third = write({**NOVAS, 'host_ip': 'vc2.example.org'}, name='3.conf')
    accesses = read(first, third, second)
    assert [access.name for access in accesses] == [
        'vc.example.org',
        'vc2.example.org',
    ]
    assert [compute.file for compute in accesses[0].computes] == [
        first,
        second,
    ]
    assert accesses[0].user == 'nova'


@pytest.mark.parametrize('insecure', [('true', 'false'), ('false', 'true')])
def test_insecure_if_one_of_the_files_is(write, insecure):
    paths = [
        write({**NOVAS, 'insecure': value}, name=f'{number}.conf')
        for number, value in enumerate(insecure)
    ]
    (access,) = read(*paths)
    assert access.insecure


def test_ports_tell_vcenters_apart(write):
    paths = [
        write({**NOVAS, 'host_port': port}, name=f'{port}.conf')
        for port in (443, 8443)
    ]
    assert [access.name for access in read(*paths)] == [
        'vc.example.org',
        'vc.example.org:8443',
    ]


@pytest.mark.parametrize(
    ('port', 'name'), [(443, '[2001:db8::7]'), (8443, '[2001:db8::7]:8443')]
)
def test_ipv6(write, port, name):
    (access,) = read(
        write({**NOVAS, 'host_ip': '2001:db8::7', 'host_port': port})
    )
    assert (access.address, access.name) == ('2001:db8::7', name)


def test_a_file_that_names_others(write):
    other = write({**NOVAS, 'host_ip': 'vc2.example.org'}, name='2.conf')
    same = write(NOVAS, name='3.conf')
    path = write(NOVAS, {'config_files': f'{other},{same}'})
    first, second = read(path)
    assert [compute.file for compute in first.computes] == [path, same]
    assert [compute.file for compute in second.computes] == [other]


def test_a_file_that_names_only_others(write):
    other = write(NOVAS, name='2.conf')
    (access,) = read(write(ours={'config_files': other}))
    assert [compute.file for compute in access.computes] == [other]


def test_an_empty_file_names_no_vcenter(write):
    assert 'host_ip is not set in' in error_of(write())


# As nova has it: oslo.vmware looks at insecure only without ca_file.
def test_a_ca_file_goes_before_insecure(write):
    (access,) = read(
        write({**NOVAS, 'ca_file': '/etc/ca.pem', 'insecure': 'true'})
    )
    assert not access.insecure


def test_a_file_that_everybody_may_read(write, tmp_path):
    path = write(NOVAS)
    (access,) = read(path)
    assert not access.computes[0].open_to_all
    with tempfile.TemporaryDirectory(dir='/tmp') as folder:
        pathlib.Path(folder).chmod(0o755)
        other = pathlib.Path(folder, 'nova.conf')
        other.write_bytes(pathlib.Path(path).read_bytes())
        other.chmod(0o644)
        (access,) = read(str(other))
        assert access.computes[0].open_to_all
        other.chmod(0o640)
        (access,) = read(str(other))
        assert not access.computes[0].open_to_all


def test_no_password_is_shown(write):
    accesses = read(write(NOVAS))
    for shown in (repr(accesses), str(accesses[0])):
        assert PASSWORD not in shown
        assert 'vc.example.org' in shown


def test_the_password_is_secret_for_who_logs_options():
    ((_, ours),) = vcenter_conf.list_opts()
    secrets = {option.name for option in ours if option.secret}
    assert secrets == {'host_password'}


@pytest.fixture
def load():
    """Return a function that reads a file into nova's own CONF."""
    conf = nova.conf.CONF

    def load(path):
        conf([f'--config-file={path}'], 'nova', default_config_dirs=[])
        vcenter_conf.register(conf)
        return options.read_conf(conf, 'nova.conf')

    with config_fixture.Config(conf):
        yield load


def test_novas_own_configuration(write, load):
    path = write(
        {**NOVAS, 'datastore_regex': 'nfs.*'},
        {'host_username': 'reader'},
        before='[DEFAULT]\nhost = scheduler-1\n',
    )
    (access,) = load(path)
    # The host is nova-scheduler's, and serves no cluster.
    assert access == options.Access(
        'vc.example.org',
        443,
        'reader',
        PASSWORD,
        None,
        False,
        (ComputeConf('nova.conf', '', 'first', 'nfs.*'),),
    )


def test_novas_own_configuration_names_no_vcenter(write, load):
    assert load(write()) == []


def test_novas_own_configuration_names_files(write, load):
    other = write(NOVAS, name='2.conf')
    (access,) = load(write(ours={'config_files': other}))
    assert [compute.file for compute in access.computes] == [other]


def test_novas_own_configuration_is_wrong(write, load):
    with pytest.raises(SourceError, match=r'nova\.conf: host_password is not'):
        load(write(without(NOVAS, 'host_password')))


def test_options_are_those_of_nova():
    of_nova = {option.name: option for option in vmware.ALL_VMWARE_OPTS}
    ours = (*vcenter_conf.ACCESS, options._POLICIES)
    for option in ours:
        other = of_nova[option.name]
        assert type(option) is type(other), option.name
        assert repr(option.type) == repr(other.type), option.name
        assert option.secret == other.secret, option.name
    # What an option has if no file sets it.
    defaults = {option.name: of_nova[option.name].default for option in ours}
    assert defaults == {
        **dict.fromkeys(defaults),
        'host_port': 443,
        'insecure': False,
        'pbm_enabled': False,
    }


def test_host_is_an_option_of_nova():
    assert options._HOST.name in {
        option.name for option in netconf.netconf_opts
    }


def test_bounds(write):
    (access,) = read(write(NOVAS))
    assert access.bounds == Bounds(600, 128 * 1024**2)
    ours = {'reading_deadline': '7', 'reading_limit': '3'}
    (access,) = read(write(NOVAS, ours=ours))
    assert access.bounds == Bounds(7, 3 * 1024**2)
