"""Which addresses may be reached: public ones alone, checked at every hop before a packet is sent."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from surveykit.links.state import Reason

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Not reachable for the public, although `is_global` says otherwise or depends on the Python version.
# 6to4 and Teredo are here whole: they carry IPv4 addresses, and no website lives there.
NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/3",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
# A host that ends in a number is an IPv4 address to some part of every system.
NUMERIC_HOST = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)\.?", re.IGNORECASE)


class BlockedError(Exception):
    """An address may not be reached; `.reason` says why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


def is_public(address: Address) -> bool:
    """Whether an address, or the IPv4 address hidden in it, belongs to the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address in NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in GLOBAL_UNICAST:
            return False
    if any(
        address in network for network in NEVER if network.version == address.version
    ):
        return False
    return address.is_global and not address.is_multicast


@lru_cache(4096)  # hosts come again with every link and every hop
def literal(host: str) -> Address | None:
    """The address that a host is, in whatever way it is written; None for a name.

    Raises ValueError for a host that looks like a number and is no address.
    """
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        if ":" in host:
            raise
    if not NUMERIC_HOST.fullmatch(host):
        return None
    try:  # decimal, octal, hexadecimal, one to four parts
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except OSError:
        raise ValueError(f"{host!r} looks like a number and is no address") from None


@dataclass(frozen=True)
class Guard:
    """Says yes or no to a host and its addresses; `allow` widens it for tests and intranets."""

    allow_hosts: frozenset[str] = frozenset()
    allow_networks: tuple[Network, ...] = ()

    @classmethod
    def allowing(cls, items: Iterable[str]) -> Guard:
        """Guard that also lets these hosts and CIDR ranges pass. ValueError for anything else."""
        hosts, networks = set(), []
        for item in items:
            try:
                networks.append(ipaddress.ip_network(item, strict=False))
            except ValueError:
                if not re.fullmatch(r"[\w.-]+", item):
                    raise ValueError(
                        f"{item!r} is neither a host nor a CIDR range"
                    ) from None
                hosts.add(_name(item))
        return cls(frozenset(hosts), tuple(networks))

    def check_url(self, url: str) -> None:
        """Raise BlockedError for a scheme, user or address that is refused without a look-up."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
            if parts.scheme not in ("http", "https"):
                raise BlockedError(Reason.SCHEME, f"scheme {parts.scheme[:20]!r}")
            if parts.username is not None or parts.password is not None:
                raise BlockedError(
                    Reason.CREDENTIALS, "user or password in the address"
                )
            if not host or re.search(r"[\s\\]", url):
                raise BlockedError(
                    Reason.BAD_ADDRESS, "no host, or a space or backslash"
                )
            address = literal(host)
        except ValueError as error:
            raise BlockedError(Reason.BAD_ADDRESS, str(error)) from None
        if address is not None:
            self.check(host, [str(address)])

    def check(self, host: str, addresses: Iterable[str]) -> list[str]:
        """The addresses, when each of them may be reached; else BlockedError.

        One private address among public ones blocks the host: a mixed answer is how rebinding starts.
        """
        checked = list(addresses)
        if _name(host) in self.allow_hosts:
            return checked
        for text in checked:
            address = ipaddress.ip_address(text.partition("%")[0])
            inside = any(
                address in net
                for net in self.allow_networks
                if net.version == address.version
            )
            if not inside and not is_public(address):
                raise BlockedError(Reason.ADDRESS, f"{host} is {text}")
        return checked


def _name(host: str) -> str:
    return host.lower().rstrip(".")
