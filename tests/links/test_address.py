"""No private address gets past the guard, in whatever way it is written."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveykit.links.fetch import Checker
from surveykit.links.state import Reason
from surveykit.net.connect import GuardedResolver, transport
from surveykit.net.guard import BlockedError, Guard
from surveykit.net.hosts import is_public, literal
from surveykit.net.limiter import RateLimiter

PRIVATE = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
]
PRIVATE6 = [
    "::/128",
    "::1/128",
    "100::/64",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "2001:db8::/32",
    "64:ff9b:1::/48",
    "::ffff:0:0:0/96",
]


def within(ranges: list[str]):
    def draw(text: str):
        network = ipaddress.ip_network(text)
        first, last = int(network[0]), int(network[-1])
        kind = type(network[0])
        return st.integers(first, last).map(kind)

    return st.sampled_from(ranges).flatmap(draw)


def disguises(address: ipaddress.IPv4Address) -> dict[str, str]:
    n = int(address)
    a, b, c, d = address.packed
    six = ipaddress.IPv6Address
    return {
        "plain": str(address),
        "dot": f"{address}.",
        "decimal": str(n),
        "hex": hex(n),
        "HEX": f"0X{n:X}",
        "octal": f"0{n:o}",
        "octal parts": f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        "hex parts": f"{a:#x}.{b:#x}.{c:#x}.{d:#x}",
        "two parts": f"{a}.{n & 0xFFFFFF}",
        "three parts": f"{a}.{b}.{n & 0xFFFF}",
        "mapped": f"[{six((0xFFFF << 32) | n)}]",
        "mapped dotted": f"[::ffff:{address}]",
        "compatible": f"[{six(n)}]",
        "translated": f"[{six((0xFFFF << 48) | n)}]",
        "nat64": f"[{six((0x64FF9B << 96) | n)}]",
        "local nat64": f"[{six((0x64FF9B0001 << 80) | n)}]",
        "6to4": f"[{six((0x2002 << 112) | (n << 80))}]",
        "teredo": f"[{six((0x20010000 << 96) | (n ^ 0xFFFFFFFF))}]",
        "teredo server": f"[{six((0x20010000 << 96) | (n << 64))}]",
    }


@given(within(PRIVATE))
def test_no_private_ipv4_address_passes_in_any_disguise(address):
    for name, host in disguises(address).items():
        with pytest.raises(BlockedError) as caught:
            Guard().check_url(f"http://{host}:8080/x")
        assert caught.value.kind == Reason.ADDRESS, name


@given(within(PRIVATE6))
def test_no_private_ipv6_address_passes_with_or_without_zone(address):
    for host in (f"[{address}]", f"[{address}%25eth0]", f"[{address.exploded}]"):
        with pytest.raises(BlockedError):
            Guard().check_url(f"http://{host}/x")


@given(st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address))
def test_public_ipv4_addresses_are_those_of_no_special_range(address):
    special = any(
        address in ipaddress.ip_network(text) for text in [*PRIVATE, "192.88.99.0/24"]
    )
    if special:
        assert not is_public(address)
    elif address.is_global:
        assert is_public(address)


@pytest.mark.parametrize(
    "text",
    ["93.184.216.34", "8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_public_addresses_pass(text):
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.org/", Reason.SCHEME),
        ("file:///etc/passwd", Reason.SCHEME),
        ("javascript:alert(1)", Reason.SCHEME),
        ("//example.org/", Reason.SCHEME),
        ("http://user@example.org/", Reason.CREDENTIALS),
        ("http://user:secret@example.org/", Reason.CREDENTIALS),
        ("http://@example.org/", Reason.CREDENTIALS),
        ("http://example.org\\@127.0.0.1/", Reason.CREDENTIALS),
        ("http://", Reason.BAD_ADDRESS),
        ("http://[::1", Reason.BAD_ADDRESS),
        ("http://example.org:99999/", Reason.BAD_ADDRESS),
        ("http://example.org/a b", Reason.BAD_ADDRESS),
        ("http://1.2.3.4.5/", Reason.BAD_ADDRESS),
        ("http://999.1.1.1/", Reason.BAD_ADDRESS),
    ],
)
def test_what_is_refused_without_a_look_up(url, reason):
    with pytest.raises(BlockedError) as caught:
        Guard().check_url(url)
    assert caught.value.kind == reason


def test_names_are_no_literals():
    for host in ("example.org", "0xabc.example", "123.example.org", "1e100.net"):
        assert literal(host) is None


def test_one_private_address_among_public_ones_blocks_the_host():
    with pytest.raises(BlockedError):
        Guard().check("mixed.test", ["93.184.216.34", "10.0.0.1"])


def test_allow_opens_a_host_or_a_range_and_nothing_else():
    guard = Guard.allowing(["Intra.Example.", "10.1.0.0/16"])
    assert guard.check("intra.example", ["192.168.0.1"]) == ["192.168.0.1"]
    guard.check_url("http://10.1.2.3/")
    for url in ("http://10.2.0.1/", "http://192.168.0.1/"):
        with pytest.raises(BlockedError):
            guard.check_url(url)
    for bad in ("", "10.0.0.0/99", "a b"):
        with pytest.raises(ValueError, match="neither"):
            Guard.allowing([bad])


def test_a_name_that_turns_private_is_caught_at_the_second_look_up():
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])

    async def lookup(_: str) -> list[str]:
        return next(answers)

    resolver = GuardedResolver(Guard(), lookup)
    first = asyncio.run(resolver.resolve("rebind.test", 80))
    assert [item["host"] for item in first] == ["93.184.216.34"]
    with pytest.raises(BlockedError):
        asyncio.run(resolver.resolve("rebind.test", 80))


def test_no_socket_opens_for_an_address_that_was_never_passed():
    resolver = GuardedResolver(Guard(), lambda host: None)  # type: ignore[arg-type]
    for host in ("127.0.0.1", "10.0.0.1", "2130706433"):
        info = (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 80))
        with pytest.raises(BlockedError):
            resolver.open_socket(info)


def test_the_connection_goes_to_the_address_that_was_checked(world, hostile):
    """The name is public at the first look-up and private at the second; there is no second before the connection."""
    asked = []

    async def lookup(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    outcome = world.check([f"http://rebind.test:{hostile.port}/plain"], lookup=lookup)
    assert [f.result.state for f in outcome.findings] == ["ok"]
    assert asked == ["rebind.test"]


class Careless(Guard):
    """A guard that overlooks what stands in the address, as a parser that disagrees with another would."""

    def check_url(self, url: str) -> None:
        pass


@pytest.mark.parametrize(
    "host", ["2130706433", "127.1", "0177.0.0.1", "localhost", "[::1]", "127.0.0.1"]
)
def test_what_an_address_parser_overlooks_fails_at_the_socket(hostile, host):
    before = len(hostile.requests)

    async def ask():
        guard = Careless()
        way = transport(guard, total=1, context=hostile.trusted)
        limiter = RateLimiter(1, 0.0, 1, time.monotonic, asyncio.sleep)
        try:
            return await Checker(way, guard, limiter, "test").look(
                f"http://{host}:{hostile.port}/plain"
            )
        finally:
            await way.aclose()

    result = asyncio.run(ask())
    assert result.state in ("blocked", "broken")
    assert len(hostile.requests) == before
