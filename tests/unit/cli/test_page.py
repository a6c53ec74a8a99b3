# SPDX-License-Identifier: Apache-2.0
import base64
import dataclasses
import hashlib
import html.parser
import re

import pytest

from hypervisor_affinity.cli import page
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.explanation import ranking
from hypervisor_affinity.operations.explanation.ranking import Share
from tests import explanations
from tests.cloud_of_records import kvm
from tests.cloud_of_records import vcenter

HOSTILE = '<img src=x onerror="alert()"></script><script>alert()</script>'
EVERYWHERE = explanations.of_boot(
    [kvm(HOSTILE, node=f'node {HOSTILE}', disabled_reason=HOSTILE)],
    [Aggregate(HOSTILE, '', {'hypervisor_type': HOSTILE}, (HOSTILE,))],
    {'disk_format': 'vmdk', 'hypervisor_type': HOSTILE},
    {'hypervisor_affinity:hypervisor_type': HOSTILE},
    title=HOSTILE,
)


class Elements(html.parser.HTMLParser):
    """What a page consists of.

    * ``texts``: [tag, all text in the element], in the page's order
    * ``attributes``: (tag, attribute, value)
    """

    def __init__(self, page):
        super().__init__()
        self.texts = []
        self.attributes = []
        self._open = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, *pair) for pair in attrs]
        self.texts.append([tag, ''])
        if tag not in ('meta', 'input', 'br', 'wbr'):
            self._open.append(self.texts[-1])

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        for element in self._open:
            element[1] += data

    def of(self, tag):
        return [' '.join(text.split()) for t, text in self.texts if t == tag]


def render(explanation, taken_from='a file', taken_at='2026-11-22T17:30:00Z'):
    return page.render(
        explanation, Policy(), taken_from=taken_from, taken_at=taken_at
    )


def elements(explanation, **arguments):
    return Elements(render(explanation, **arguments))


def test_what_was_asked_and_what_came_of_it():
    found = elements(explanations.of_cloud(1), taken_from='https://cloud:5000')
    (title,) = found.of('title')
    assert title == (
        '24 of 100 hosts: boot from image sles-15-sp6 with flavor small'
    )
    assert found.of('h1') == ['boot from image sles-15-sp6 with flavor small']
    assert found.of('strong') == ['24 of 100']
    paragraphs = found.of('p')
    assert 'image needs VMware (disk_format=vmdk)' in paragraphs
    assert 'Read from https://cloud:5000 2026-11-22T17:30:00Z' in paragraphs


def test_the_signs_with_their_strengths():
    found = elements(
        explanations.of_boot(
            [],
            image={'disk_format': 'vmdk', 'vmware_disktype': 'thin'},
            extra_specs={'hypervisor_affinity:hypervisor_type': 'vmware'},
        )
    )
    assert found.of('li') == [
        'flavor flavor hypervisor_affinity:hypervisor_type=vmware decides',
        'driver image vmware_disktype=thin',
        'format image disk_format=vmdk',
    ]


def test_what_of_the_request_cannot_be_read():
    found = elements(
        explanations.of_boot([], extra_specs={'hypervisor_affinity:x': '1'})
    )
    said = (
        'flavor: hypervisor_affinity:x=1: is not a known extra spec; ignored'
    )
    assert said in found.of('p')


def test_hosts_by_reason():
    assert elements(explanations.of_cloud(1)).of('button') == [
        'suitable 24',
        'other_hypervisor hypervisor 60',
        'no_room room 6',
        'other_projects project 5',
        'service_disabled service 3',
        'service_down service 2',
        'All evidence',
    ]


def test_a_row_for_each_host_and_a_column_for_each_check():
    found = elements(
        explanations.of_boot(
            [vcenter('vc-1', state='down', node='domain-c8'), kvm('kvm-1')],
            [Aggregate('rack-7', '', {}, ('kvm-1',))],
            project='p',
        )
    )
    assert found.of('th') == [
        'host',
        'hypervisor',
        'image_properties',
        'capabilities',
        'project',
        'service',
        'traits',
        'room',
        'vc-1 domain-c8',
        'kvm-1 rack-7',
    ]
    scopes = [
        value for tag, name, value in found.attributes if name == 'scope'
    ]
    assert scopes == ['col'] * 8 + ['row'] * 2
    assert found.of('td') == [
        'suitable image disk_format=vmdk '
        'driver hypervisor_type=VMware vCenter Server',
        'suitable',
        'suitable',
        'suitable',
        'service_down nova-compute down',
        'suitable',
        'suitable',
        'other_hypervisor image disk_format=vmdk driver hypervisor_type=QEMU',
        'suitable',
        'suitable',
        'suitable',
        'suitable',
        'suitable',
        'suitable',
    ]


def test_what_is_not_known_of_hosts_that_pass():
    found = elements(
        explanations.of_boot(
            [kvm('kvm-1'), kvm('kvm-2', supported=('kvm',)), vcenter('vc-1')],
            image={'disk_format': 'iso', 'hypervisor_type': 'kvm'},
        )
    )
    assert 'hosts could take it, 1 of them as far as is known' in str(
        found.of('p')
    )
    assert found.of('button')[:2] == [
        'suitable 1',
        'suitable as far as known 1',
    ]
    # In the order of the buttons; the check is the second one.
    assert found.of('td')[1::6] == [
        'suitable',
        'suitable not known: image hypervisor_type=kvm: '
        'whether the driver supports kvm',
        'image_properties_differ image hypervisor_type=kvm '
        'driver supports vmware',
    ]
    values = {
        name: [v for _, n, v in found.attributes if n == name]
        for name in ('value', 'data-reason')
    }
    assert values['value'] == values['data-reason']
    assert len(set(values['value'])) == 3


def test_who_would_win_and_why():
    hosts = [kvm('kvm-1'), kvm('kvm-2'), vcenter('vc-1')]
    explanation = explanations.of_boot(hosts, image={'disk_format': 'qcow2'})
    shares = {
        'kvm-1': [Share('RAMWeigher', 1, 0.25), Share('DiskWeigher', 1, None)],
        'kvm-2': [Share('RAMWeigher', 1, 1), Share('DiskWeigher', 1, None)],
    }
    places = ranking.ranked({(name, name): s for name, s in shares.items()})
    order = ranking.Ranking(places, 'some multipliers', ('what lacks',))
    found = elements(dataclasses.replace(explanation, ranking=order))
    assert found.of('th')[-4:] == [
        'rank',
        'kvm-2',
        'kvm-1',
        'vc-1 domain-c1.vc-1',
    ]
    assert found.of('td')[6::7] == [
        '1 weight 1.0 RAMWeigher 1 DiskWeigher ?',
        '2 weight 0.25 RAMWeigher 0.25 DiskWeigher ?',
        '',
    ]
    items = found.of('li')
    assert 'Would win: kvm-2' in items
    assert 'weight 1: RAMWeigher 1' in items
    assert 'Weights: some multipliers' in items
    assert 'what lacks' in items


def test_a_node_of_the_same_name_is_not_told_twice():
    found = elements(explanations.of_boot([kvm('kvm-1', node='kvm-1')]))
    assert found.of('small') == []


def test_a_cloud_without_hosts():
    found = elements(explanations.of_boot([]))
    assert found.of('strong') == ['0 of 0']
    assert found.of('th') == ['host']


def test_a_source_that_does_not_know_when():
    assert elements(explanations.of_boot([]), taken_at='').of('time') == []


def test_what_others_named_is_text_only():
    plain = elements(explanations.of_boot([kvm('kvm-1')]))
    hostile = elements(EVERYWHERE, taken_from=HOSTILE)
    assert {tag for tag, _ in hostile.texts} <= {
        *(tag for tag, _ in plain.texts),
        'small',
        'wbr',
    }
    assert hostile.of('script') == plain.of('script')
    assert hostile.of('style') == plain.of('style')
    assert not [v for *_, v in hostile.attributes if v and 'alert' in v]
    assert hostile.of('h1') == [HOSTILE]
    assert hostile.of('th')[-1] == f'{HOSTILE} {HOSTILE} node {HOSTILE}'


def test_no_name_turns_what_stands_beside_it():
    marks = '\u202e\u2066\u200f\u200b\u2028\x1b'
    found = explanations.of_boot(
        [kvm(f'kvm{marks}', node=f'node{marks}', disabled_reason=marks)],
        [Aggregate(f'a{marks}', '', {'hypervisor_type': marks}, ('kvm',))],
        {'disk_format': 'vmdk', 'hypervisor_type': marks},
        title=marks,
    )
    text = render(found, taken_from=marks, taken_at=marks)
    assert all(line.isprintable() for line in text.split('\n'))
    assert r'kvm\u202e\u2066' in text


def test_the_policy_names_the_script_and_the_style_and_nothing_else():
    text = render(EVERYWHERE)
    (policy,) = [
        value
        for tag, name, value in Elements(text).attributes
        if name == 'content' and 'default-src' in value
    ]

    def digest(tag):
        (inline,) = re.findall(f'<{tag}>(.*?)</{tag}>', text, re.DOTALL)
        digest = hashlib.sha256(inline.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    assert list(map(str.strip, policy.split(';'))) == [
        "default-src 'none'",
        f'style-src {digest("style")}',
        f'script-src {digest("script")}',
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_nothing_is_fetched():
    found = elements(explanations.of_cloud(1))
    fetching = {'src', 'href', 'srcset', 'data', 'action', 'poster', 'style'}
    assert fetching.isdisjoint(name for _, name, _ in found.attributes)
    (style,) = found.of('style')
    assert 'url(' not in style
    assert '@import' not in style


def test_five_thousand_hosts_are_less_than_three_megabytes():
    assert len(render(explanations.of_cloud(50)).encode()) < 3_000_000


def test_the_file_is_the_page(tmp_path):
    path = tmp_path / 'page.html'
    # JSON can hold half a surrogate pair, UTF-8 cannot.
    found = explanations.of_boot([kvm('kvm-\N{SNOWMAN}\ud800')])
    page.write(path, found, Policy(), taken_from='', taken_at='')
    assert Elements(path.read_text('utf-8')).of('th')[-1] == (
        'kvm-\N{SNOWMAN}\\ud800'
    )


def test_a_page_that_cannot_be_written(tmp_path):
    path = tmp_path / 'missing/page.html'
    with pytest.raises(SourceError, match=r'page\.html: No such file'):
        page.write(
            *(path, explanations.of_boot([]), Policy()),
            taken_from='',
            taken_at='',
        )
