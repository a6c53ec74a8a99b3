# SPDX-License-Identifier: Apache-2.0
"""What became of a server, and the file of all of them."""

import dataclasses
import enum
import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from hypervisor_affinity.core import properties

FILE = pathlib.Path(__file__).parent / 'results' / 'findings.json'


class Outcome(enum.StrEnum):
    """What a value leads to."""

    BOOTS = enum.auto()
    IGNORED = enum.auto()
    HANGS = enum.auto()
    REFUSED = enum.auto()


class Refuser(enum.StrEnum):
    """Who ends a request for a server, in the order in which it gets there."""

    GLANCE = 'Glance'
    NOVA_API = 'nova-api'
    FORMAT_CHECK = "nova's check of formats"
    DRIVER = "nova's driver"
    LIBVIRT = 'libvirt'
    QEMU = 'QEMU'
    VCENTER = 'vCenter'


class Key(NamedTuple):
    """What was tried.

    * ``side``: the hypervisor, as its family is named
    * ``name``: of the property or format, as Glance has it
    * ``value``: of it
    * ``base``: disk format of the image
    """

    side: str
    name: str
    value: str
    base: str


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """A server to boot, on one side, for one property of its image.

    * ``side``: the hypervisor, as its family is named
    * ``name``: of the property or format, as Glance has it
    * ``image``: its formats and properties, as Glance has them
    """

    side: str
    name: str
    image: Mapping[str, str]

    @property
    def key(self) -> Key:
        """Return what tells it from all others."""
        image = self.image
        return Key(
            self.side, self.name, image[self.name], image['disk_format']
        )

    @property
    def found(self) -> dict[str, object]:
        """Return what the image says, by nova's names."""
        return properties.normalize(self.image)

    @property
    def novas_name(self) -> str:
        """Return the property by nova's name."""
        if self.name != 'vmware_adaptertype':
            return properties.NOVA_NAMES.get(self.name, self.name)
        # Of those that nova makes of it, the one that differs.
        is_scsi = 'hw_scsi_model' in self.found
        return 'hw_scsi_model' if is_scsi else 'hw_disk_bus'


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What became of one server.

    * ``outcome``: ``ignored`` means that the server runs, and nothing in its
      machine is what the value asks for; ``hangs``, that its guest writes
      nothing
    * ``device``: the one that the property is about, as QEMU or vSphere
      names it; '' if there is none
    * ``by``: who refused it; None if nobody did
    * ``words``: what that one said
    """

    trial: Trial
    outcome: Outcome
    device: str = ''
    by: Refuser | None = None
    words: str = ''

    @property
    def key(self) -> Key:
        """Return what was tried."""
        return self.trial.key


class Record(NamedTuple):
    """A run.

    * ``versions``: {what: its version}
    * ``findings``: in the order of what was tried
    """

    versions: Mapping[str, str]
    findings: list[Finding]

    def check(self, versions: Mapping[str, str]) -> None:
        """Refuse other versions than the findings were made with.

        :raises ValueError: names them
        """
        differ = [
            f'{what} {self.versions[what]}, and now it is {version}'
            for what, version in versions.items()
            if self.versions.get(what, version) != version
        ]
        if differ:
            raise ValueError(f'the other findings are of {"; ".join(differ)}')

    def with_property(
        self, name: str, found: list[Finding], versions: Mapping[str, str]
    ) -> 'Record':
        """Return one with other findings of a property, or with new ones.

        :param name: of the property
        :param found: all findings of it
        :param versions: that they were made with
        :raises ValueError: these are not those of the others
        """
        self.check(versions)
        others = list(self.findings)
        places = [
            place
            for place, other in enumerate(others)
            if other.trial.name == name
        ]
        at = places[0] if places else len(others)
        others = [other for other in others if other.trial.name != name]
        return Record(
            {**self.versions, **versions}, [*others[:at], *found, *others[at:]]
        )


def write(record: Record, path: pathlib.Path = FILE) -> None:
    """Write a file, a line for each server."""
    lines = ',\n'.join(
        '  ' + json.dumps(_document(finding)) for finding in record.findings
    )
    versions = json.dumps(dict(record.versions), indent=2)
    versions = versions.replace('\n', '\n ')
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f'{{\n "versions": {versions},\n "findings": [\n{lines}\n ]\n}}\n'
    )


def read(path: pathlib.Path = FILE) -> Record:
    """Return what a file has.

    :raises OSError: there is none
    :raises ValueError: it is no such file
    """
    document = json.loads(path.read_text())
    return Record(
        document['versions'], [_finding(d) for d in document['findings']]
    )


def by_key(findings: Iterable[Finding]) -> dict[Key, Finding]:
    """Return {what was tried: what became of it}."""
    return {finding.key: finding for finding in findings}


def _document(finding: Finding) -> dict[str, Any]:
    document = dataclasses.asdict(finding)
    trial = document.pop('trial')
    told = {k: v for k, v in document.items() if v not in ('', None)}
    return {**trial, **told}


def _finding(document: dict[str, Any]) -> Finding:
    by = document.get('by')
    return Finding(
        Trial(document['side'], document['name'], document['image']),
        Outcome(document['outcome']),
        document.get('device', ''),
        by and Refuser(by),
        document.get('words', ''),
    )
