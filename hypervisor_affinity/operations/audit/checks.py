# SPDX-License-Identifier: Apache-2.0
"""What is looked for in a cloud, and the things it is found of."""

import dataclasses
import enum
from typing import Self

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.operations.findings import REPORT
from hypervisor_affinity.operations.findings import Check
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.findings import Severity


@enum.unique
class CloudCheck(Check):
    """What is looked for; the codes are stable."""

    SERVER_MISPLACED = (
        'server_misplaced',
        Severity.ERROR,
        'rebuild it from an image for its hypervisor, or boot a new server '
        'instead',
        'A server is on a hypervisor that its image does not allow.',
    )

    SERVER_NOT_PREFERRED = (
        'server_not_preferred',
        Severity.WARNING,
        'boot a new server instead, if the preferred hypervisor has room',
        'A flexible server is on a hypervisor that is not its first choice.',
    )

    SERVER_NOT_ACCEPTED = (
        'server_not_accepted',
        Severity.WARNING,
        'migrate it, or change the aggregate',
        "The host's aggregates would not admit the server if it were new.",
    )

    SERVER_UNDETERMINED = (
        'server_undetermined',
        Severity.INFO,
        'ask its owner: nova has no record of it',
        'What the server needs, or what its host is, is not known.',
    )

    SERVER_REFUSED = (
        'server_refused',
        Severity.INFO,
        'correct its image or flavor before the next boot',
        'The same request would get no host at all today.',
    )

    IMAGE_DRIFTED = (
        'image_drifted',
        Severity.WARNING,
        'a rebuild uses the image as it is now; moves never do',
        'The image asks for something else now than when the server was '
        'booted.',
    )

    IMAGE_WITHOUT_HOST = (
        'image_without_host',
        Severity.WARNING,
        'run "classify" to see what to set, "explain" to see what hosts say',
        "No host can boot the image, or nova's ``ImagePropertiesFilter`` "
        'rejects all hosts that could.',
    )

    FLAVOR_REFUSED = (
        'flavor_refused',
        Severity.ERROR,
        'correct the extra spec',
        'No server of the flavor gets a host, with any image: an extra spec '
        'cannot be read, or two contradict each other.',
    )

    FLAVOR_UNREADABLE = (
        'flavor_unreadable',
        Severity.WARNING,
        'correct the extra spec',
        'An extra spec, or a part of one, cannot be read and was left out.',
    )

    FLAVOR_MISLEADING = (
        'flavor_misleading',
        Severity.WARNING,
        'use hypervisor_affinity:hypervisor_type instead, which takes any '
        'spelling',
        "nova's ``ComputeCapabilitiesFilter`` does not read "
        '``hypervisor_type`` as it is written: servers of the flavor get no '
        'host, or the wrong ones.',
    )

    FLAVOR_WITHOUT_HOST = (
        'flavor_without_host',
        Severity.WARNING,
        'add such a host, or correct the extra spec',
        'The flavor needs a hypervisor that no host offers.',
    )

    HOST_CONTRADICTORY = (
        'host_contradictory',
        Severity.ERROR,
        'remove it from the aggregate, or correct the metadata',
        'Aggregate metadata and the virt driver contradict each other.',
    )

    HOST_UNDETERMINED = (
        'host_undetermined',
        Severity.WARNING,
        'put it into an aggregate with hypervisor_type',
        "The host's hypervisor is not known, or nothing may run on it.",
    )

    HOST_UNTAGGED = (
        'host_untagged',
        Severity.INFO,
        'put it into an aggregate with hypervisor_type',
        'The host is in no aggregate that names a hypervisor.',
    )

    HOST_TAG_IGNORED = (
        'host_tag_ignored',
        Severity.WARNING,
        'remove it from the aggregate, or correct the metadata',
        "One of the host's aggregates names a hypervisor that its virt "
        'driver does not report, and another one that it does.',
    )

    SERVER_NOT_JUDGED = (
        'server_not_judged',
        Severity.WARNING,
        REPORT,
        "The server's record has something unexpected.",
    )

    IMAGE_NOT_JUDGED = (
        'image_not_judged',
        Severity.WARNING,
        REPORT,
        "The image's record has something unexpected.",
    )

    FLAVOR_NOT_JUDGED = (
        'flavor_not_judged',
        Severity.WARNING,
        REPORT,
        "The flavor's record has something unexpected.",
    )

    HOST_NOT_JUDGED = (
        'host_not_judged',
        Severity.WARNING,
        REPORT,
        "The host's record, or that of an aggregate, has something "
        'unexpected.',
    )

    AGGREGATE_NOT_JUDGED = (
        'aggregate_not_judged',
        Severity.WARNING,
        REPORT,
        "The aggregate's record has something unexpected.",
    )

    TAG_UNREADABLE = (
        'tag_unreadable',
        Severity.WARNING,
        'correct the aggregate metadata',
        'Aggregate metadata that could not be read was left out.',
    )

    OPTION_UNKNOWN = (
        'option_unknown',
        Severity.WARNING,
        'correct the name in the file',
        'A section of this project in a file of ``--nova-conf`` is '
        'misspelled, or sets an option that does not exist: it has no effect.',
    )

    AGGREGATE_HOST_UNKNOWN = (
        'aggregate_host_unknown',
        Severity.INFO,
        'remove it from the aggregate',
        'A tagged aggregate names a host that has no compute node.',
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Thing:
    """What is looked at.

    :ivar kind: ``server``, ``image``, ``flavor``, ``host``, ``aggregate`` or
        ``option``
    :ivar id: its name where it has no id
    :ivar host: where it is; '' if it is nowhere
    """

    kind: str
    id: str
    name: str
    host: str

    @classmethod
    def from_host(cls, host: Host) -> Self:
        """Return a host as a thing, by the name of its compute node."""
        return cls('host', host.node or host.name, host.name, host.name)

    @classmethod
    def from_aggregate(cls, aggregate: Aggregate, host: str = '') -> Self:
        """Return an aggregate as a thing.

        :param host: the one of its hosts that is meant
        """
        name = aggregate.name
        return cls('aggregate', aggregate.uuid or name, name, host)

    @classmethod
    def from_option(cls, file: str, name: str) -> Self:
        """Return an option, or a section, as a thing of a file."""
        return cls('option', file, name, '')

    @classmethod
    def from_image(cls, image: Image) -> Self:
        """Return an image as a thing."""
        return cls('image', image.id, image.name, '')

    @classmethod
    def from_flavor(cls, flavor: Flavor) -> Self:
        """Return a flavor as a thing."""
        return cls('flavor', flavor.id or flavor.name, flavor.name, '')

    @classmethod
    def from_server(cls, server: Server) -> Self:
        """Return a server as a thing."""
        return cls('server', server.id, server.name, server.host or '')


CloudFinding = Finding[Thing]
