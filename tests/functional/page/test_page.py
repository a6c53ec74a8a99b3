# SPDX-License-Identifier: Apache-2.0
"""The page of ``explain --html`` in the browser that it is made for."""

import pytest

from testbed.processes import polling
from tests.functional.page.browsers import HOSTILE

webdriver = pytest.importorskip('selenium.webdriver')


def names(explanation, matches=lambda found: True):
    return [
        found.host.name
        for group in explanation.groups()
        for found in group.hosts
        if matches(found)
    ]


def test_all_hosts_are_there(browser, large, large_page):
    browser.open(large_page)
    assert browser.visible() == names(large)
    assert browser.shown() == '5,000 of 5,000 hosts'
    assert browser.find('.result').text == '1,200 of 5,000 hosts could take it'


@pytest.mark.parametrize(
    ('words', 'matches'),
    [
        ('vcenter-4901', lambda found: found.host.name == 'vcenter-4901'),
        ('RACK-7', lambda found: 'rack-7' in found.aggregates),
        ('no_room', lambda found: 'no_room' in reasons(found)),
        ('ticket 4711', lambda found: found.host.disabled_reason),
        ('down vcenter-00', lambda found: is_down_in_00(found.host)),
        ('no such thing', lambda found: False),
    ],
)
def test_search(browser, large, large_page, words, matches):
    browser.open(large_page)
    browser.find('input').send_keys(words)
    expected = names(large, matches)
    assert browser.visible() == expected
    assert browser.shown() == f'{len(expected)} of 5,000 hosts'


def reasons(found):
    return {answer.reason for answer in found.answers}


def is_down_in_00(host):
    return host.state == 'down' and host.name.startswith('vcenter-00')


def test_reasons_are_buttons(browser, large, large_page):
    def of(*wanted):
        return names(large, lambda found: found.decisive.reason in wanted)

    browser.open(large_page)
    button = browser.reason('room.no_room')
    button.click()
    assert button.get_attribute('aria-pressed') == 'true'
    assert browser.visible() == of('no_room')
    assert browser.shown() == '300 of 5,000 hosts'
    browser.reason('service.service_down').click()
    assert browser.visible() == of('no_room', 'service_down')
    browser.find('input').send_keys('vcenter-00')
    assert browser.shown() == '8 of 5,000 hosts'
    button.click()
    assert button.get_attribute('aria-pressed') == 'false'
    assert browser.shown() == '2 of 5,000 hosts'


def test_keys(browser, large_page):
    browser.open(large_page)
    search = browser.find('input')
    browser.reason('room.no_room').click()
    browser.press('/')
    assert browser.focused() == search
    browser.press('vc/')
    # The second time it is what was searched for.
    assert search.get_attribute('value') == 'vc/'
    browser.press(webdriver.Keys.ESCAPE)
    assert search.get_attribute('value') == ''
    assert browser.shown() == '5,000 of 5,000 hosts'


def test_an_address_keeps_what_was_searched_for(browser, small_page):
    browser.open(small_page)
    browser.reason('hypervisor.other_hypervisor').click()
    browser.find('input').send_keys('rack-7')
    fragment = '#search=rack-7&reason=hypervisor.other_hypervisor'
    polling.until(
        lambda: browser.run('return location.hash') == fragment, fragment
    )
    browser.open(small_page, fragment)
    assert browser.visible() == ['kvm-1']
    browser.run("location.hash = '#search=vc-2'")
    polling.until(lambda: browser.visible() == ['vc-2'], 'vc-2 alone')


def test_evidence(browser, small_page):
    browser.open(small_page, '#search=vc-3')
    cell = browser.find('tr:not([hidden]) .fail')
    closed = 'service_disabled'
    opened = f'{closed}\nnova-compute disabled=ticket 4711'
    assert cell.text == closed
    browser.find('tr:not([hidden]) .fail summary').click()
    assert cell.text == opened
    browser.press(webdriver.Keys.ENTER)
    assert cell.text == closed
    browser.find('#evidence').click()
    assert cell.text == opened
    browser.find('#evidence').click()
    assert cell.text == closed


def test_what_is_not_known(browser, uncertain_page):
    browser.open(uncertain_page)
    assert browser.find('.result').text == (
        '2 of 3 hosts could take it, 1 of them as far as is known'
    )
    browser.reason('hypervisor.suitable.as_far_as_known').click()
    assert browser.visible() == ['kvm-2']
    browser.find('tr:not([hidden]) .open summary').click()
    assert browser.find('tr:not([hidden]) .open').text == (
        'suitable\nnot known: image hypervisor_type=kvm: '
        'whether the driver supports kvm'
    )
    browser.find('input').send_keys('not known')
    browser.reason('hypervisor.suitable.as_far_as_known').click()
    assert browser.visible() == ['kvm-2']
    # The mark that tells it apart without colour.
    mark = "getComputedStyle(arguments[0], '::before').content"
    summary = browser.find('.open summary')
    assert browser.driver.execute_script(f'return {mark}', summary) == (
        '"?\u2002"'
    )


def test_nothing_of_what_others_named_runs(browser, hostile_page):
    browser.open(hostile_page, f'#search={HOSTILE}')
    browser.find('#evidence').click()
    assert browser.visible() == [HOSTILE, 'k' * 255]
    assert browser.run('return window.executed') is None
    assert (
        browser.run("return document.querySelector('img, [onload]')") is None
    )
    assert browser.find('h1').text == HOSTILE


def test_what_others_would_add_could_not_run(browser, small_page):
    browser.open(small_page)
    browser.run(
        """
        document.body.insertAdjacentHTML('beforeend', '<img src=x>');
        document.body.append(Object.assign(
            document.createElement('script'), {text: 'window.executed=1'}));
        """
    )
    assert browser.run('return window.executed') is None
    refused = [entry['message'] for entry in browser.driver.get_log('browser')]
    assert len(refused) == 2
    assert all('Content Security Policy' in message for message in refused)


def test_nothing_is_asked_for(browser, hostile_page):
    browser.open(hostile_page)
    assert browser.requests() == [hostile_page.as_uri()]
    entries = "return performance.getEntriesByType('resource').length"
    assert browser.run(entries) == 0
