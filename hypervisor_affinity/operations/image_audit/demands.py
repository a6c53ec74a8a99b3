# SPDX-License-Identifier: Apache-2.0
"""Whether an image can run where it asks to, and all it sets is for that."""

from collections.abc import Iterator

from hypervisor_affinity.cloud.adapters import read_image
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.hypervisor import VMWARE
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.hypervisor import title
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.signs import Sign
from hypervisor_affinity.core.signs import Strength
from hypervisor_affinity.operations.classification import classify_image
from hypervisor_affinity.operations.classification import names_that_set
from hypervisor_affinity.operations.classification import runs_nowhere
from hypervisor_affinity.operations.classification import unfit
from hypervisor_affinity.operations.image_audit.checks import ImageCheck
from hypervisor_affinity.operations.image_audit.findings import ImageFinding
from hypervisor_affinity.operations.image_audit.findings import cited
from hypervisor_affinity.operations.image_audit.findings import for_owner
from hypervisor_affinity.operations.image_audit.fixes import fix
from hypervisor_affinity.operations.image_audit.fixes import in_words
from hypervisor_affinity.operations.image_audit.subject import Subject


def check(subject: Subject) -> Iterator[ImageFinding]:
    """Find what the hypervisor that is asked for cannot run, or ignores."""
    demand, meaning = subject.spelled_demand, subject.meaning
    if demand.refusal is Reason.UNREADABLE_SIGN:
        # Its value is refused: that was told.
        return
    if meaning.refusal:
        yield for_owner(
            subject,
            ImageCheck.CONTRADICTORY,
            demand_text(demand),
            _ways_out(subject.meant, subject.policy),
        )
        return
    if failing := unfit(meaning):
        yield for_owner(
            subject,
            ImageCheck.CONTRADICTORY,
            f'{demand_text(demand)}, where a server with {cited(failing)} '
            'would fail',
            _ways_out(subject.meant, subject.policy),
        )
    if runs_nowhere(demand):
        image = subject.meant if runs_nowhere(meaning) else subject.image
        yield for_owner(
            subject,
            ImageCheck.RUNS_NOWHERE,
            demand_text(demand),
            f'{_ways_out(image, subject.policy)}; or set hypervisor_type, if '
            'it is for another hypervisor',
        )
    yield from _check_leftovers(subject)
    idle = [
        sign
        for sign in meaning.signs
        if sign.strength is Strength.DRIVER and sign not in meaning.leftovers
    ]
    if idle and meaning.required and VMWARE not in meaning.required:
        yield for_owner(
            subject,
            ImageCheck.SIGNS_OVERRIDDEN,
            f'{demand_text(demand)}; only ESXi reads {cited(idle)}',
        )


def _check_leftovers(subject: Subject) -> Iterator[ImageFinding]:
    demand, left = subject.meaning, subject.meaning.leftovers
    own = subject.image.properties
    removed = {
        name: None for sign in left for name in names_that_set(own, sign.name)
    }
    for sign in _hidden_leftovers(subject):
        left = (*left, sign)
        removed['vmware_ostype'] = None
    if not left:
        return
    meant = frozenset[Family]().union(*(s.requires or () for s in left))
    # What hides a guest id is no reason to take it for left over.
    against = [
        sign for sign in demand.against(meant) if sign.name != 'os_distro'
    ]
    facts = cited(against)
    evidence = (
        f'{subject.cite(*removed)}; {title(meant)} cannot boot an image with '
        f'{facts}'
    )
    if any(sign.name == 'disk_format' for sign in against):
        yield fix(subject, ImageCheck.LEFT_OVER, evidence, removed)
        return
    # A disk of that hypervisor: its owner may want to keep it there.
    yield for_owner(
        subject,
        ImageCheck.LEFT_OVER,
        evidence,
        f'{in_words(removed)}; or, if it is for {title(meant)}, correct '
        f'{facts}',
    )


def _hidden_leftovers(subject: Subject) -> Iterator[Sign]:
    """Yield the sign of a ``vmware_ostype`` that ``os_distro`` hides.

    It is left over if it would be without that; on a disk of ESXi it is what
    ``os_distro`` should be, and ``guest_ids`` tells.
    """
    own = subject.image.properties
    if not own.get('vmware_ostype') or 'os_distro' not in own:
        return
    if any(sign.name == 'os_distro' for sign in subject.meaning.leftovers):
        return
    image = {
        **read_image(subject.meant),
        'vmware_ostype': own['vmware_ostype'],
    }
    image.pop('os_distro', None)
    unhidden = classify(image, {}, subject.policy)
    against = unhidden.against(frozenset({VMWARE}))
    if any(sign.name == 'disk_format' for sign in against):
        yield from (s for s in unhidden.leftovers if s.name == 'os_distro')


def _ways_out(image: Image, policy: Policy) -> str:
    """Return what would let an image run, each of which was tried."""
    found = classify_image(image, None, policy).changes
    # Who owns the image sets no flavor and no option.
    ways = [change.setting for change in found if change.owners]
    return '; or '.join(ways) or 'run "classify"'
