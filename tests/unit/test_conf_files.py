# SPDX-License-Identifier: Apache-2.0
"""What is said of files of nova's configuration that are wrong."""

import importlib
import os
import pathlib
import sys
import tempfile
import traceback

import pytest
from oslo_config import cfg

from hypervisor_affinity import conf_files

PASSWORD = 's3cret'


@pytest.fixture
def conf():
    conf = cfg.ConfigOpts()
    conf.register_cli_opts([cfg.BoolOpt('debug'), cfg.StrOpt('state_path')])
    conf.register_opts([cfg.IntOpt('size')])
    conf.register_opts([cfg.StrOpt('connection')], group='database')
    return conf


@pytest.fixture
def error_of(conf, tmp_path, capsys):
    """Return a function that says what is wrong with a file."""
    path = tmp_path / 'nova.conf'

    def error_of(content, read_values=lambda conf: None):
        path.write_bytes(content.encode('latin-1'))
        with pytest.raises(conf_files.ConfError) as caught:
            conf_files.read(conf, [path])
            with conf_files.values(conf):
                read_values(conf)
        text = str(caught.value)
        shown = ''.join(traceback.format_exception(caught.value))
        assert '\n' not in text
        assert PASSWORD not in text + shown + ''.join(capsys.readouterr())
        return text.replace(str(path), 'FILE')

    return error_of


@pytest.mark.parametrize(
    ('content', 'text'),
    [
        (
            f'[database]\nconnection {PASSWORD}\n',
            'line 2 is neither a section nor an option',
        ),
        (f'[{PASSWORD}\n', 'line 1 begins a section, but has no ]'),
        ('[]\n', 'line 1 begins a section without a name'),
        (f'[a]\n= {PASSWORD}\n', 'line 2 has no name before ='),
        (f'[a]\n  {PASSWORD}\n', 'line 2 begins with a space, which '),
        (
            f'connection = {PASSWORD}\n[database]\n',
            'line 2 comes after an option that is in no section',
        ),
        (f'[a]\nx = {PASSWORD}\xff\n', 'it is not valid UTF-8'),
    ],
)
def test_a_line_that_is_wrong(error_of, content, text):
    assert error_of(content).startswith(f'FILE: {text}')


def test_oslo_config_says_nothing_else():
    """Whatever is raised for a line has words of ours."""
    raising = {
        name
        for name in dir(cfg.ConfigParser)
        if name.startswith('error_') and name != 'error_no_section'
    }
    parser = cfg.ConfigParser('nova.conf', {})
    said = set()
    for name in raising:
        with pytest.raises(cfg.ParseError) as caught:
            getattr(parser, name)(PASSWORD)
        said.add(caught.value.msg)
    said.add(parser.error_no_section().msg)
    assert said == set(conf_files._CAUSES)


def test_an_option_of_the_command_line_that_goes_on(error_of):
    content = f'[DEFAULT]\ndebug = true\n  password = {PASSWORD}\n'
    assert error_of(content).startswith(
        'argument --debug: Invalid Boolean value: true... (it continues, '
    )


def test_a_value_that_goes_on(error_of):
    content = f'[DEFAULT]\nsize = 1\n  password = {PASSWORD}\n'
    text = error_of(content, lambda conf: conf.size)
    assert text.startswith('Value for option size in ')
    assert "'1... (it continues, " in text


@pytest.mark.parametrize('reference', ['$', '$none.', '$database.'])
def test_a_password_with_a_sign(error_of, reference):
    content = f'[database]\nconnection = a{reference}{PASSWORD}\n'
    assert error_of(content, lambda conf: conf.database.connection) == (
        '[database] connection cannot be read: a $ in it refers to an option '
        'that does not exist, or to itself; write $$ for a literal $'
    )


def test_an_option_that_nobody_has_is_named(conf):
    conf_files.read(conf, [])
    with pytest.raises(cfg.NoSuchOptError), conf_files.values(conf):
        conf.of_no_release  # noqa: B018


def test_missing(conf, tmp_path):
    path = tmp_path / 'none'
    with pytest.raises(conf_files.ConfError, match=f'{path}: no such file'):
        conf_files.read(conf, [path])


def test_a_folder(conf, tmp_path):
    with pytest.raises(conf_files.ConfError, match=f'{tmp_path}: Is a dir'):
        conf_files.read(conf, [tmp_path])


def test_the_command_line_is_left_to_oslo_config(conf, capsys):
    with pytest.raises(SystemExit) as ended, conf_files.reading(conf):
        conf(['--size', '1'])
    assert ended.value.code == 2
    assert 'unrecognized arguments: --size' in capsys.readouterr().err


def test_warnings_are_passed_on(conf, capsys):
    with conf_files.reading(conf):
        sys.stderr.write('deprecated\n')
    assert capsys.readouterr().err == 'deprecated\n'


@pytest.fixture
def world():
    """Return a folder that every user of the machine may enter."""
    with tempfile.TemporaryDirectory(dir='/tmp') as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        yield folder


def test_open_to_all(world):
    path = world / 'nova.conf'
    path.write_text(f'[vmware]\nhost_password = {PASSWORD}\n')
    for mode, is_open in ((0o644, True), (0o640, False), (0o604, True)):
        path.chmod(mode)
        assert conf_files.is_open_to_all(str(path)) is is_open
    link = world / 'link'
    link.symlink_to(path)
    assert conf_files.is_open_to_all(str(link))
    world.chmod(0o750)
    assert not conf_files.is_open_to_all(str(path))
    assert not conf_files.is_open_to_all(str(world / 'none'))


def test_which_options_are_passwords(tmp_path):
    path = tmp_path / 'nova.conf'
    path.write_text(
        '[DEFAULT]\ntransport_url = a\nhost = a\n'
        '[database]\nconnection = a\nmax_retries = 1\nslave_connection =\n'
        '[vmware]\nhost_password = a\nconnection_pool_size = 10\n'
        '[neutron]\nmetadata_proxy_shared_secret = a\n'
    )
    assert conf_files.passwords(str(path)) == [
        '[DEFAULT] transport_url',
        '[database] connection',
        '[vmware] host_password',
        '[neutron] metadata_proxy_shared_secret',
    ]
    path.write_text(f'[vmware]\nhost_password {PASSWORD}\n')
    with pytest.raises(conf_files.ConfError, match='line 2 is neither'):
        conf_files.passwords(str(path))


def test_every_secret_option_of_nova_is_a_password():
    """As nova and its libraries declare them."""
    for _, _, name in _secret_options():
        assert conf_files._SECRET.search(name), name


def _secret_options():
    conf = importlib.import_module('nova.conf').CONF
    for info, group in conf._all_opt_infos():
        if info['opt'].secret:
            yield conf, group, info['opt'].name


def test_what_has_no_end(conf, tmp_path):
    with pytest.raises(conf_files.ConfError, match='/dev/zero: is a device'):
        conf_files.read(conf, ['/dev/zero'])
    path = tmp_path / 'nova.conf'
    path.touch()
    os.truncate(path, 2 << 30)
    with pytest.raises(conf_files.ConfError, match='has more than 16 MiB'):
        conf_files.read(conf, [path])
