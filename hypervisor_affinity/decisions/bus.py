# SPDX-License-Identifier: Apache-2.0
"""Where nova sends notifications, by its own configuration."""

import dataclasses
import pathlib
from collections.abc import Iterable
from typing import Any

import oslo_messaging
from oslo_config import cfg
from oslo_messaging import opts

from hypervisor_affinity import conf_files

# As nova.conf.notifications has them, which is not installed everywhere.
_NOTIFICATIONS = (
    cfg.StrOpt('notification_format', default='unversioned'),
    cfg.ListOpt(
        'versioned_notifications_topics', default=['versioned_notifications']
    ),
)
# nova.config.parse_args
_EXCHANGE = 'nova'
_CERTIFICATES = ('ssl_ca_file', 'ssl_cert_file', 'ssl_key_file')
# Messages that wait in this process. RabbitMQ would send all that there are.
_AHEAD = 100


class BusError(Exception):
    """There is no message bus to listen on; the text cites no password."""


@dataclasses.dataclass(frozen=True)
class Bus:
    """Where notifications are.

    * ``transport``: oslo.messaging's; nothing is connected yet
    * ``place``: of the brokers, for people: without users and passwords
    """

    transport: Any
    place: str
    topic: str


def find(
    nova_conf: Iterable[str], url: str | None = None, topic: str | None = None
) -> Bus:
    """Return where nova sends notifications.

    :param nova_conf: files of its configuration, which also have what is
        needed to connect, as ``[oslo_messaging_rabbit]``
    :param url: of the transport; None for the one of the files
    :param topic: None for the first of the files: nova sends all to each
    :raises BusError: if the files or a value cannot be read
    """
    conf = _options()
    try:
        conf_files.read(conf, nova_conf)
        with conf_files.values(conf):
            _check(conf)
            return _find(conf, url, topic)
    except conf_files.ConfError as error:
        raise BusError(str(error)) from None
    except (oslo_messaging.InvalidTransportURL, ValueError):
        # They cite it.
        raise BusError(
            'the transport URL cannot be read; --help shows the form that it '
            'has, at --transport-url'
        ) from None
    except oslo_messaging.DriverLoadFailure as error:
        raise BusError(
            f'oslo.messaging has no driver {error.driver!r} for the transport '
            'URL, or what it needs is not installed'
        ) from None


def _options() -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    for group, options in opts.list_opts():
        conf.register_opts(options, group)
    conf.register_opts(_NOTIFICATIONS, 'notifications')
    conf.set_default('control_exchange', _EXCHANGE)
    conf.set_default(
        'rabbit_qos_prefetch_count', _AHEAD, 'oslo_messaging_rabbit'
    )
    return conf


def _check(conf: cfg.ConfigOpts) -> None:
    """See that what is read when it connects can be read.

    :raises BusError: naming the option
    """
    rabbit = conf.oslo_messaging_rabbit
    values = {name: rabbit[name] for name in rabbit}
    if values['ssl']:
        for name in _CERTIFICATES:
            try:
                if values[name]:
                    pathlib.Path(values[name]).read_bytes()
            except OSError as error:
                raise BusError(
                    f'[oslo_messaging_rabbit] {name}: {values[name]}: '
                    f'{error.strerror}'
                ) from None


def _find(conf: cfg.ConfigOpts, url: str | None, topic: str | None) -> Bus:
    transport = oslo_messaging.get_notification_transport(conf, url)
    url = (
        url
        or conf.oslo_messaging_notifications.transport_url
        or conf.transport_url
    )
    return Bus(
        transport=transport,
        place=_place(oslo_messaging.TransportURL.parse(conf, url)),
        topic=topic or _topic(conf),
    )


def _topic(conf: cfg.ConfigOpts) -> str:
    if conf.notifications.notification_format == 'versioned':
        topics = conf.notifications.versioned_notifications_topics
        name = '[notifications] versioned_notifications_topics'
    else:
        topics = conf.oslo_messaging_notifications.topics
        name = '[oslo_messaging_notifications] topics'
    if not topics:
        raise BusError(f'{name} is empty: nova sends no notifications')
    return topics[0]


def _place(url: Any) -> str:
    hosts = ','.join(
        host.hostname if host.port is None else f'{host.hostname}:{host.port}'
        for host in url.hosts
    )
    return f'{url.transport}://{hosts}/{url.virtual_host or ""}'
