# SPDX-License-Identifier: Apache-2.0
"""``image audit``."""

import argparse
import dataclasses
import itertools
from collections.abc import Collection, Sequence
from typing import ClassVar

from hypervisor_affinity.cli import base
from hypervisor_affinity.cli import findings
from hypervisor_affinity.cli import pasting
from hypervisor_affinity.cli import progress
from hypervisor_affinity.cli.base import CommandError
from hypervisor_affinity.cli.base import CommandLineError
from hypervisor_affinity.cloud.glance import Glance
from hypervisor_affinity.cloud.glance_images import Stored
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.inspection import inspect_content
from hypervisor_affinity.operations import image_audit
from hypervisor_affinity.operations import judging
from hypervisor_affinity.operations.findings import Check
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.image_audit import ImageCheck
from hypervisor_affinity.operations.image_audit import ImageFinding

_OF_SERVERS = """\
Existing servers keep the properties that the image had when they were booted.
To change those of a server, stop or shelve it. Then run the line below its
image on a host that can reach nova's databases, with the server's id instead
of SERVER.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class _Audited:
    image: Image
    findings: list[ImageFinding]

    @property
    def changes(self) -> dict[str, str | None]:
        return image_audit.changes(self.findings)


class Audit(findings.FindingsCommand):
    """List images with missing or wrong properties, and fix them.

    Exits with status 1 if there is a finding that --fail-on names, or if an
    image could not be changed.
    """

    area = ImageCheck
    page = 'image-audit'
    of_findings = (
        'Severity',
        'Check',
        'ID',
        'Name',
        'Evidence',
        'Advice',
        'Command',
    )
    short = ('Severity', 'Check', 'Name', 'Evidence')
    widths: ClassVar = {'Evidence': 27}

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'images',
            nargs='*',
            metavar='IMAGE',
            help='names or ids; default: all active images',
        )
        findings.add_arguments(parser, ImageCheck)
        parser.add_argument(
            '--no-content',
            action='store_true',
            help='do not read the content of VMDK images, a few MiB of each',
        )
        parser.add_argument(
            '--apply',
            action='store_true',
            help='after a confirmation, make the changes that fix the '
            'findings, and check these images again',
        )
        parser.add_argument(
            '--yes',
            action='store_true',
            help='with --apply: do not ask for a confirmation',
        )
        return parser

    def check(self, parsed_args: argparse.Namespace) -> None:
        """See that the arguments go together."""
        if parsed_args.yes and not parsed_args.apply:
            raise CommandLineError('--yes needs --apply')
        if parsed_args.apply and parsed_args.snapshot:
            raise CommandLineError(
                '--apply cannot be combined with --snapshot: a snapshot '
                'cannot be changed'
            )
        super().check(parsed_args)

    def find(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the findings; with ``--apply``, those that are left."""
        policy = self.policy(parsed_args)
        source = self.source(parsed_args)
        glance = None
        if not parsed_args.snapshot:
            glance = Glance(self.connection())
        auditor = _Auditor(
            source,
            policy,
            glance,
            only=parsed_args.only.of(ImageCheck),
            reads_content=not parsed_args.no_content,
        )
        audited = auditor.audit(parsed_args.images)
        if parsed_args.apply:
            audited = self._fix(auditor, audited, confirmed=parsed_args.yes)
        return self._table(audited, parsed_args)

    def _fix(
        self,
        auditor: '_Auditor',
        audited: list[_Audited],
        *,
        confirmed: bool,
    ) -> list[_Audited]:
        """Change what is to be changed; return what is found after that.

        What is said on the way goes to standard error: the findings that are
        left are the answer.
        """
        planned = [each for each in audited if each.changes]
        for each in planned:
            self.tell(
                f'{_title(each.image)}: {image_audit.in_words(each.changes)}'
            )
        if planned and not confirmed:
            self._confirm()
        if planned:
            self.tell(*_OF_SERVERS.split('\n'))
        return [
            auditor.again(each)
            if each.changes and self._change(auditor, each)
            else each
            for each in audited
        ]

    def _change(self, auditor: '_Auditor', audited: _Audited) -> bool:
        """Change an image; tell whether that worked."""
        title = _title(audited.image)
        try:
            auditor.change(audited)
        except (SourceError, _ChangeError) as error:
            self.status = base.NEGATIVE
            self.tell(f'{title}: not changed: {error}')
            return False
        self.tell(f'{title}: changed')
        if line := _for_servers(audited):
            self.tell(f'  {line}')
        return True

    def _confirm(self) -> None:
        """Ask whether to go on.

        :raises CommandError: unless the answer is yes
        """
        if not self.app.stdin.isatty():
            raise CommandError(
                'nothing was changed: there is no terminal to ask for a '
                'confirmation; use --yes'
            )
        self.app.stderr.write('Change these images? [y/N] ')
        self.app.stderr.flush()
        answer = self.app.stdin.readline().strip().lower()
        if answer not in ('y', 'yes'):
            raise CommandError('nothing was changed: not confirmed')

    def _table(
        self, audited: list[_Audited], parsed_args: argparse.Namespace
    ) -> tuple:
        tally = self.tally(parsed_args)
        found = itertools.chain.from_iterable(
            each.findings for each in audited
        )
        rows = [_row(finding) for finding in tally.counted(found)]
        return self.answer(parsed_args, tally, rows)


class _ChangeError(Exception):
    """An image is not as it was changed; the text says in what."""


class _Auditor:
    """Audits images with all that can be known of them."""

    def __init__(
        self,
        source: Source,
        policy: Policy,
        glance: Glance | None,
        *,
        only: Collection[Check],
        reads_content: bool,
    ) -> None:
        """Read nothing yet.

        :param glance: None if all that is known is in the source
        :param only: the checks that were asked for
        :param reads_content: whether to read the content of VMDK images
        """
        self._source = source
        self._policy = policy
        self._glance = glance
        self._only = only
        self._reads_content = reads_content
        # Content never changes: image id -> what was found out about it.
        self._inspected: dict[str, Disk | ImageFinding] = {}

    def audit(self, names: Sequence[str]) -> list[_Audited]:
        """Audit the images that were named, or all active ones.

        :param names: or ids; empty for all
        """
        images = (
            map(self._source.image, names)
            if names
            else (
                image
                for image in self._source.images()
                if image.status == 'active'
            )
        )
        return [
            _Audited(image, self._findings(image))
            for image in progress.counted('images', images)
        ]

    def change(self, audited: _Audited) -> None:
        """Make the changes of an image, and see that they are there.

        :raises SourceError: if Glance does not make them
        :raises _ChangeError: if it has other values then
        :raises ValueError: without a Glance to change
        """
        if self._glance is None:
            raise ValueError('a snapshot cannot be changed')
        image_id, changes = audited.image.id, audited.changes
        self._glance.change(image_id, changes)
        found = self._glance.stored(image_id).properties
        others = [
            name for name, value in changes.items() if found.get(name) != value
        ]
        if others:
            raise _ChangeError(
                'glance accepted the changes, but now has other values for '
                f'{", ".join(others)}; find out who else sets them'
            )

    def again(self, audited: _Audited) -> _Audited:
        """Read an image again, and audit it."""
        image = self._source.image(audited.image.id)
        return _Audited(image, self._findings(image))

    def _findings(self, image: Image) -> list[ImageFinding]:
        reads_content = (
            self._reads_content
            and image.disk_format == 'vmdk'
            and image.status == 'active'
        )
        if self._glance is None or not (image.dropped or reads_content):
            return self._wanted(image_audit.audit(image, self._policy))
        try:
            stored = self._glance.stored(image.id)
        except Missing:
            # Deleted since it was listed.
            return []
        disk: Disk | None = None
        failures: list[ImageFinding] = []
        if reads_content:
            match self._inspect(self._glance, image, stored):
                case Finding() as failure:
                    failures.append(failure)
                case inspected:
                    disk = inspected
        found = image_audit.audit(
            image, self._policy, values=stored.properties, disk=disk
        )
        return self._wanted(found + failures)

    def _wanted(self, found: list[ImageFinding]) -> list[ImageFinding]:
        return [finding for finding in found if finding.check in self._only]

    def _inspect(
        self, glance: Glance, image: Image, stored: Stored
    ) -> Disk | ImageFinding:
        if stored.id not in self._inspected:
            inspected: Disk | ImageFinding
            try:
                inspected = inspect_content(glance.content(stored))
            except (DiskError, SourceError) as error:
                inspected = image_audit.unreadable(image, error)
            except Exception as error:
                subject = f'content of image {stored.name or stored.id}'
                why = judging.evidence(subject, error)
                inspected = image_audit.not_judged(
                    image, f'its content: {why}'
                )
            self._inspected[stored.id] = inspected
        return self._inspected[stored.id]


def _for_servers(audited: _Audited) -> str:
    """Return the command that changes a server; '' if none is needed."""
    settings = image_audit.for_servers(audited.image, audited.changes)
    if not settings:
        return ''
    words = ['nova-manage', 'image_property', 'set', 'SERVER']
    for setting in settings.items():
        words += pasting.option('--property', '='.join(setting))
    return pasting.line(words)


def _title(image: Image) -> str:
    return f'{image.name} ({image.id})' if image.name else image.id


def _row(finding: ImageFinding) -> tuple:
    return (
        finding.severity.name.lower(),
        finding.check.value,
        finding.about.id,
        finding.about.name,
        finding.evidence,
        finding.advice,
        pasting.command_lines(finding.commands),
    )
