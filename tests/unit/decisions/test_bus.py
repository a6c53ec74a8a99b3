# SPDX-License-Identifier: Apache-2.0
"""Where nova sends notifications, by its configuration."""

import inspect

import nova.conf
import pytest
from nova import config
from oslo_config import cfg
from oslo_messaging import opts

from hypervisor_affinity import redaction
from hypervisor_affinity.decisions import bus as buses
from hypervisor_affinity.decisions.bus import BusError

URL = 'rabbit://nova:s3cret@mq-1:5671,nova:s3cret@mq-2:5671/cell'


@pytest.fixture
def find(tmp_path):
    """Find the bus of a nova.conf: ``find(text, url=None, topic=None)``."""

    def find(text='', **options):
        path = tmp_path / 'nova.conf'
        path.write_text(text)
        return buses.find([str(path)], **options)

    return find


def test_the_options_are_novas():
    """Their names, kinds and defaults, as nova registers them."""
    conf = cfg.ConfigOpts()
    nova.conf.notifications.register_opts(conf)
    novas = conf._groups['notifications']._opts
    for option in buses._NOTIFICATIONS:
        other = novas[option.dest]['opt']
        assert option.default == other.default
        assert type(option) is type(other)


def test_the_exchange_is_novas():
    call = f"rpc.set_defaults(control_exchange='{buses._EXCHANGE}')"
    assert call in inspect.getsource(config)


def test_the_transport_of_notifications_comes_first(find):
    rpc = f'[DEFAULT]\ntransport_url = {URL}\n'
    own = '[oslo_messaging_notifications]\ntransport_url = rabbit://u:p@other'
    assert find(rpc).place == 'rabbit://mq-1:5671,mq-2:5671/cell'
    assert find(rpc + own).place == 'rabbit://other/'
    found = find(rpc + own, url='rabbit://u:p@third:1/x')
    assert found.place == 'rabbit://third:1/x'


@pytest.mark.parametrize('format_', ['unversioned', 'both'])
def test_topics(find, format_):
    text = f'[notifications]\nnotification_format = {format_}\n'
    assert find(text).topic == 'notifications'
    text += '[oslo_messaging_notifications]\ntopics = first, second\n'
    assert find(text).topic == 'first'
    assert find(text, topic='mine').topic == 'mine'


def test_topics_of_the_versioned_format(find):
    text = '[notifications]\nnotification_format = versioned\n'
    assert find(text).topic == 'versioned_notifications'
    text += 'versioned_notifications_topics = mine,other\n'
    assert find(text).topic == 'mine'


def test_no_topics(find):
    with pytest.raises(BusError, match=r'topics is empty: nova sends no'):
        find('[oslo_messaging_notifications]\ntopics =\n')


def test_the_options_of_the_connection_count(find, tmp_path):
    path = tmp_path / 'ca.pem'
    path.touch()
    text = (
        f'[DEFAULT]\ntransport_url = {URL}\n[oslo_messaging_rabbit]\n'
        f'ssl = true\nssl_ca_file = {path}\nrabbit_quorum_queue = on\n'
    )
    conf = find(text).transport.conf
    assert conf.oslo_messaging_rabbit.ssl is True
    assert conf.oslo_messaging_rabbit.ssl_ca_file == str(path)
    assert conf.oslo_messaging_rabbit.rabbit_quorum_queue is True


def test_exchange_and_prefetching(find):
    conf = find().transport.conf
    assert conf.control_exchange == 'nova'
    assert conf.oslo_messaging_rabbit.rabbit_qos_prefetch_count == 100
    conf = find(
        '[DEFAULT]\ncontrol_exchange = mine\n'
        '[oslo_messaging_rabbit]\nrabbit_qos_prefetch_count = 7\n'
    ).transport.conf
    assert conf.control_exchange == 'mine'
    assert conf.oslo_messaging_rabbit.rabbit_qos_prefetch_count == 7


def test_other_configurations_of_this_process_stay_as_they_are(find):
    find()
    (default,) = [
        option.default
        for group, options in opts.list_opts()
        for option in options
        if option.dest == 'control_exchange'
    ]
    other = cfg.ConfigOpts()
    other.register_opts(dict(opts.list_opts())[None])
    assert other.control_exchange == default


@pytest.mark.parametrize(
    'url',
    [
        's3cret',
        'nova:s3cret@mq',
        'rabbit://nova:s3cret@mq:port/',
        'rabbit://nova:s3cret@[mq/',
        'nope://nova:s3cret@mq/',
        '://s3cret',
    ],
)
def test_an_url_that_is_none(find, url):
    with pytest.raises(BusError) as caught:
        find(url=url)
    assert 's3cret' not in str(caught.value)
    assert str(caught.value).isprintable()
    # Nothing of its own words is taken for a password, where it is shown.
    text = str(caught.value)
    assert redaction.without_passwords(text) == text
    with pytest.raises(BusError, match='URL') as caught:
        find(f'[DEFAULT]\ntransport_url = {url}\n')
    assert 's3cret' not in str(caught.value)


def test_files_that_cannot_be_read(find):
    with pytest.raises(BusError, match=r'nova\.conf: line 1 is neither'):
        find('s3cret\n')
    with pytest.raises(BusError, match='none: no such file'):
        buses.find(['none'])
    with pytest.raises(BusError, match='ssl'):
        find('[oslo_messaging_rabbit]\nssl = perhaps\n')


def test_certificates_that_are_not_there(find, tmp_path):
    text = f'[oslo_messaging_rabbit]\nssl_ca_file = {tmp_path}/ca.pem\n'
    find(text)
    with pytest.raises(BusError) as caught:
        find(text + 'ssl = true\n')
    assert str(caught.value) == (
        f'[oslo_messaging_rabbit] ssl_ca_file: {tmp_path}/ca.pem: No such '
        'file or directory'
    )
    (tmp_path / 'ca.pem').touch()
    find(text + 'ssl = true\n')
