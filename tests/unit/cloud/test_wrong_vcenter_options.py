# SPDX-License-Identifier: Apache-2.0
"""Files that name no vCenter, or name it wrongly."""

import pytest
from oslo_config import cfg

from hypervisor_affinity import vcenter_conf
from tests.unit.cloud.vcenter_files import NOVAS
from tests.unit.cloud.vcenter_files import PASSWORD
from tests.unit.cloud.vcenter_files import error_of
from tests.unit.cloud.vcenter_files import read
from tests.unit.cloud.vcenter_files import without


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
    assert error_of(path) == f'{path}: is not readable: permission denied'


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
        f'{path}: [vmware] {name} continues in the next line, '
    )


def test_files_that_go_on(write):
    path = write(ours={'config_files': f'a.conf\n  password = {PASSWORD}'})
    assert 'config_files continues in the next line' in error_of(path)


def test_a_password_with_signs(write):
    password = 'a%b#c;d=e: [f] $$g\\'
    (access,) = read(write({**NOVAS, 'host_password': password}))
    assert access.password == password.replace('$$', '$')


def test_a_regular_expression_that_is_none(write):
    path = write({**NOVAS, 'datastore_regex': '(nfs'})
    assert error_of(path).startswith(
        f"{path}: datastore_regex '(nfs' is not a regular expression: "
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
        f'{path}: {name} is not set in [{vcenter_conf.GROUP}] or [vmware]'
    )


@pytest.mark.parametrize('name', ['reading_deadline', 'reading_limit'])
@pytest.mark.parametrize('value', ['0', '-1', 'soon', 'inf', 'nan', '9' * 400])
def test_wrong_bounds(write, name, value):
    text = error_of(write(NOVAS, ours={name: value}))
    assert f'[hypervisor_affinity_vcenter] {name} cannot be read' in text


@pytest.mark.parametrize('value', ['$host_ip', '${host_username}-$host_ip'])
def test_an_option_that_refers_to_itself(write, value):
    text = error_of(write({**NOVAS, 'host_ip': value}))
    assert '[vmware] host_ip cannot be read' in text
