# SPDX-License-Identifier: Apache-2.0
"""Values that nova-api refuses, and a type that no host reports."""

from collections.abc import Iterator

from hypervisor_affinity.core import drivers
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.hypervisor import canonicalize
from hypervisor_affinity.operations import image_spelling as spelling
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.findings import Remedy
from hypervisor_affinity.operations.image_audit.checks import ImageCheck
from hypervisor_affinity.operations.image_audit.findings import ImageFinding
from hypervisor_affinity.operations.image_audit.findings import for_owner
from hypervisor_affinity.operations.image_audit.fixes import fix
from hypervisor_affinity.operations.image_audit.fixes import in_words
from hypervisor_affinity.operations.image_audit.subject import Subject


def check(subject: Subject) -> Iterator[ImageFinding]:
    """Find values with which no server is booted."""
    yield from _check_refused(subject)
    yield from _check_type(subject)


def _check_refused(subject: Subject) -> Iterator[ImageFinding]:
    then = subject.meaning
    for name, why in subject.refused.items():
        evidence = subject.cite(name)
        right = subject.spelled[name]
        fixed = {name: right}
        if right == subject.image.properties[name]:
            yield for_owner(subject, ImageCheck.VALUE_REFUSED, evidence, why)
        elif then.refusal in (None, subject.demand.refusal):
            yield Finding(
                ImageCheck.VALUE_REFUSED,
                subject.image,
                evidence,
                remedy=Remedy(in_words(fixed), fixed),
            )
        else:
            yield for_owner(
                subject,
                ImageCheck.VALUE_REFUSED,
                evidence,
                f'{in_words(fixed)}; then: {demand_text(then)}',
            )


def _check_type(subject: Subject) -> Iterator[ImageFinding]:
    name = subject.name_of('hypervisor_type')
    named = subject.image.properties.get(name)
    if not named or name in subject.refused:
        return
    family, reported = canonicalize(named), spelling.reported_instead(named)
    if family is None or not reported:
        return
    driver = drivers.TABLES[family].driver
    evidence = (
        f"{subject.cite(name)}; nova's {driver} driver reports "
        f'{" or ".join(reported)}'
    )
    if len(reported) == 1:
        yield fix(
            subject, ImageCheck.TYPE_UNREPORTED, evidence, {name: reported[0]}
        )
    else:
        yield for_owner(
            subject,
            ImageCheck.TYPE_UNREPORTED,
            evidence,
            f'set {name} to one of {", ".join(reported)}',
        )
