"""Which addresses may be reached: public ones alone, checked at every hop before a packet is sent."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from surveykit.net.hosts import Address, FaultKind, fault, is_public, literal

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class BlockedError(Exception):
    """An address may not be reached; `.kind` says why."""

    def __init__(self, kind: FaultKind, detail: str) -> None:
        self.kind: FaultKind = kind
        self.detail = detail
        super().__init__(detail)


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
        """Raise BlockedError for an address that is refused without a look-up."""
        found = fault(url)
        if found is None:
            return
        private = found.kind == "private-address"
        if not (private and self._allows(urlsplit(url).hostname or "")):
            raise BlockedError(found.kind, found.words)

    def _allows(self, host: str) -> bool:
        """Whether a private host passes, or may once it has been looked up."""
        if _name(host) in self.allow_hosts:
            return True
        try:
            address = literal(host)
        except ValueError:
            return False
        return self._inside(address) if address else bool(self.allow_networks)

    def _inside(self, address: Address) -> bool:
        return any(
            address in net
            for net in self.allow_networks
            if net.version == address.version
        )

    def check(self, host: str, addresses: Iterable[str]) -> list[str]:
        """The addresses, when each of them may be reached; else BlockedError.

        One private address among public ones blocks the host: a mixed answer is how rebinding starts.
        """
        checked = list(addresses)
        if _name(host) in self.allow_hosts:
            return checked
        for text in checked:
            address = ipaddress.ip_address(text.partition("%")[0])
            if not self._inside(address) and not is_public(address):
                raise BlockedError("private-address", f"{host} is {text}")
        return checked


def _name(host: str) -> str:
    return host.lower().rstrip(".")
