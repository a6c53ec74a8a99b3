# SPDX-License-Identifier: Apache-2.0
"""TAP devices of a cloud's servers, which are the machine's.

nova removes each with its server. Those that are left when a cloud ends, or
when it was killed, are found by notes: a file for each port, whose name is
the device's.
"""

import pathlib
import subprocess

# In the directory of Neutron's state.
NOTES = 'taps'
_DEVICES = pathlib.Path('/sys/class/net')
# nova.network.model.NIC_NAME_LEN, of what it makes from a port's id.
_NAME_LENGTH = 14


def device(port: str) -> str:
    """Return how nova names the device of a port.

    :param port: its id
    """
    return f'tap{port}'[:_NAME_LENGTH]


def note(state: str | pathlib.Path, port: str) -> None:
    """Write down that a port may get a device.

    :param state: directory of Neutron's state
    :param port: its id
    """
    path = pathlib.Path(state, NOTES, device(port))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def forget(state: str | pathlib.Path, port: str) -> None:
    """Remove the note of a port that has no device any more; as above.

    The note stays while the device is there, so that whoever ends the cloud
    finds it.
    """
    name = device(port)
    if not (_DEVICES / name).exists():
        pathlib.Path(state, NOTES, name).unlink(missing_ok=True)


def find(state: pathlib.Path) -> list[str]:
    """Return the names of noted devices that are there."""
    notes = state / NOTES
    return [
        path.name
        for path in sorted(notes.glob('tap*'))
        if (_DEVICES / path.name).exists()
    ]


def remove(state: pathlib.Path) -> None:
    """Remove those that are there, and keep the notes.

    A server that is started again gets its device again.

    :raises subprocess.CalledProcessError: this user may not
    """
    for name in find(state):
        subprocess.run(
            ['ip', 'link', 'delete', 'dev', name],
            check=True,
            capture_output=True,
        )
