#!/usr/bin/env python3
"""Computes the ids of TestKeyID from the description in key.go."""
from hashlib import sha256


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def key_id(fields):
    fields = [f.encode() if isinstance(f, str) else f for f in fields]
    host = sha256(fields[3]).digest()[:8] if fields[3] else bytes(8)
    return (host + sha256(b"\x01" + b"".join(varint(len(f)) + f for f in fields)).digest()[:16]).hex()


leaf, issuer = sha256(b"leaf").digest(), sha256(b"issuer").digest()
print("zero   ", key_id(["", "", "none"] + 13 * [""]))
print("full   ", key_id(["edge-1", "plant", "valid", "api.shop.example", "db:5432", "dtls", "[2001:db8::10]:8443",
                        sha256(leaf + issuer).digest(), sha256(leaf).digest(), "wire", "consistent", "DTLS 1.2",
                        "proxy-v2+smtp", "refused-by-client", "client:fatal:certificate_expired", "monitor"]))
print("no name", key_id(["edge-1", "", "none", "", "", "quic", "10.0.0.1:443"] + 6 * [""] + ["unanswered", "", ""]))
