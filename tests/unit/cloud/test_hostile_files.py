# SPDX-License-Identifier: Apache-2.0
"""Whatever stands in a file, its reader gets it or is told what is wrong."""

import json

import hypothesis
from hypothesis import strategies as st

from hypervisor_affinity.cloud import snapshot
from hypervisor_affinity.cloud import yaml_document
from hypervisor_affinity.cloud.files import FileSource
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.yaml_document import YamlError

PIECES = [
    *'[]{}:,-?&*!|>%#@`~=.0123456789 \n\t\'"\\abx_+e\0\x1b\u2028\ud800',
    '<<: ',
    '<<: *a\n',
    '&a ',
    '*a ',
    '- ',
    '\n  ',
    '---\n',
    '...\n',
    '!!int ',
    '!!float ',
    '!!bool ',
    '!!binary ',
    '!!timestamp ',
    '!!set ',
    '!!omap ',
    '!!pairs ',
    '!!merge ',
    '!!null ',
    '2001-02-30',
    '12:61:99',
    '.inf',
    '0b2',
    '0x',
    '1e999',
    '%TAG ! tag:x,1:\n---\n',
]


@hypothesis.given(st.lists(st.sampled_from(PIECES), max_size=40).map(''.join))
def test_any_yaml(text):
    try:
        yaml_document.parse(text)
    except YamlError as error:
        assert str(error)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([10**400, -(2**63), 2**63, '', '\ud800', '\0'])
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(['name', 'id', 'vcpus', 'total', 'flavor', 'x']),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)
HEAD = {'format': snapshot.FORMAT, 'version': snapshot.VERSION}


@hypothesis.given(
    st.dictionaries(st.sampled_from([*snapshot.SECTIONS, 'x']), VALUES),
    st.integers(min_value=0, max_value=400),
    st.binary(max_size=3),
)
def test_any_json(tmp_path_factory, sections, place, noise):
    text = json.dumps({**HEAD, **sections}).encode()
    path = tmp_path_factory.getbasetemp() / 'any.json'
    path.write_bytes(text[:place] + noise + text[place:])
    try:
        source = FileSource(path)
        for section in snapshot.SECTIONS:
            list(getattr(source, section)())
    except SourceError as error:
        assert str(error).startswith(f'{path}: ')
