# SPDX-License-Identifier: Apache-2.0
"""Which vCenters files of nova's configuration name."""

import pathlib
import tempfile
import traceback

import nova.conf
import pytest
from nova.conf import netconf
from nova.conf import vmware
from oslo_config import cfg
from oslo_config import fixture as config_fixture

from hypervisor_affinity import vcenter_conf
from hypervisor_affinity.cloud.bounds import Bounds
from hypervisor_affinity.cloud.snapshot import ComputeConf
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.vcenter import options

PASSWORD = 'swordfish'
NOVAS = {
    'host_ip': 'vc.example.org',
    'host_username': 'nova',
    'host_password': PASSWORD,
    'cluster_name': 'first',
}
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


def section(group, values):
    lines = [f'{name} = {value}' for name, value in values.items()]
    return '\n'.join([f'[{group}]', *lines, ''])


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write(novas=None, ours=None, name='nova.conf', before=''):
        path = tmp_path / name
        path.write_text(
            before
            + section('vmware', novas or {})
            + section(vcenter_conf.GROUP, ours or {})
        )
        return str(path)

    return write


def read(*paths):
    return options.read(paths)


def error_of(*paths):
    with pytest.raises(SourceError) as caught:
        read(*paths)
    text = str(caught.value)
    assert '\n' not in text
    shown = ''.join(traceback.format_exception(caught.value))
    assert PASSWORD not in text + repr(caught.value) + shown
    return text


def said(access):
    """Return {option: what an Access of one file has of it}."""
    address, port, user, password, ca_file, insecure, (compute,), _ = access
    return {
        'host_ip': address,
        'host_port': port,
        'host_username': user,
        'host_password': password,
        'ca_file': ca_file,
        'insecure': insecure,
        'cluster_name': compute.cluster,
        'datastore_regex': compute.datastore_regex,
    }


def without(values, *names):
    return {name: values[name] for name in values if name not in names}


def test_what_nova_has_is_enough(write):
    path = write(NOVAS, before='[DEFAULT]\nhost = compute-1\n')
    (access,) = read(path)
    assert tuple(access)[:-1] == (
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
    assert tuple(access)[:-1] == (
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


def test_a_file_that_is_named_and_missing(write, tmp_path):
    missing = tmp_path / 'missing.conf'
    path = write(NOVAS, {'config_files': missing})
    assert error_of(path) == f'{missing}: no such file'


def test_a_file_that_is_named_twice_is_one_compute(write):
    path = write(NOVAS)
    (access,) = read(path, path)
    assert len(access.computes) == 1


def test_missing(tmp_path):
    path = str(tmp_path / 'nova.conf')
    assert error_of(path) == f'{path}: no such file'


def test_a_folder(tmp_path):
    assert error_of(str(tmp_path)).startswith(f'{tmp_path}: ')


def test_unreadable(write, monkeypatch):
    path = write(NOVAS)

    def refuse(self):
        raise PermissionError(13, 'Permission denied', path)

    # To root, no file is unreadable.
    monkeypatch.setattr(cfg.ConfigParser, 'parse', refuse)
    assert error_of(path) == f'{path}: may not be read'


def test_a_line_that_is_wrong(write):
    path = write(NOVAS, before=f'[DEFAULT]\n\nhost_password {PASSWORD}\n')
    assert error_of(path) == (
        f'{path}: line 3 is neither a section nor an option'
    )


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / 'nova.conf'
    path.write_bytes(
        f'[vmware]\nhost_password = {PASSWORD}\xff\n'.encode('latin-1')
    )
    assert error_of(str(path)).startswith(f'{path}: ')


@pytest.mark.parametrize('group', ['vmware', vcenter_conf.GROUP])
@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('host_port', 'none'),
        ('host_port', '70000'),
        ('host_ip', 'not an address'),
        ('insecure', 'maybe'),
        ('host_password', f'${PASSWORD}'),
        ('host_username', f'{PASSWORD}$x'),
        # Itself.
        ('host_password', f'{PASSWORD}$host_password'),
        ('host_ip', '$no.pe'),
        ('ca_file', '$vmware'),
    ],
)
def test_wrong_values(write, group, name, value):
    key = 'novas' if group == 'vmware' else 'ours'
    values = {'novas': dict(NOVAS), 'ours': {}}
    values[key][name] = value
    path = write(**values)
    text = error_of(path)
    assert text.startswith(f'{path}: [{group}] {name} cannot be read: ')


@pytest.mark.parametrize(
    'name', ['host_username', 'host_password', 'cluster_name', 'ca_file']
)
def test_a_value_that_goes_on(write, name):
    path = write({**NOVAS, name: f'first\n  host_password = {PASSWORD}'})
    assert error_of(path).startswith(
        f'{path}: [vmware] {name} goes on in the next line, '
    )


def test_files_that_go_on(write):
    path = write(ours={'config_files': f'a.conf\n  password = {PASSWORD}'})
    assert 'config_files goes on in the next line' in error_of(path)


def test_a_password_with_signs(write):
    password = 'a%b#c;d=e: [f] $$g\\'
    (access,) = read(write({**NOVAS, 'host_password': password}))
    assert access.password == password.replace('$$', '$')


def test_a_regular_expression_that_is_none(write):
    path = write({**NOVAS, 'datastore_regex': '(nfs'})
    assert error_of(path).startswith(
        f"{path}: datastore_regex '(nfs' is no regular expression: "
    )


def test_the_expression_is_ignored_with_storage_policies(write):
    (access,) = read(
        write({**NOVAS, 'datastore_regex': 'nfs.*', 'pbm_enabled': 'true'})
    )
    assert access.computes[0].datastore_regex is None


@pytest.mark.parametrize('name', ['host_ip', 'host_username', 'host_password'])
def test_what_is_needed(write, name):
    path = write(without(NOVAS, name))
    assert error_of(path) == (
        f'{path}: {name} is set neither in [{vcenter_conf.GROUP}] '
        'nor in [vmware]'
    )


def test_an_empty_file_names_no_vcenter(write):
    assert 'host_ip is set neither' in error_of(write())


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
    assert tuple(access)[:-1] == (
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
    with pytest.raises(SourceError, match=r'nova\.conf: host_password is set'):
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


@pytest.mark.parametrize('name', ['reading_deadline', 'reading_limit'])
@pytest.mark.parametrize('value', ['0', '-1', 'soon', 'inf', 'nan', '9' * 400])
def test_wrong_bounds(write, name, value):
    text = error_of(write(NOVAS, ours={name: value}))
    assert f'[hypervisor_affinity_vcenter] {name} cannot be read' in text


@pytest.mark.parametrize('value', ['$host_ip', '${host_username}-$host_ip'])
def test_an_option_that_refers_to_itself(write, value):
    text = error_of(write({**NOVAS, 'host_ip': value}))
    assert '[vmware] host_ip cannot be read' in text
