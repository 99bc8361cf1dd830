"""Which addresses of the network may be called from here: those of the open internet, and no machine of the house."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address

NAT64 = ipaddress.ip_network("64:ff9b::/96")
NOT_OURS_TO_CALL = tuple(
    ipaddress.ip_network(n) for n in ("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "64:ff9b:1::/48", "fec0::/10", "5f00::/16")
)  # fmt: skip
"""Networks for protocols and measurements, which some machines route to themselves."""


def is_public(address: str) -> bool:
    """Whether an address belongs to the open internet. Private, loopback, link-local, the place where clouds keep their
    secrets, multicast and reserved ones don't, however they are dressed up as IPv6.

    >>> is_public("93.184.216.34"), is_public("2606:2800:220:1:248:1893:25c8:1946")
    (True, True)
    >>> [is_public(a) for a in ("10.0.0.1", "127.0.0.1", "169.254.169.254", "100.100.100.200", "0.0.0.0", "224.0.0.1")]
    [False, False, False, False, False, False]
    >>> [is_public(a) for a in ("::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "fe80::1%eth0", "fd00:ec2::254")]
    [False, False, False, False, False, False]
    >>> is_public("::ffff:93.184.216.34"), is_public("somewhere")
    (True, False)
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = _carried(found)
    if inner is not None:
        return is_public(str(inner))
    if found.is_multicast or not found.is_global:
        return False
    return not any(found in network for network in NOT_OURS_TO_CALL if network.version == found.version)


def _carried(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address to which an IPv6 address is translated on its way, if it is one of those."""
    if isinstance(address, IPv4Address):
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
