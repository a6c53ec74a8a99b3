# SPDX-License-Identifier: Apache-2.0
"""Which vCenters there are, from files of nova's configuration.

``[vmware]`` of a nova-compute has all that is needed. What is in
``[hypervisor_affinity_vcenter]`` takes precedence over it.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Any

from oslo_config import cfg

from hypervisor_affinity import conf_files
from hypervisor_affinity import vcenter_conf
from hypervisor_affinity.cloud.bounds import MIB
from hypervisor_affinity.cloud.bounds import Bounds
from hypervisor_affinity.cloud.snapshot import ComputeConf
from hypervisor_affinity.cloud.source import SourceError

_VMWARE = 'vmware'
_HTTPS = 443
_HOST = cfg.StrOpt('host')
# With storage policies the driver ignores the expression.
_POLICIES = cfg.BoolOpt('pbm_enabled', default=False)


_BOUNDS = Bounds(
    vcenter_conf.DEADLINE.default, vcenter_conf.LIMIT.default * MIB
)


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """How to reach one vCenter, and which nova-computes do.

    :ivar ca_file: None for the certificates of the system
    :ivar bounds: of one reading of it
    """

    address: str
    port: int
    user: str
    password: str
    ca_file: str | None
    insecure: bool
    computes: tuple[ComputeConf, ...]
    bounds: Bounds = _BOUNDS

    def __repr__(self) -> str:
        # Of tracebacks and failed assertions.
        return f'Access({self.name!r})'

    @property
    def name(self) -> str:
        """What to call it: its address, with an unusual port."""
        address = f'[{self.address}]' if ':' in self.address else self.address
        return address if self.port == _HTTPS else f'{address}:{self.port}'


def read_accesses(paths: Iterable[str]) -> list[Access]:
    """Return the vCenters that files name, each once.

    How to reach one is taken from the first file that names it, except that
    a certificate is verified only if all files want it.

    :param paths: of files as nova-compute is started with
    :raises SourceError: naming file and option, if one cannot be read
    """
    return _merged(map(_parsed, paths))


def read_conf(conf: cfg.ConfigOpts, path: str) -> list[Access]:
    """Return the vCenters that nova's own configuration names, if any.

    :param conf: ``nova.conf.CONF``, with our options registered
    :param path: what to call it
    :raises SourceError: as :func:`read`
    """
    # The host of nova-scheduler is not that of a cluster.
    file = _File(path, conf, is_computes=False)
    return _merged([file] if file.named or file.names_a_vcenter else [])


def _merged(files: Iterable['_File']) -> list[Access]:
    found: dict[str, Access] = {}
    for file in _with_named(files):
        access = _access(file)
        known = found.get(
            access.name, dataclasses.replace(access, computes=())
        )
        found[access.name] = dataclasses.replace(
            known,
            insecure=known.insecure or access.insecure,
            # One file may be named twice.
            computes=tuple(dict.fromkeys(known.computes + access.computes)),
        )
    return list(found.values())


def _parsed(path: str) -> '_File':
    """Read a file.

    :raises SourceError: if it cannot be read
    """
    conf = cfg.ConfigOpts()
    conf.register_opts([*vcenter_conf.ACCESS, _POLICIES], group=_VMWARE)
    conf.register_opt(_HOST)
    vcenter_conf.register(conf)
    try:
        conf_files.read(conf, [path])
    except conf_files.ConfError as error:
        raise SourceError(str(error)) from error
    return _File(path, conf, is_computes=True)


class _File:
    """One file of nova's configuration, or several that are read as one."""

    def __init__(
        self, path: str, conf: cfg.ConfigOpts, *, is_computes: bool
    ) -> None:
        self.path = path
        self._conf = conf
        self._is_computes = is_computes

    @property
    def named(self) -> list[str]:
        """The files to read in addition."""
        return self._value(vcenter_conf.GROUP, vcenter_conf.FILES.name)

    @property
    def names_a_vcenter(self) -> bool:
        """Whether it has an address of one."""
        return bool(self.option('host_ip'))

    @property
    def host(self) -> str:
        """The name of its nova-compute; '' if it is not set, or of none."""
        if not self._is_computes or not self._value(_VMWARE, 'host_ip'):
            return ''
        return self._value('DEFAULT', _HOST.name) or ''

    @property
    def is_open_to_all(self) -> bool:
        """Whether every user of this machine may read it."""
        # Of nova's own, which may be several, nobody knows which it is.
        return self._is_computes and conf_files.is_open_to_all(self.path)

    @property
    def datastore_regex(self) -> str | None:
        """What the names of its datastores match; None for all.

        :raises SourceError: if it is no regular expression
        """
        regex = self.option('datastore_regex')
        if not regex or self._value(_VMWARE, _POLICIES.name):
            return None
        try:
            re.compile(regex)
        except (OverflowError, RecursionError, re.error) as error:
            raise SourceError(
                f'{self.path}: datastore_regex {regex!r} is not a regular '
                f'expression: {error}'
            ) from error
        return regex

    def option(self, name: str) -> Any:
        """Return an option of ours, or else of nova's; None for neither.

        What type it has, its declaration says.

        :raises SourceError: if its value is none
        """
        value = self._value(vcenter_conf.GROUP, name)
        return self._value(_VMWARE, name) if value is None else value

    def needed(self, name: str) -> str:
        """Return such an option.

        :raises SourceError: if there is none
        """
        value = self.option(name)
        if not value:
            raise SourceError(
                f'{self.path}: {name} is not set in [{vcenter_conf.GROUP}] or '
                f'[{_VMWARE}]'
            )
        return value

    def _value(self, group: str, name: str) -> Any:
        where = self._conf if group == 'DEFAULT' else self._conf[group]
        try:
            value = where[name]
        except Exception:
            # Whatever oslo.config raises, as where an option refers to
            # itself. From None, and no word of it, as above.
            raise SourceError(
                f'{self.path}: [{group}] {name} cannot be read: it has a '
                'wrong value, or a $ in it refers to an option that does not '
                'exist, or to itself'
            ) from None
        # No word of it here either: the next line may be a password.
        if any('\n' in part for part in _parts(value)):
            raise SourceError(
                f'{self.path}: [{group}] {name} continues in the next line, '
                'because that line begins with a space; remove the space if '
                'the line is an option of its own'
            )
        return value


def _parts(value: object) -> Iterator[str]:
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, str):
            yield part


def _with_named(files: Iterable[_File]) -> Iterator[_File]:
    """Yield the files, and after each the ones that it names."""
    for file in files:
        named = file.named
        if file.names_a_vcenter or not named:
            yield file
        yield from map(_parsed, named)


def _access(file: _File) -> Access:
    compute = ComputeConf(
        file=file.path,
        host=file.host,
        cluster=file.option('cluster_name') or '',
        datastore_regex=file.datastore_regex,
        open_to_all=file.is_open_to_all,
    )
    ca_file = file.option('ca_file')
    return Access(
        address=file.needed('host_ip'),
        port=file.option('host_port') or _HTTPS,
        user=file.needed('host_username'),
        password=file.needed('host_password'),
        ca_file=ca_file,
        # As nova has it.
        insecure=bool(file.option('insecure')) and not ca_file,
        computes=(compute,),
        bounds=Bounds(
            file.option(vcenter_conf.DEADLINE.name),
            file.option(vcenter_conf.LIMIT.name) * MIB,
        ),
    )
