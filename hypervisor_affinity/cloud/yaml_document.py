# SPDX-License-Identifier: Apache-2.0
"""YAML that cannot crash, or fill the memory of, who reads it.

The one place where YAML is read. libyaml composes nested collections by
recursion in C, which ends the process where its stack ends; merge keys copy
what an alias stands for, so that a page of them stands for more than there is
memory. So the events of a document are counted before anything is made of
them.
"""

import io
from collections.abc import Iterable
from typing import IO, Any

import yaml

from hypervisor_affinity.cloud.stumbling import STUMBLES

# In bytes. A snapshot of 20,000 servers has 3 MiB to 12 MiB.
LARGEST = 32 * 1024**2
# Collections inside of one another; the deepest that has a meaning has 11.
DEEPEST = 50
# Elements that aliases stand for, beside those that are written.
_ALIASED = 100_000
# Digits of a number. The longest that has a meaning has 19; those in base 60
# take time by the square of it.
_DIGITS = 400
# Characters of a tag, ``tag:yaml.org,2002:timestamp``.
_TAG = 100


class YamlError(ValueError):
    """It is no YAML, or too much of it; the text says what and where."""


# PyYAML may have been built without libyaml.
_Fastest: Any = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)


class _Loader(_Fastest):
    """libyaml's, where PyYAML was built with it."""

    def _number(self, node: yaml.ScalarNode) -> int | float:
        if len(node.value) > _DIGITS:
            raise YamlError(
                f'{_place(node.start_mark)}: a number has more than {_DIGITS} '
                'digits'
            )
        if node.tag.endswith('float'):
            return self.construct_yaml_float(node)
        return self.construct_yaml_int(node)


_Loader.add_constructor('tag:yaml.org,2002:int', _Loader._number)
_Loader.add_constructor('tag:yaml.org,2002:float', _Loader._number)


def read(file: IO[bytes]) -> bytes:
    """Return the text of a document.

    :raises YamlError: if it is too large
    :raises OSError: if it cannot be read
    """
    text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise YamlError(f'it is larger than {LARGEST // 1024**2} MiB')
    return text


def parse(text: str | bytes) -> Any:
    """Return what a document holds.

    :raises YamlError: if it is none, or too deep or too many
    """
    try:
        _check(yaml.parse(_stream(text), Loader=_Loader))
        # By the safe loader, of which ours is a kind.
        return yaml.load(_stream(text), Loader=_Loader)  # noqa: S506
    except YamlError:
        raise
    except (yaml.YAMLError, UnicodeError) as error:
        raise YamlError(f'not valid YAML: {error}') from error
    except STUMBLES as error:
        raise YamlError(f'not valid YAML: {error}') from error
    except RecursionError:
        raise YamlError('its aliases are nested too deeply') from None


def find_line(text: str | bytes, steps: Iterable[str | int]) -> int:
    """Return the line, from 1, on which a value begins, or its key.

    :param text: a document that :func:`parse` took
    :param steps: the keys and numbers that lead there; of what is not there,
        the line of what would hold it
    """
    node = yaml.compose(_stream(text), Loader=_Loader)
    if node is None:
        return 1
    line = node.start_mark.line
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            found = [(k, v) for k, v in node.value if k.value == step]
            if not found:
                break
            # Of a key that is there twice, the last counts.
            key, node = found[-1]
            line = key.start_mark.line
        else:
            node = node.value[step]
            line = node.start_mark.line
    return line + 1


def _stream(text: str | bytes) -> IO[Any]:
    # libyaml copies a string that it is given, and not a stream.
    return io.StringIO(text) if isinstance(text, str) else io.BytesIO(text)


def _check(events: Iterable[yaml.Event]) -> None:
    """See that it is not too deep, nor too many.

    :raises YamlError: if it is
    """
    # By anchor; None for all that have none.
    sizes: dict[str | None, int] = {}
    # Of the collections that are open: name and size.
    opened: list[tuple[str | None, int]] = []
    aliased = 0
    for count, event in enumerate(events):
        if len(getattr(event, 'tag', None) or '') > _TAG:
            # A short one can stand for a long one.
            raise YamlError(f'{_place(event.start_mark)}: a tag is too long')
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise YamlError(
                    f'{_place(event.start_mark)}: alias *{event.anchor} '
                    'refers to a collection that contains it, or has no anchor'
                )
            aliased += sizes[event.anchor]
            if aliased > _ALIASED:
                raise YamlError(
                    f'{_place(event.start_mark)}: aliases expand to more than '
                    f'{_ALIASED} elements'
                )
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, count + aliased))
            if len(opened) > DEEPEST:
                raise YamlError(
                    f'{_place(event.start_mark)}: more than {DEEPEST} nested '
                    'levels'
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            sizes[anchor] = count + aliased - before + 1
        elif isinstance(event, yaml.ScalarEvent):
            sizes[event.anchor] = 1


def _place(mark: Any) -> str:
    """Return a place for people.

    :param mark: PyYAML's own, or libyaml's
    """
    return f'line {mark.line + 1}, column {mark.column + 1}'
