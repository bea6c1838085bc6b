"""Whether an address may lead to the public web: judged by what is written, without asking anybody.

The one judge for the catalog, issues, imports and the link checker. What a name leads to only a look-up can say; the link
checker's guard asks `is_public` for each address that one gives.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

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
# Names that no public server answers for: RFC 6761, 6762 (with appendix G), 7686, 8375, 9476, and ICANN's `internal`.
# Those reserved for examples (`example`, `test`, `invalid`) are data: docs/decisions/catalog.md.
PRIVATE_NAMES = (
    "localhost localdomain local internal home.arpa alt onion "
    "intranet private corp home lan"
).split()
LONGEST_HOST = 253
# A host that ends in a number is an IPv4 address to some part of every system.
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_NEVER_WRITTEN = re.compile(r"[\x00-\x20\x7f-\xa0\\\s]")

FaultKind = Literal["scheme", "credentials", "private-address", "bad-address"]


class AddressFault(NamedTuple):
    """Why an address is none of the public web."""

    kind: FaultKind
    words: str
    """What is wrong and what to do, to follow the address."""


@lru_cache(4096)  # an import looks at the same one in record, draft and entry
def fault(url: str) -> AddressFault | None:
    """What speaks against an address; None where only a look-up could tell more."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        return _bad(str(error)[:200])
    if parts.scheme not in ("http", "https"):
        return AddressFault("scheme", "only http and https are allowed")
    if "@" in parts.netloc:
        return AddressFault("credentials", "write it without user and password")
    if _NEVER_WRITTEN.search(url):  # some of them urlsplit has dropped
        return _bad("percent-encode the space, backslash or control character in it")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        return _bad("its port is not a number from 1 to 65535")
    return host_fault(host)


def host_fault(host: str) -> AddressFault | None:
    """What speaks against a host, in lower case as `urlsplit` gives it."""
    if not host:
        return _bad("it names no host")
    if len(host) > LONGEST_HOST + 1:  # one more for the root's dot
        return _bad(f"its host has more than {LONGEST_HOST} characters")
    try:
        plain = host if host.isascii() else host.encode("idna").decode()
        address = literal(plain)
    except ValueError as error:
        return _bad(str(error)[:200])
    if address is None:
        return _name_fault(plain)
    if "%" in plain:
        return _bad("its host names a network card of one machine")
    if is_public(address):
        return None
    way = "" if plain == str(address) else f" ({address})"
    said = f"{plain}{way} is not an address of the public internet"
    return AddressFault("private-address", said)


def _name_fault(host: str) -> AddressFault | None:
    name = host.removesuffix(".")
    labels = name.split(".")
    if len(name) > LONGEST_HOST:
        return _bad(f"its host has more than {LONGEST_HOST} characters")
    for label in labels:
        if wrong := _label_fault(label):
            return _bad(wrong)
    if len(labels) == 1 or any(f".{name}".endswith(f".{p}") for p in PRIVATE_NAMES):
        said = f"{name} is not a name of the public internet"
        return AddressFault("private-address", said)
    if any("_" in label for label in labels[-2:]):  # below, some sites have them
        return _bad("no registry hands out names with an underscore")
    return None


def _label_fault(label: str) -> str:
    if not label:
        return "its host has two dots in a row, or one in front"
    if len(label) > 63:
        return f"{label[:20]!r}… in its host has more than 63 characters"
    if not _LABEL.fullmatch(label):
        return f"{label!r} in its host has other characters than letters, digits and hyphens"
    if label.startswith("xn--") and not _decodes(label[4:]):
        return f"{label!r} in its host is not an encoded name"
    return ""


def _decodes(code: str) -> bool:
    """Whether Punycode stands for letters that need it, and is written as they are encoded."""
    try:
        text = code.encode().decode("punycode")
        again = text.encode("punycode").decode()
        return again == code and text.isprintable() and not text.isascii()
    except (ValueError, OverflowError):
        return False


def _bad(words: str) -> AddressFault:
    return AddressFault("bad-address", words)


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

    Raises ValueError for a host that looks like a number and is not an address.
    """
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        if ":" in host:
            raise
    if not _NUMERIC.fullmatch(host):
        return None
    try:  # decimal, octal, hexadecimal, one to four parts
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except OSError:
        raise ValueError(
            f"{host!r} looks like a number and is not an address"
        ) from None


def is_placeholder(url: str) -> bool:
    """Whether an address is one of those reserved for examples (RFC 2606), or GitHub's `example`."""
    parts = urlsplit(url)
    labels = (parts.hostname or "").split(".")
    return "example" in labels[-2:] or parts.path.startswith("/example/")
