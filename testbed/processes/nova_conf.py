# SPDX-License-Identifier: Apache-2.0
"""nova.conf and its like, written from {group: {option: value}}."""

import configparser
import pathlib
from collections.abc import Mapping
from typing import TypeAlias

Options: TypeAlias = Mapping[str, Mapping[str, object]]


def merge(*layers: Options) -> dict[str, dict[str, object]]:
    """Return the options of all layers; a later one counts more."""
    merged: dict[str, dict[str, object]] = {}
    for layer in layers:
        for group, options in layer.items():
            merged.setdefault(group, {}).update(options)
    return merged


def write(path: pathlib.Path, *layers: Options) -> None:
    """Write the file, or write it again; nobody else may read it.

    It has passwords, and hypervisor-affinity-status warns of such files.
    """
    lines = []
    for group, options in merge(*layers).items():
        lines.append(f'[{group}]')
        lines += [f'{name} = {value}' for name, value in options.items()]
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text('\n'.join(lines) + '\n')


def value(path: pathlib.Path, group: str, option: str) -> str | None:
    """Return what a file says; None if it does not, or is not there."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path)
    return parser.get(group, option, fallback=None)
