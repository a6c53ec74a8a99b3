# SPDX-License-Identifier: Apache-2.0
"""The record of a decision, as it is read.

Whoever may write to the message bus, or to a file, may have written anything:
a record has the kinds and lengths of here, or it is none.
"""

import datetime
import json
from typing import Annotated, Any

import msgspec

from hypervisor_affinity.core import decision

# Bytes. One of the scheduler's has some 3 KiB.
LONGEST = 256 << 10

Text = Annotated[str, msgspec.Meta(max_length=255)]
LongText = Annotated[str, msgspec.Meta(max_length=16384)]
# As long as Glance keeps a property.
SignValue = Annotated[str, msgspec.Meta(max_length=65535)]
Code = Annotated[str, msgspec.Meta(pattern=r'\A[a-z0-9_]{1,64}\Z')]
Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 53) - 1)]
Time = Annotated[datetime.datetime, msgspec.Meta(tz=True)]


class RecordError(ValueError):
    """It is no record that can be read; the text says why.

    It cites what others wrote: it is to be shown printable.
    """


class Sign(msgspec.Struct, frozen=True):
    """What showed where a request belongs.

    * ``place``: where it stands: ``image``, ``flavor``, ``server``, …
    * ``key``: what was set there; or, without a value, a statement in words
    * ``value``: as it was set, of any length; None for a statement
    """

    place: Text
    key: Text
    value: SignValue | None

    def __str__(self) -> str:
        """Return it in a line, which may be of any length."""
        text = self.key if self.value is None else f'{self.key}={self.value}'
        return f'{self.place} {text}'


class Demand(msgspec.Struct, frozen=True):
    """What was asked for.

    * ``text``: in words
    * ``required``: the families that it must have; None for any
    * ``impossible``: families that cannot run it
    * ``undetermined``: whether something of it could not be found out
    """

    text: LongText
    required: tuple[Code, ...] | None
    impossible: tuple[Code, ...]
    flexible: bool
    undetermined: bool
    signs: tuple[Sign, ...]


class Record(msgspec.Struct, frozen=True):
    """What was decided of a request.

    Codes are those of the scheduler, which may be newer and have others.

    * ``scheduler``: the publisher, ``nova-scheduler:HOST``; None if the
      message had none
    * ``message_id``: another one for each message; likewise
    * ``server``: its uuid
    * ``project``, ``request_id``: None if the scheduler did not know them
    * ``kind``: boot, move, rebuild or unreadable
    * ``look_up``: for a move, whether it was found out where the server came
      from; else None
    * ``outcome``: passed, refused or would_be_refused
    * ``reason``: suitable if it passed; else of the hosts that came nearest
    * ``hosts``: how many for each reason; None where none were asked for
    * ``passed``: how many it got
    * ``modes``: of the hosts
    * ``order``: the families that it can run on, most wanted first
    * ``first_left``: whether a host of the first of them could run it; None
      if there is no first
    * ``options``: those of ``[hypervisor_affinity]`` that were in force
    """

    version: Text
    decided_at: Time
    server: Text
    project: Text | None
    request_id: Text | None
    kind: Code
    look_up: Code | None
    outcome: Code
    reason: Code
    demand: Demand
    hosts: dict[Code, Count] | None
    passed: Count
    modes: tuple[Code, ...]
    order: tuple[Code, ...]
    first_left: bool | None
    options: dict[Text, Any]
    scheduler: Text | None = None
    message_id: Text | None = None


class _Versioned(msgspec.Struct, frozen=True):
    version: Annotated[
        str, msgspec.Meta(pattern=r'\A[0-9]{1,9}\.[0-9]{1,9}\Z')
    ]


_VERSIONED = msgspec.json.Decoder(_Versioned)
_RECORD = msgspec.json.Decoder(Record)
_MAJOR = decision.VERSION.partition('.')[0]


def line(publisher: object, message_id: object, payload: object) -> bytes:
    """Return the line of a notification, without its end.

    It has all that the payload has, also what this release does not know.

    :raises RecordError: if it cannot be one
    """
    if not isinstance(payload, dict):
        raise RecordError('the payload is no mapping')
    whole = {**payload, 'scheduler': publisher, 'message_id': message_id}
    try:
        # In ASCII, which holds whatever the line is shown on.
        return json.dumps(
            whole, allow_nan=False, separators=(',', ':')
        ).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordError(f'it is not JSON ({type(error).__name__})') from None


def read(line: bytes) -> Record:
    """Return the record of a line.

    Of the same major version; what a newer minor one adds is left out.

    :raises RecordError: if it is none
    """
    if len(line) > LONGEST:
        raise RecordError(f'it has more than {LONGEST >> 10} KiB')
    try:
        version = _VERSIONED.decode(line).version
        if version.partition('.')[0] != _MAJOR:
            raise RecordError(
                f'it is of version {version}; this release reads {_MAJOR}.x'
            )
        return _RECORD.decode(line)
    except msgspec.MsgspecError as error:
        raise RecordError(str(error)) from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise RecordError(f'it is not JSON ({type(error).__name__})') from None
