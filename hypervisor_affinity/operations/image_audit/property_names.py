# SPDX-License-Identifier: Apache-2.0
"""Properties by two names that differ, or by one that nova does not know."""

from collections.abc import Iterator

from hypervisor_affinity.core import image_meta
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.core.image_meta import Fate
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.operations import image_spelling as spelling
from hypervisor_affinity.operations.image_audit.checks import ImageCheck
from hypervisor_affinity.operations.image_audit.findings import ImageFinding
from hypervisor_affinity.operations.image_audit.findings import for_owner
from hypervisor_affinity.operations.image_audit.fixes import fix
from hypervisor_affinity.operations.image_audit.subject import Subject


def check(subject: Subject) -> Iterator[ImageFinding]:
    """Find what is set twice, or by a misspelt name."""
    yield from _check_double(subject)
    yield from _check_dropped(subject)


def _check_double(subject: Subject) -> Iterator[ImageFinding]:
    own = subject.image.properties
    for raw in (*properties.NOVA_NAMES, 'vmware_adaptertype'):
        # A guest id has checks of its own.
        if raw == 'vmware_ostype' or raw not in own or raw in subject.refused:
            continue
        meant = properties.normalize({raw: own[raw]})
        for name, value in meant.items():
            if not own.get(name) or name in subject.refused:
                continue
            wins = properties.normalize({name: own[name]})[name]
            if str(wins).lower() != str(value).lower():
                yield for_owner(
                    subject,
                    ImageCheck.NAMES_DIFFER,
                    f'{subject.cite(raw, name)}; nova reads {name}',
                    f'remove {raw}, or correct {name}',
                )


def _check_dropped(subject: Subject) -> Iterator[ImageFinding]:
    for name in subject.image.dropped:
        value = (subject.values or {}).get(name)
        if meant := spelling.name(name):
            yield _misspelt(subject, name, meant, value)
        elif near := spelling.similar_name(name, value):
            yield for_owner(
                subject,
                ImageCheck.PROPERTY_DROPPED,
                name,
                f'did you mean {near}?',
            )


def _misspelt(
    subject: Subject, name: str, meant: str, value: str | None
) -> ImageFinding:
    novas = properties.normalize({meant: 'any'})
    if subject.image.properties.keys() & {meant, *novas}:
        return for_owner(
            subject,
            ImageCheck.PROPERTY_DROPPED,
            name,
            f'the right name is {meant}, which is set, too; remove this one',
        )
    if value is None:
        return for_owner(
            subject,
            ImageCheck.PROPERTY_DROPPED,
            name,
            f'the right name is {meant}; rename it',
        )
    evidence = written(name, value)
    right = spelling.value(meant, value) or value
    if why := _wrong_value(meant, right):
        return for_owner(
            subject,
            ImageCheck.PROPERTY_DROPPED,
            evidence,
            f'the right name is {meant}, and {why}',
        )
    renamed = {meant: right, name: None}
    return fix(subject, ImageCheck.PROPERTY_DROPPED, evidence, renamed)


def _wrong_value(name: str, value: str) -> str:
    """Say why a value would not do, once nova reads it; '' if it would."""
    (treatment,) = image_meta.treat({name: value})
    if treatment.fate is Fate.REFUSED:
        return treatment.outcome
    if name == 'vmware_ostype' and not vmware.is_guest_id(value):
        return f'{value} is not a guest id of vSphere'
    if name == 'vmware_disktype' and value not in vmware.DISK_TYPES:
        return f'{value} is not one of {", ".join(vmware.DISK_TYPES)}'
    return ''
