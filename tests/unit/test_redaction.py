# SPDX-License-Identifier: Apache-2.0
"""What is left out of what others say."""

import io
import logging
import string

import pytest
from hypothesis import given
from hypothesis import strategies
from oslo_config import cfg
from oslo_config import types

from hypervisor_affinity import log_lines
from hypervisor_affinity import redaction
from hypervisor_affinity.cli import audit

PASSWORD = 's3cret'


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('http://u:s3cret@host:5000/v3', 'http://host:5000/v3'),
        ('http://s3cret@host/', 'http://host/'),
        ('at http://u:s3/cret@host/: no', 'at http://host/: no'),
        ('http://u:s3@cret@host/', 'http://host/'),
        ('http://u:my s3cret@host/', 'http://host/'),
        ('http://u:s3#cret?@host/', 'http://host/'),
        ('"http://u:s3"cret@host/"', '"http://host/"'),
        ('mysql+pymysql://u:s3cret@h/nova', 'mysql+pymysql://h/nova'),
        ('mysql+pymysql//u:s3cret@h/nova', 'mysql+pymysql//h/nova'),
        ("Invalid URL 'u:s3cret@host:1/v3'", "Invalid URL 'host:1/v3'"),
        ('u:s3cret@[::1]:5000', '[::1]:5000'),
        (
            "could not determine a constructor for the tag '!s3cret'",
            "could not determine a constructor for the tag '...'",
        ),
        ('undefined alias "s3cret" in', "undefined alias '...' in"),
        ('rabbit://u:s3@h,u:cret@i/', 'rabbit://i/'),
    ],
)
def test_credentials(text, shown):
    assert redaction.without_passwords(text) == shown


@pytest.mark.parametrize(
    'text',
    [
        '',
        'http://host:5000/v3 (connection refused)',
        "it refuses user 'administrator@vsphere.local' or the password",
        'nova, GET /servers: 404, not found; ask admin@example.org',
        '[::1]:8443: no answer',
        'the file a@b.yaml: line 3',
    ],
)
def test_what_is_no_password_stays(text):
    assert redaction.without_passwords(text) == text


# As a URL may have it, and what people write without escaping it.
_PASSWORDS = strategies.text(
    string.ascii_letters + string.digits + string.punctuation, min_size=1
)


@given(_PASSWORDS.map('x{}x'.format), strategies.booleans())
def test_no_password_of_a_url_is_shown(password, has_user):
    user = 'nova' if has_user else ''
    url = f'mysql+pymysql://{user}:{password}@db/nova'
    shown = redaction.without_passwords(f'Cannot reach {url}: refused')
    assert shown == 'Cannot reach mysql+pymysql://db/nova: refused'


@pytest.mark.parametrize('line_break', ['\n', '\r\n', '\\n', '\\r'])
def test_of_a_value_only_the_first_line(line_break):
    shown = redaction.first_line(f"no number: '1{line_break}pw = {PASSWORD}'")
    assert shown.startswith("no number: '1... (it continues, since ")
    assert PASSWORD not in shown
    assert '\n' not in shown


def test_one_line_stays():
    assert redaction.first_line('no number: 1') == 'no number: 1'


@pytest.fixture
def written(monkeypatch):
    """Return what the root logger's handler writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter('%(levelname)s %(message)s'))
    monkeypatch.setattr(logging.getLogger(), 'handlers', [handler])
    return stream


def test_logs(written):
    root = logging.getLogger()
    log_lines.make_fit(root)
    # Not around one another, however many commands a process runs.
    once = root.handlers[0].formatter
    log_lines.make_fit(root)
    assert root.handlers[0].formatter is once
    url = f'http://nova:{PASSWORD}@host/v3'
    log = logging.getLogger('keystoneauth.identity')
    log.warning('Failed to contact %s', url)
    try:
        raise ValueError(url)
    except ValueError:
        log.exception('Failed')
    text = written.getvalue()
    assert text.startswith('WARNING Failed to contact http://host/v3\n')
    assert 'ValueError: http://host/v3\n' in text
    assert 'Traceback' in text
    assert PASSWORD not in text


def test_a_command_of_another_program(written):
    """As OpenStackClient makes one, before it connects to the cloud."""
    audit.Audit(None, None)
    logging.getLogger('keystoneauth').warning('http://u:%s@host/', PASSWORD)
    assert written.getvalue() == 'WARNING http://host/\n'


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        (f'to http://h:1/v3?token={PASSWORD}: no', 'to http://h:1/v3?...'),
        (f'url: /x?a=1&t={PASSWORD} (Caused', 'url: /x?... (Caused'),
        ('who? a=1', 'who? a=1'),
        ('is it?', 'is it?'),
    ],
)
def test_no_query(text, shown):
    found = redaction.without_passwords(text)
    assert found.startswith(shown)
    assert PASSWORD not in found


@pytest.mark.parametrize(
    ('kind', 'value', 'said'),
    [
        (types.Integer(), 'abc', "not a whole number: 'abc'"),
        (types.Float(), 'abc', "not a number: 'abc'"),
        (types.Boolean(), '7', "neither true nor false: '7'"),
    ],
)
def test_a_wrong_option_is_told_without_python(tmp_path, kind, value, said):
    path = tmp_path / 'nova.conf'
    path.write_text(f'[DEFAULT]\nx = {value}\n')
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.Opt('x', kind))
    conf([], default_config_files=[str(path)])
    with pytest.raises(ValueError, match='LocationInfo') as caught:
        _ = conf.x
    assert redaction.first_line(str(caught.value)) == (
        f'Value for option x in {path} is not valid: {said}'
    )
