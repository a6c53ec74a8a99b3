# SPDX-License-Identifier: Apache-2.0
"""What is wrong with an image, and which change mends it.

What nova makes of properties is :mod:`hypervisor_affinity.core.image_meta`'s
to say, where the image can run :func:`~hypervisor_affinity.core.demand.
classify`'s, what fits its content :mod:`hypervisor_affinity.image`'s. Here
they are compared.

A change is proposed only where there is one right answer, and never one that
moves an image from one hypervisor to another: that is for its owner.
"""

import enum
import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from hypervisor_affinity.cloud.adapters import flat
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import image_meta
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.demand import Sign
from hypervisor_affinity.core.demand import Strength
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.hypervisor import KVM
from hypervisor_affinity.core.hypervisor import VMWARE
from hypervisor_affinity.core.hypervisor import canonicalize
from hypervisor_affinity.core.hypervisor import title
from hypervisor_affinity.core.image_meta import Fate
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.image import acceptance
from hypervisor_affinity.image.disk import RAW
from hypervisor_affinity.image.disk import STREAM_OPTIMIZED
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.fitting import Wishes
from hypervisor_affinity.image.fitting import fit
from hypervisor_affinity.image.guests import GUEST_IDS
from hypervisor_affinity.image.guests import guest_id
from hypervisor_affinity.operations import image_spelling as spelling
from hypervisor_affinity.operations.audit import Severity
from hypervisor_affinity.operations.classification import classify_image
from hypervisor_affinity.operations.classification import names_that_set
from hypervisor_affinity.operations.classification import runs_nowhere
from hypervisor_affinity.operations.classification import unfit

# Property -> its new value; None to remove it.
Changes = Mapping[str, str | None]

_UPLOAD = 'convert it by "image prepare", and upload it anew'

# nova.virt.vmwareapi.constants: the driver's defaults.
DEFAULT_DISK_TYPE = 'preallocated'
DEFAULT_ADAPTER_TYPE = 'lsiLogic'


class Check(enum.StrEnum):
    """What is looked for; the codes are stable."""

    VALUE_REFUSED = 'value_refused'
    """nova-api refuses each boot from the image, for a property's value."""

    TYPE_UNREPORTED = 'type_unreported'
    """No host reports the hypervisor type that the image names, so that nova's
    ImagePropertiesFilter passes none."""

    CONTRADICTORY = 'contradictory'
    """The hypervisor that the image asks for cannot run what it is or sets."""

    RUNS_NOWHERE = 'runs_nowhere'
    """The image asks for no hypervisor, and none that is known can run it."""

    SIGNS_OVERRIDDEN = 'signs_overridden'
    """The image names another hypervisor, and sets what only ESXi reads."""

    LEFT_OVER = 'left_over'
    """A property means a hypervisor that cannot boot the image, and no other
    reads it: often it was there before the image was converted."""

    NAMES_DIFFER = 'names_differ'
    """A property is set by two names, to different values."""

    DISK_TYPE_UNKNOWN = 'disk_type_unknown'
    """The vSphere driver knows no such disk type; case matters to it."""

    DISK_TYPE_WRONG = 'disk_type_wrong'
    """The content is of another disk type."""

    DISK_TYPE_MISSING = 'disk_type_missing'
    """Without a disk type, the driver takes a VMDK for a flat extent."""

    ADAPTER_MISSING = 'adapter_missing'
    """The disk is for another adapter than the driver's default."""

    GUEST_ID_LOST = 'guest_id_lost'
    """``os_distro`` hides ``vmware_ostype`` from the vSphere driver."""

    GUEST_ID_IS_DISTRO = 'guest_id_is_distro'
    """vSphere gets a distribution's name for the guest id, and refuses it."""

    GUEST_ID_UNKNOWN = 'guest_id_unknown'
    """The guest id is none that vSphere is known to have; case matters."""

    GUEST_ID_MISSING = 'guest_id_missing'
    """vSphere is not told what system it is, and takes it for any."""

    DISTRO_ON_ESXI = 'distro_on_esxi'
    """But for the name of its distribution, where vSphere wants a guest id,
    the image could run on ESXi, too: it never gets there."""

    CONTENT_REFUSED = 'content_refused'
    """Glance or nova would refuse the content today."""

    CONTENT_UNREADABLE = 'content_unreadable'
    """The content could not be inspected."""

    PROPERTY_DROPPED = 'property_dropped'
    """nova drops a property that seems to be a misspelt one."""


SEVERITIES = {
    Check.VALUE_REFUSED: Severity.ERROR,
    Check.TYPE_UNREPORTED: Severity.ERROR,
    Check.CONTRADICTORY: Severity.ERROR,
    Check.RUNS_NOWHERE: Severity.ERROR,
    Check.SIGNS_OVERRIDDEN: Severity.WARNING,
    Check.LEFT_OVER: Severity.INFO,
    Check.NAMES_DIFFER: Severity.WARNING,
    Check.DISK_TYPE_UNKNOWN: Severity.ERROR,
    Check.DISK_TYPE_WRONG: Severity.ERROR,
    Check.DISK_TYPE_MISSING: Severity.WARNING,
    Check.ADAPTER_MISSING: Severity.WARNING,
    Check.GUEST_ID_LOST: Severity.ERROR,
    Check.GUEST_ID_IS_DISTRO: Severity.ERROR,
    Check.GUEST_ID_UNKNOWN: Severity.WARNING,
    Check.GUEST_ID_MISSING: Severity.INFO,
    Check.DISTRO_ON_ESXI: Severity.INFO,
    Check.CONTENT_REFUSED: Severity.WARNING,
    Check.CONTENT_UNREADABLE: Severity.WARNING,
    Check.PROPERTY_DROPPED: Severity.WARNING,
}


class Finding(NamedTuple):
    """One thing that is wrong.

    :ivar evidence: what it rests on, in a clause
    :ivar advice: what to do, in a clause
    :ivar changes: what mends it; empty if only the owner can tell
    """

    check: Check
    evidence: str
    advice: str
    changes: Changes

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return SEVERITIES[self.check]


def audit(
    image: Image,
    policy: Policy,
    *,
    values: Mapping[str, str] | None = None,
    disk: Disk | None = None,
) -> list[Finding]:
    """Return what is wrong with an image.

    :param values: of all properties, also of those that nova drops; None if
        these are not known, as of an image in a snapshot
    :param disk: what its content is; None if that was not read
    """
    subject = _Subject(image, policy, values, disk)
    return [finding for check in _CHECKS for finding in check(subject)]


def unreadable(complaint: object) -> Finding:
    """Return the finding that an image's content could not be inspected."""
    return _tell(
        Check.CONTENT_UNREADABLE,
        str(complaint),
        'upload it anew, if it is damaged',
    )


def changes(findings: Iterable[Finding]) -> dict[str, str | None]:
    """Return all that mends an image.

    Where two set the same property, the later wins: it knows the content.
    """
    return {
        name: value
        for finding in findings
        for name, value in finding.changes.items()
    }


def in_words(mended: Changes) -> str:
    """Say what a change does, in a clause."""
    return ', '.join(
        f'remove {name}' if value is None else f'set {written(name, value)}'
        for name, value in mended.items()
    )


def for_servers(image: Image, mended: Changes) -> dict[str, str]:
    """Return what a change of an image is to a server booted from it before.

    :returns: by nova's names, with nova's values, as ``nova-manage
        image_property set`` wants them; without those that it would split at
        a ``=``
    """
    touched = properties.normalize(mended)
    after = properties.normalize({**flat(image), **mended})
    return {
        name: str(after[name])
        for name in touched
        if '=' not in str(after[name])
    }


class _Subject:
    """An image with all that is known of it.

    * ``found``: its properties by nova's names, and its formats
    * ``refused``: property -> why nova-api refuses its value
    * ``fitting``: the properties that fit its content; empty if that was not
      read
    """

    def __init__(
        self,
        image: Image,
        policy: Policy,
        values: Mapping[str, str] | None,
        disk: Disk | None,
    ) -> None:
        self.image = image
        self.policy = policy
        self.values = values
        self.disk = disk
        self.found = properties.normalize(flat(image))
        self.refused = {
            treatment.name: treatment.outcome
            for treatment in image_meta.treat(image.properties)
            if treatment.fate is Fate.REFUSED
        }
        self.fitting = fit(disk, Wishes()).properties if disk else {}

    @functools.cached_property
    def demand(self) -> Demand:
        """What the image asks."""
        return classify(flat(self.image), {}, self.policy)

    @functools.cached_property
    def spelled(self) -> Mapping[str, str]:
        """Its properties with right values for those that nova-api refuses.

        As long as it refuses one, no server is booted from the image, so that
        this moves none.
        """
        own = self.image.properties
        return {
            **own,
            **{
                name: right
                for name in self.refused
                if (right := spelling.value(name, own[name]))
            },
        }

    @functools.cached_property
    def spelled_demand(self) -> Demand:
        """What it asks with all values spelled right."""
        return self.demand_with({})

    def demand_with(self, mended: Changes) -> Demand:
        """Return what it asks with a change, and all values spelled right."""
        image = {**flat(self.image), **self.spelled, **mended}
        return classify(image, {}, self.policy)

    @functools.cached_property
    def meant(self) -> Image:
        """The image without the wrong values that have checks of their own.

        One wrong value shall not hide another: a disk type in the wrong case
        keeps an image off ESXi, although it is for nothing else.
        """
        left = {
            name: right
            for name, value in self.spelled.items()
            if (right := self._meant_by(name, value))
        }
        return msgspec.structs.replace(self.image, properties=left)

    def _meant_by(self, name: str, value: str) -> str | None:
        novas = properties.NOVA_NAMES.get(name, name)
        if novas == 'hw_disk_type' and value not in vmware.DISK_TYPES:
            return spelling.value(name, value)
        if novas == 'os_distro':
            # Where that is no guest id, one that it hides goes, too.
            read = str(self.found.get(novas))
            return value if vmware.is_guest_id(read) else None
        return value

    @functools.cached_property
    def meaning(self) -> Demand:
        """What the image would ask as it is meant."""
        return classify(flat(self.meant), {}, self.policy)

    @property
    def needs_vmware(self) -> bool:
        """Whether it is meant for ESXi alone."""
        return self.meaning.required == {VMWARE}

    def allows(self, family: str) -> bool:
        """Tell whether it is meant for a family, among others or alone."""
        required, refusal = self.meaning.required, self.meaning.refusal
        if required is not None:
            return family in required and refusal in (None, Reason.CANNOT_BOOT)
        return not refusal and family not in self.meaning.impossible

    def name_of(self, raw: str) -> str:
        """Return the name by which nova reads a property, of its two."""
        name = properties.NOVA_NAMES[raw]
        return name if self.image.properties.get(name) else raw

    def cite(self, *names: str) -> str:
        """Return properties as they are set."""
        return ', '.join(
            written(name, self.image.properties[name]) for name in names
        )


def _mend(
    subject: _Subject, check: Check, evidence: str, mended: Changes
) -> Finding:
    """Return a finding with its change, or as advice if that moves it."""
    advice = in_words(mended)
    now, then = subject.spelled_demand, subject.demand_with(mended)
    broken = then.refusal not in (None, now.refusal)
    if broken or _where(then) != _where(now):
        return _tell(check, evidence, f'{advice}; then: {demand_text(then)}')
    failing = [sign for sign in unfit(then) if sign not in unfit(now)]
    if failing:
        return _tell(
            check,
            evidence,
            f'{advice}; then: a server with {_cited(failing)} would fail',
        )
    return Finding(check, evidence, advice, mended)


def _where(demand: Demand) -> tuple:
    """Return where an image asks to run.

    What cannot boot asks for the same hypervisor once it can.
    """
    refusal = demand.refusal
    if refusal is Reason.CANNOT_BOOT:
        refusal = None
    if demand.required is None:
        return None, demand.impossible, refusal
    return demand.required, refusal


def _tell(check: Check, evidence: str, advice: str) -> Finding:
    return Finding(check, evidence, advice, {})


def _of_values(subject: _Subject) -> Iterator[Finding]:
    then = subject.meaning
    for name, why in subject.refused.items():
        evidence = subject.cite(name)
        right = subject.spelled[name]
        mended = {name: right}
        if right == subject.image.properties[name]:
            yield _tell(Check.VALUE_REFUSED, evidence, why)
        elif then.refusal in (None, subject.demand.refusal):
            yield Finding(
                Check.VALUE_REFUSED, evidence, in_words(mended), mended
            )
        else:
            yield _tell(
                Check.VALUE_REFUSED,
                evidence,
                f'{in_words(mended)}; then: {demand_text(then)}',
            )


def _of_type(subject: _Subject) -> Iterator[Finding]:
    name = subject.name_of('hypervisor_type')
    named = subject.image.properties.get(name)
    if not named or name in subject.refused:
        return
    table = drivers.TABLES.get(canonicalize(named))
    if table is None or named.lower() in table.guest_types:
        return
    evidence = (
        f"{subject.cite(name)}; nova's {table.driver} driver reports "
        f'{" or ".join(table.guest_types)}'
    )
    if len(table.guest_types) == 1:
        yield _mend(
            subject,
            Check.TYPE_UNREPORTED,
            evidence,
            {name: table.guest_types[0]},
        )
    else:
        yield _tell(
            Check.TYPE_UNREPORTED,
            evidence,
            f'set one of {", ".join(table.guest_types)}',
        )


def _of_demand(subject: _Subject) -> Iterator[Finding]:
    demand, meaning = subject.spelled_demand, subject.meaning
    if demand.refusal is Reason.UNREADABLE_SIGN:
        # Its value is refused: that was told.
        return
    if meaning.refusal:
        yield _tell(
            Check.CONTRADICTORY,
            demand_text(demand),
            _ways_out(subject.meant, subject.policy),
        )
        return
    if failing := unfit(meaning):
        yield _tell(
            Check.CONTRADICTORY,
            f'{demand_text(demand)}, where a server with {_cited(failing)} '
            'would fail',
            _ways_out(subject.meant, subject.policy),
        )
    if runs_nowhere(demand):
        image = subject.meant if runs_nowhere(meaning) else subject.image
        yield _tell(
            Check.RUNS_NOWHERE,
            demand_text(demand),
            f'{_ways_out(image, subject.policy)}; or name its hypervisor by '
            'hypervisor_type, if it is another one',
        )
    if meaning.leftovers:
        yield _of_leftovers(subject)
    idle = [
        sign
        for sign in meaning.signs
        if sign.strength is Strength.DRIVER and sign not in meaning.leftovers
    ]
    if idle and meaning.required and VMWARE not in meaning.required:
        yield _tell(
            Check.SIGNS_OVERRIDDEN,
            f'{demand_text(demand)}; only ESXi reads {_cited(idle)}',
            'remove what is wrong: these, or the hypervisor',
        )


def _of_leftovers(subject: _Subject) -> Finding:
    demand, left = subject.meaning, subject.meaning.leftovers
    meant = frozenset().union(*(sign.requires for sign in left))
    against = demand.against(meant)
    removed = {
        name: None
        for sign in left
        for name in names_that_set(subject.image.properties, sign.name)
    }
    facts = _cited(against)
    evidence = f'{subject.cite(*removed)}; {title(meant)} cannot run {facts}'
    if any(sign.name == 'disk_format' for sign in against):
        return _mend(subject, Check.LEFT_OVER, evidence, removed)
    # A disk of that hypervisor: its owner may want to keep it there.
    return _tell(
        Check.LEFT_OVER,
        evidence,
        f'{in_words(removed)}; or, if it is for {title(meant)}, correct '
        f'{facts}',
    )


def _cited(signs: Iterable[Sign]) -> str:
    return ', '.join(sign.evidence.text for sign in signs)


def _ways_out(image: Image, policy: Policy) -> str:
    """Return what would let an image run, each of which was tried."""
    found = classify_image(image, None, policy).changes
    # Who owns the image sets no flavor and no option.
    ways = [change.setting for change in found if change.owners]
    return '; or '.join(ways) or 'ask "classify"'


def _of_names(subject: _Subject) -> Iterator[Finding]:
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
                yield _tell(
                    Check.NAMES_DIFFER,
                    f'{subject.cite(raw, name)}; nova reads {name}',
                    f'remove {raw}, or correct {name}',
                )


def _of_disk_type(subject: _Subject) -> Iterator[Finding]:
    if subject.found.get('disk_format') != 'vmdk' or not subject.allows(
        VMWARE
    ):
        return
    name = subject.name_of('vmware_disktype')
    value = subject.image.properties.get(name)
    fitting = _disk_types(subject)
    if not value:
        yield from _of_missing_disk_type(subject, fitting)
        return
    evidence = subject.cite(name)
    # What looks raw may be a flat extent, or a VMDK that was damaged.
    certain = fitting[0] if len(fitting) == 1 else None
    if value not in vmware.DISK_TYPES:
        check = Check.DISK_TYPE_UNKNOWN
        right = certain or spelling.value(name, value)
    elif fitting and value not in fitting:
        check = Check.DISK_TYPE_WRONG
        evidence += f'; the content is {_content(subject)}'
        right = certain
    else:
        return
    if right:
        yield _mend(subject, check, evidence, {name: right})
        return
    known = ', '.join(fitting or sorted(vmware.DISK_TYPES))
    advice = f'set one of {known}'
    if subject.demand.required is None:
        # It runs on KVM, and may be meant to.
        evidence += f'; {demand_text(subject.demand)}'
        advice += ', or set hypervisor_type=kvm, if it is for KVM'
    yield _tell(check, evidence, advice)


def _of_missing_disk_type(
    subject: _Subject, fitting: tuple[str, ...]
) -> Iterator[Finding]:
    if fitting and fitting[0] != DEFAULT_DISK_TYPE:
        yield _mend(
            subject,
            Check.DISK_TYPE_MISSING,
            f'no vmware_disktype; the content is {_content(subject)}',
            {'vmware_disktype': fitting[0]},
        )
    elif not fitting and not subject.disk:
        yield _tell(
            Check.DISK_TYPE_MISSING,
            'no vmware_disktype; the content was not inspected',
            'set it to what "image inspect" says',
        )


def _disk_types(subject: _Subject) -> tuple[str, ...]:
    """Return the disk types that fit the content, the usual one first.

    :returns: empty if it was not read, or none fits
    """
    if subject.found.get('container_format') == 'ova':
        return (acceptance.DISK_TYPES[STREAM_OPTIMIZED],)
    if subject.disk and subject.disk.format == RAW:
        return vmware.FLAT_DISK_TYPES
    known = subject.fitting.get('vmware_disktype')
    return (known,) if known else ()


def _content(subject: _Subject) -> str:
    disk = subject.disk
    if not disk or disk.appliance:
        return 'an OVA'
    if disk.format == RAW:
        return 'raw, as a flat extent is'
    return ' '.join(filter(None, (disk.format, disk.create_type)))


def _of_adapter(subject: _Subject) -> Iterator[Finding]:
    said = subject.fitting.get('vmware_adaptertype')
    if (
        said in (None, DEFAULT_ADAPTER_TYPE)
        or not subject.needs_vmware
        or not {'hw_disk_bus', 'hw_scsi_model'}.isdisjoint(subject.found)
    ):
        return
    evidence = (
        f'no vmware_adaptertype; the disk is for {said}, the default is '
        f'{DEFAULT_ADAPTER_TYPE}'
    )
    change = {'vmware_adaptertype': said}
    if subject.disk and subject.disk.create_type == STREAM_OPTIMIZED:
        # The driver imports it into a VM with the default one
        # (nova.virt.vmwareapi.images.fetch_image_stream_optimized): what
        # boots may have done so for years.
        yield _tell(
            Check.ADAPTER_MISSING,
            evidence,
            f'{in_words(change)} if its servers do not boot',
        )
    else:
        yield _mend(subject, Check.ADAPTER_MISSING, evidence, change)


def _of_guest(subject: _Subject) -> Iterator[Finding]:
    formats = vmware.TABLE.row('disk_format').takes
    if not subject.allows(VMWARE) or not formats.has(
        str(subject.image.disk_format)
    ):
        return
    name = subject.name_of('vmware_ostype')
    value = subject.image.properties.get(name)
    if not value:
        yield from _of_missing_guest(subject)
    elif value in GUEST_IDS:
        return
    elif spelled := spelling.value(name, value):
        yield _mend(
            subject,
            Check.GUEST_ID_UNKNOWN,
            subject.cite(name),
            {name: spelled},
        )
    elif vmware.is_guest_id(value):
        yield _tell(
            Check.GUEST_ID_UNKNOWN,
            subject.cite(name),
            'see that the oldest vSphere of the cloud knows it',
        )
    elif not runs_nowhere(subject.spelled_demand):
        yield _of_distro(subject, name, value)


def _of_missing_guest(subject: _Subject) -> Iterator[Finding]:
    if not subject.needs_vmware:
        return
    evidence = 'no vmware_ostype; the default is otherGuest'
    told = subject.fitting.get('vmware_ostype')
    if told in GUEST_IDS:
        yield _mend(
            subject, Check.GUEST_ID_MISSING, evidence, {'vmware_ostype': told}
        )
    else:
        yield _tell(
            Check.GUEST_ID_MISSING,
            evidence,
            'set vmware_ostype to the guest id of its system',
        )


def _of_distro(subject: _Subject, name: str, distro: str) -> Finding:
    """Return what is wrong if vSphere gets a distribution's name.

    ``os_distro`` is given the guest id, not removed: nova reads the same then
    (``ImageMetaProps._set_attr_from_current_names``), both names agree, and
    who reads ``os_distro`` in Glance still sees the distribution in it.
    """
    raw = subject.image.properties.get('vmware_ostype')
    hidden = (
        spelling.value('vmware_ostype', raw) if raw and raw != distro else None
    )
    evidence = subject.cite(*(['vmware_ostype'] if hidden else []), name)
    right = hidden or _derived(subject, distro)
    wanted = right or 'the guest id of its system'
    if not subject.needs_vmware:
        if hidden:
            return _tell(
                Check.GUEST_ID_LOST,
                evidence,
                f'set {name} to {wanted}, for ESXi; remove vmware_ostype, for '
                'KVM',
            )
        return _tell(
            Check.DISTRO_ON_ESXI,
            demand_text(subject.demand),
            f'leave it, for KVM alone; set {name} to {wanted}, for ESXi '
            f'alone; remove {name}, for both',
        )
    check = Check.GUEST_ID_LOST if hidden else Check.GUEST_ID_IS_DISTRO
    if not right:
        return _tell(check, evidence, f'set {name} to {wanted}')
    return _mend(subject, check, evidence, {name: right})


def _derived(subject: _Subject, distro: str) -> str | None:
    """Return the guest id by distribution and version; None if unknown."""
    version = None
    if 'os_version' in subject.image.dropped:
        if subject.values is None:
            return None
        version = subject.values.get('os_version')
    bits = 32 if subject.found.get('hw_architecture') == 'i686' else 64
    return guest_id(distro, version, bits=bits)


def _of_content(subject: _Subject) -> Iterator[Finding]:
    disk, image = subject.disk, subject.image
    if disk is None:
        return
    if disk.format != image.disk_format and not disk.appliance:
        yield _tell(
            Check.CONTENT_REFUSED,
            f'the content is {disk.format}, not {image.disk_format}: Glance '
            'and KVM refuse that',
            _UPLOAD,
        )
        return
    takers = {'Glance': acceptance.by_glance(disk)}
    if subject.allows(KVM):
        takers['KVM'] = acceptance.by_kvm(disk)
    if subject.allows(VMWARE):
        takers['ESXi'] = acceptance.by_vsphere(disk)
    refusing = {
        taker: answer.why
        for taker, answer in takers.items()
        if not answer.accepts
    }
    if refusing:
        why = '; '.join(dict.fromkeys(refusing.values()))
        yield _tell(
            Check.CONTENT_REFUSED,
            f'refused by {" and ".join(refusing)}: {why}',
            _UPLOAD,
        )


def _of_dropped(subject: _Subject) -> Iterator[Finding]:
    for name in subject.image.dropped:
        value = (subject.values or {}).get(name)
        if meant := spelling.name(name):
            yield _of_misspelt(subject, name, meant, value)
        elif near := spelling.similar_name(name, value):
            yield _tell(Check.PROPERTY_DROPPED, name, f'is {near} meant?')


def _of_misspelt(
    subject: _Subject, name: str, meant: str, value: str | None
) -> Finding:
    novas = properties.normalize({meant: 'any'})
    if subject.image.properties.keys() & {meant, *novas}:
        return _tell(
            Check.PROPERTY_DROPPED,
            name,
            f'its name is {meant}, which is set, too; remove this one',
        )
    if value is None:
        return _tell(
            Check.PROPERTY_DROPPED, name, f'its name is {meant}; rename it'
        )
    evidence = written(name, value)
    right = spelling.value(meant, value) or value
    if why := _wrong_value(meant, right):
        return _tell(
            Check.PROPERTY_DROPPED, evidence, f'its name is {meant}, and {why}'
        )
    renamed = {meant: right, name: None}
    return _mend(subject, Check.PROPERTY_DROPPED, evidence, renamed)


def _wrong_value(name: str, value: str) -> str:
    """Say why a value would not do, once nova reads it; '' if it would."""
    (treatment,) = image_meta.treat({name: value})
    if treatment.fate is Fate.REFUSED:
        return treatment.outcome
    if name == 'vmware_ostype' and not vmware.is_guest_id(value):
        return f'{value} is no guest id of vSphere'
    if name == 'vmware_disktype' and value not in vmware.DISK_TYPES:
        return f'{value} is none of {", ".join(vmware.DISK_TYPES)}'
    return ''


# In the order of findings; what knows the content comes last.
_CHECKS = (
    _of_values,
    _of_type,
    _of_demand,
    _of_names,
    _of_dropped,
    _of_guest,
    _of_adapter,
    _of_disk_type,
    _of_content,
)
