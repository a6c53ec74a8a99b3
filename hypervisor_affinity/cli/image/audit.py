# SPDX-License-Identifier: Apache-2.0
"""``image audit``."""

import argparse
from typing import NamedTuple

from hypervisor_affinity.cli import base
from hypervisor_affinity.cli import findings
from hypervisor_affinity.cli import pasting
from hypervisor_affinity.cli import progress
from hypervisor_affinity.cli.base import CommandError
from hypervisor_affinity.cli.base import CommandLineError
from hypervisor_affinity.cli.base import PolicyCommand
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
from hypervisor_affinity.operations.image_audit import SEVERITIES
from hypervisor_affinity.operations.image_audit import Finding

_OF_SERVERS = """\
Servers that were booted before keep the properties of then. To change those of
one, stop or shelve it, and run the line below its image where nova's databases
can be reached, with the server's id for SERVER.
"""


_COLUMNS = ('Severity', 'Check', 'ID', 'Name', 'Evidence', 'Advice')


class _Audited(NamedTuple):
    image: Image
    findings: list[Finding]

    @property
    def changes(self) -> dict[str, str | None]:
        return image_audit.changes(self.findings)


class Audit(PolicyCommand):
    """List images whose properties are not as they should, and mend them.

    Ends with 1 if there is a finding that --fail-on names, or if an image
    could not be changed.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'images',
            nargs='*',
            metavar='IMAGE',
            help='names or ids; default: all active images',
        )
        findings.add_arguments(parser, SEVERITIES)
        parser.add_argument(
            '--no-content',
            action='store_true',
            help='do not read the content of VMDK images, a few MiB of each',
        )
        parser.add_argument(
            '--apply',
            action='store_true',
            help='make the changes that mend the findings, after a '
            'confirmation, and look at these images again',
        )
        parser.add_argument(
            '--yes', action='store_true', help='confirm --apply beforehand'
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the findings; with ``--apply``, those that are left."""
        if parsed_args.yes and not parsed_args.apply:
            raise CommandLineError(
                '--yes confirms --apply; give both or neither'
            )
        if parsed_args.apply and parsed_args.snapshot:
            raise CommandLineError(
                '--apply changes a cloud, --snapshot reads a file; leave out '
                'one of them'
            )
        policy = self.policy(parsed_args)
        source = self.source(parsed_args)
        glance = None
        if not parsed_args.snapshot:
            glance = Glance(self.connection())
        auditor = _Auditor(source, policy, glance, parsed_args)
        audited = auditor.audit()
        if parsed_args.apply:
            audited = self._mend(auditor, audited, parsed_args)
        return self._table(audited, parsed_args)

    def _mend(
        self,
        auditor: '_Auditor',
        audited: list[_Audited],
        parsed_args: argparse.Namespace,
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
        if planned and not parsed_args.yes:
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
        except SourceError as error:
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
                'confirmation; give it with --yes'
            )
        self.app.stderr.write('Change these images? [y/N] ')
        self.app.stderr.flush()
        answer = self.app.stdin.readline().strip().lower()
        if answer not in ('y', 'yes'):
            raise CommandError('nothing was changed: not confirmed')

    def _table(
        self, audited: list[_Audited], parsed_args: argparse.Namespace
    ) -> tuple:
        tally = findings.Tally(SEVERITIES, parsed_args)
        rows = [
            _row(image, finding)
            for image, found in audited
            for finding in found
            if tally.takes(finding.check)
        ]
        return findings.answer(self, parsed_args, tally, _COLUMNS, rows)


class _Auditor:
    """Audits images with all that can be known of them."""

    def __init__(
        self,
        source: Source,
        policy: Policy,
        glance: Glance | None,
        parsed_args: argparse.Namespace,
    ) -> None:
        """Read nothing yet.

        :param glance: None if all that is known is in the source
        """
        self._source = source
        self._policy = policy
        self._glance = glance
        self._names = parsed_args.images
        self._only = parsed_args.only
        self._reads_content = not parsed_args.no_content
        # Content never changes: image id -> what was found out about it.
        self._inspected: dict[str, Disk | Finding] = {}

    def audit(self) -> list[_Audited]:
        """Audit the images that were named, or all active ones."""
        images = (
            map(self._source.image, self._names)
            if self._names
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

        :raises SourceError: if they are not
        """
        image_id, changes = audited.image.id, audited.changes
        self._glance.change(image_id, changes)
        found = self._glance.stored(image_id).properties
        others = [
            name for name, value in changes.items() if found.get(name) != value
        ]
        if others:
            raise SourceError(
                'glance took the changes, but has other values for '
                f'{", ".join(others)} now; see who else sets them'
            )

    def again(self, audited: _Audited) -> _Audited:
        """Read an image again, and audit it."""
        image = self._source.image(audited.image.id)
        return _Audited(image, self._findings(image))

    def _findings(self, image: Image) -> list[Finding]:
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
        inspected = self._inspect(stored) if reads_content else None
        failures = [inspected] if isinstance(inspected, Finding) else []
        found = image_audit.audit(
            image,
            self._policy,
            values=stored.properties,
            disk=None if failures else inspected,
        )
        return self._wanted(found + failures)

    def _wanted(self, found: list[Finding]) -> list[Finding]:
        return [finding for finding in found if finding.check in self._only]

    def _inspect(self, stored: Stored) -> Disk | Finding:
        if stored.id not in self._inspected:
            try:
                inspected = inspect_content(self._glance.content(stored))
            except (DiskError, SourceError) as error:
                inspected = image_audit.unreadable(error)
            except Exception as error:
                subject = f'content of image {stored.name or stored.id}'
                why = judging.evidence(subject, error)
                inspected = image_audit.not_judged(f'its content: {why}')
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


def _row(image: Image, finding: Finding) -> tuple:
    return (
        finding.severity.name.lower(),
        finding.check.value,
        image.id,
        image.name,
        finding.evidence,
        finding.advice,
    )
