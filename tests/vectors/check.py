#!/usr/bin/env python3
"""Checks the vectors of this folder without a line of Kinmesh's own code (README.md says what each file holds).

    pip install -r requirements.txt && python3 check.py

It verifies every signature, opens every cell, decodes every segment of a set, takes the bundle apart, and recomputes inputs, blinds,
elements, the proof, tags, labels, dummies, commitments and the fingerprint from their seeds. Ed25519, ML-KEM, X25519 and ChaCha20-Poly1305
come from the package `cryptography`; CBOR, HPKE's key schedule, X-Wing's combiner, ristretto255 and the VOPRF are written here.
"""

import hashlib
import hmac
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import ristretto
from ristretto import lp

HERE = Path(__file__).resolve().parent
h = bytes.fromhex
RAW = (Encoding.Raw, PublicFormat.Raw)
DONE = []


def load(name):
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def done(what):
    DONE.append(what)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


# Deterministic CBOR (protocol.md 3.2, 3.9).


class Tag:
    def __init__(self, number, item):
        self.number, self.item = number, item


def head(major, number):
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < (24 if code == 24 else 0):
            return bytes([major << 5 | number])
        if number < 1 << 8 * size:
            return bytes([major << 5 | code]) + number.to_bytes(size, "big")
    raise ValueError("too large")


def encode(item):
    if item is None or item is False or item is True:
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[item]
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        return head(3, len(item.encode())) + item.encode()
    if isinstance(item, (list, tuple)):
        return head(4, len(item)) + b"".join(map(encode, item))
    if isinstance(item, dict):
        pairs = sorted((encode(key), encode(value)) for key, value in item.items())
        return head(5, len(pairs)) + b"".join(key + value for key, value in pairs)
    if isinstance(item, Tag):
        return head(6, item.number) + encode(item.item)
    raise TypeError(type(item))


def take(data, at):
    major, small = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        return {20: False, 21: True, 22: None}[small], at
    if small < 24:
        number = small
    else:
        size = {24: 1, 25: 2, 26: 4, 27: 8}[small]
        number, at = int.from_bytes(data[at : at + size], "big"), at + size
    if major == 0:
        return number, at
    if major == 1:
        return -1 - number, at
    if major in (2, 3):
        piece = data[at : at + number]
        if len(piece) != number:
            raise ValueError("cut off")
        return (piece if major == 2 else piece.decode()), at + number
    if major == 4:
        items = []
        for _ in range(number):
            item, at = take(data, at)
            items.append(item)
        return items, at
    if major == 5:
        pairs = {}
        for _ in range(number):
            key, at = take(data, at)
            pairs[key], at = take(data, at)
        return pairs, at
    item, at = take(data, at)
    return Tag(number, item), at


def decode(data):
    item, at = take(data, 0)
    if at != len(data) or encode(item) != data:
        raise ValueError("not the one form of a value")
    return item


# Messages (3.2, 3.9).

CONTEXTS = {10: "kinmesh/1/roster", 11: "kinmesh/1/timestamp", 14: "kinmesh/1/suspension"}


def kid(key):
    return sha256(key)[:8]


def holds(key, signature, signed):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
        return True
    except InvalidSignature:
        return False


def open_sign1(data, context, network, key):
    """The payload of a COSE_Sign1 whose signature holds."""
    item = decode(data)
    protected, unprotected, payload, signature = item.item
    assert item.number == 18 and unprotected == {} and protected == h("a2012704 48") + kid(key)
    fields = decode(payload)
    aad = encode([context, network, fields[1], fields[2], fields[3]])
    assert holds(key, signature, encode(["Signature1", protected, aad, payload]))
    other = encode([context, network + "x", fields[1], fields[2], fields[3]])
    assert not holds(key, signature, encode(["Signature1", protected, other, payload]))
    return fields


def payload_hash(data):
    return sha256(decode(data).item[2])


def open_cosigned(data, kind, network, keys):
    item = decode(data)
    empty, unprotected, payload, signatures = item.item
    assert item.number == 98 and empty == b"" and unprotected == {} and len(signatures) == len(keys)
    aad = encode([CONTEXTS[kind], network, kind, "@custodians", None])
    by_kid = {kid(key): key for key in keys}
    order = []
    for protected, no_header, signature in signatures:
        order.append(protected[-8:])
        assert no_header == {} and protected[:-8] == h("a2012704 48")
        assert holds(by_kid[protected[-8:]], signature, encode(["Signature", b"", protected, aad, payload]))
    assert order == sorted(set(order))
    return decode(payload)


def check_messages():
    vectors = load("messages.json")
    network = vectors["network"]
    for vector in vectors["messages"]:
        kind, data = vector["type"], h(vector["bytes"])
        if kind in (10, 14):
            payload = open_cosigned(data, kind, network, list(map(h, vector["signers"])))
            assert payload[1] == network
        else:
            key = h(vector["signer"])
            assert Ed25519PrivateKey.from_private_bytes(h(vector["signer_seed"])).public_key().public_bytes(*RAW) == key
            assert kid(key) == h(vector["kid"])
            fields = open_sign1(data, CONTEXTS.get(kind, "kinmesh/1"), network, key)
            names = ["type", "from", "to", "msg_id", "n", "created", "expires", "roster_version", "re"]
            for number, name in enumerate(names, 1):
                wanted = h(vector[name]) if name in ("msg_id", "re") and vector[name] else vector[name]
                assert fields[number] == wanted, (vector["name"], name)
            assert encode(fields[10]) == h(vector["body"])
        done(f"message {kind} {vector['name']}")
    check_log({vector["type"]: h(vector["bytes"]) for vector in vectors["messages"]})


def check_log(messages):
    """The entries of the key log are those of its messages, and lead to the head that the timestamp names (3.9)."""
    body = {kind: decode(decode(messages[kind]).item[2])[10] for kind in (11, 16)}
    entries = body[16][2]
    assert body[16][1] == 0 and len(entries) % 33 == 0
    assert entries == b"".join(bytes([kind]) + payload_hash(messages[kind]) for kind in (10, 12, 13, 14))
    log = bytes(32)
    for at in range(0, len(entries), 33):
        log = sha256(b"kinmesh/log/1", log, entries[at : at + 33])
    assert body[11][3] == log and body[11][4] == len(entries) // 33
    assert body[11][2] == payload_hash(messages[10])
    done("key log")


# Cells (3.2, 3.9): HPKE base mode (RFC 9180), KEM 0x647a, KDF 1, AEAD 3.

SUITE = b"HPKE" + (0x647A).to_bytes(2, "big") + (1).to_bytes(2, "big") + (3).to_bytes(2, "big")


def extract(salt, label, secret):
    return mac(salt or bytes(32), b"HPKE-v1", SUITE, label, secret)


def expand(key, label, info, length):
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + SUITE + label + info
    return mac(key, labelled, b"\x01")[:length]


def xwing_keys(seed):
    expanded = hashlib.shake_256(seed).digest(96)
    return MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])


def xwing_public(seed):
    kem, curve = xwing_keys(seed)
    return kem.public_key().public_bytes_raw() + curve.public_key().public_bytes(*RAW)


def xwing_decapsulate(seed, enc):
    kem, curve = xwing_keys(seed)
    lattice = kem.decapsulate(enc[:1088])
    classic = curve.exchange(X25519PublicKey.from_public_bytes(enc[1088:]))
    return hashlib.sha3_256(lattice + classic + enc[1088:] + curve.public_key().public_bytes(*RAW) + rb"\.//^" + b"\\").digest()


def hpke_open(seed, enc, info, ct):
    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(xwing_decapsulate(seed, enc), b"secret", b"")
    key, nonce = expand(secret, b"key", context, 32), expand(secret, b"base_nonce", context, 12)
    return ChaCha20Poly1305(key).decrypt(nonce, ct, b"")


def open_cell(data, vectors):
    """The header and the messages of a cell."""
    fields = open_sign1(data, "kinmesh/1/cell", vectors["network"], h(vectors["signer"]))
    info = encode(["kinmesh/1/cell", vectors["network"], fields[1], fields[2], fields[3], fields[4], fields[7]])
    plaintext = hpke_open(h(vectors["seal_secret"]), fields[8], info, fields[9])
    messages, at = take(plaintext, 0)
    assert encode(messages) == plaintext[:at] and not any(plaintext[at:]), "padding"
    return fields, messages, len(plaintext)


def check_cells():
    vectors = load("cells.json")
    public = h(vectors["seal_public"])
    assert xwing_public(h(vectors["seal_secret"])) == public
    for vector in vectors["cells"]:
        fields, messages, size = open_cell((HERE / vector["file"]).read_bytes(), vectors)
        assert size == vector["class"] and fields[1] == vector["kind"] and fields[7] == kid(public)
        assert fields[4] == h(vector["cell_id"]) and (fields[5], fields[6]) == (vector["created"], vector["expires"])
        assert messages == list(map(h, vector["messages"]))
        for message in messages:
            open_sign1(message, "kinmesh/1", vectors["network"], h(vectors["signer"]))
        done(f"cell {vector['file']} with {len(messages)} messages")


def check_bundle():
    data = (HERE / "bundle.kmb").read_bytes()
    assert data[:8] == b"KINMESH1"
    items, at = [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        items.append(data[at + 4 : at + 4 + length])
        assert 0 < len(items[-1]) == length
        at += 4 + length
    known = {h(vector["bytes"]) for vector in load("messages.json")["messages"]}
    cells = load("cells.json")
    assert all(item in known for item in items[:-1]) and decode(items[0]).number == 98
    assert items[-1] == (HERE / cells["cells"][0]["file"]).read_bytes()
    done(f"bundle of {len(items)} items")


# The private match (3.9).


def check_match():
    v = load("match.json")
    owner, peer = v["owner"].encode(), v["peer"].encode()
    secret, ref = h(v["case_secret"]), h(v["case_ref"])
    scalar = ristretto.derive_key(h(v["voprf_seed"]), b"")
    public = (scalar * ristretto.BASE).encode()
    assert public == h(v["pk"]) and sha256(public) == h(v["pk_hash"])
    keys = {key["position"]: key for key in v["keys"]}
    inputs, blinds = [], []
    for place in range(48):
        key = keys.get(place)
        if key and key["key"]:
            parts = [v["profile"].encode(), owner, key["class"].encode(), key["key"].encode()]
            made = b"kinmesh/mk/1" + b"".join(map(lp, parts))
        else:
            made = b"kinmesh/dummy/1" + mac(secret, b"kinmesh/dummy/1", lp(owner), ref, place.to_bytes(2, "big"))
        inputs.append(made)
        text = b"kinmesh/blind/1" + lp(owner) + ref + place.to_bytes(2, "big") + lp(made)
        wide = hmac.new(secret, text, hashlib.sha512).digest()
        blinds.append(int.from_bytes(wide, "little") % ristretto.L)
        if key:
            assert made == h(key["input"]) and wide == h(key["blind"])
    elements, evaluated = list(map(h, v["elements"])), list(map(h, v["evaluated"]))
    assert sha256(*elements) == h(v["elements_hash"])
    for place, key in keys.items():
        element = (blinds[place] * ristretto.hash_to_group(inputs[place])).encode()
        assert element == elements[place] == h(key["element"])
        assert (scalar * ristretto.decode(element)).encode() == evaluated[place] == h(key["evaluated"])
        y = ristretto.finalize(inputs[place], blinds[place], evaluated[place])
        tag = sha256(b"kinmesh/tag/1", y)[:16]
        assert (y, tag) == (h(key["y"]), h(key["tag"]))
        for family, name in ((1, "label"), (2, "label_sought")):
            text = b"kinmesh/label/1" + lp(owner) + lp(peer) + v["epoch"].to_bytes(4, "big") + bytes([family])
            label = sha256(mac(h(v["salt"]), text), tag)
            assert label == h(key[name])
            assert family == 2 or label[:6].hex() == key["prefix"]
        done(f"tag and label of position {place}")
    assert ristretto.proof_holds(public, elements, evaluated, h(v["proof"]))
    assert not ristretto.proof_holds(public, elements[::-1], evaluated, h(v["proof"]))
    done("proof over 48 elements")
    check_commitment(v["commitment"])
    check_fingerprint(v["network"], v["fingerprint"])


def check_commitment(v):
    leaves = []
    for field in v["fields"]:
        leaf = sha256(b"kinmesh/fld/1", h(field["salt"]), lp(field["name"].encode()), lp(field["value"].encode()))
        assert leaf == h(field["leaf"])
        leaves.append(leaf)
    every = list(map(h, v["leaves"]))
    assert len(every) == 32 and every == sorted(set(every)) and set(leaves) < set(every)
    assert sha256(b"kinmesh/root/1", *every) == h(v["root"])
    others = list(map(h, v["opening_of_first"]["other_hashes"]))
    assert sorted(others + leaves[:1]) == every and others == sorted(others)
    done("commitment")


def check_fingerprint(network, v):
    numbers = [v["threshold"], v["root_threshold"], v["emergency_threshold"]]
    text = b"kinmesh/anchor/1" + lp(network.encode()) + b"".join(number.to_bytes(8, "big") for number in numbers)
    found = sha256(text, *sorted(map(h, v["keys"])))[:20]
    assert found == h(v["bytes"])
    number = int.from_bytes(found, "big")
    digits = "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[number >> 5 * place & 31] for place in reversed(range(32)))
    assert [digits[at : at + 4] for at in range(0, 32, 4)] == v["text"].upper().replace("-", " ").split()
    done("fingerprint")


# Sets (3.9).


def read_segment(data, lo, hi, count, k):
    assert 0 <= lo < hi <= 1 << 48 and 0 < count <= hi - lo and k == ((hi - lo) // count).bit_length() - 1
    bits = "".join(f"{byte:08b}" for byte in data)
    at, least, prefixes = 0, lo, []
    for _ in range(count):
        zero = bits.index("0", at)
        run = zero - at
        assert run <= 1 << 16
        low = int(bits[zero + 1 : zero + 1 + k] or "0", 2)
        at = zero + 1 + k
        assert at <= len(bits)
        prefix = least + (run << k | low)
        assert prefix < hi
        prefixes.append(prefix)
        least = prefix + 1
    assert len(bits) - at < 8 and "1" not in bits[at:], "one form only"
    assert lo == 0 or prefixes[0] == lo
    return prefixes


def check_sets():
    v = load("sets.json")
    dummy = lambda counter: mac(h(v["pad_seed"]), b"kinmesh/pad/1", counter.to_bytes(8, "big"))[:6].hex()
    assert [dummy(counter) for counter in range(len(v["dummies"]))] == v["dummies"]
    done("dummies")
    for edge in v["edges"]:
        prefixes = read_segment(h(edge["bytes"]), edge["lo"], edge["hi"], edge["count"], edge["k"])
        assert [f"{prefix:012x}" for prefix in prefixes] == edge["prefixes"], edge["name"]
        done(f"segment: {edge['name']}")
    sets = {}
    for name in ("base", "delta"):
        manifest = decode(h(v[name]["manifest"]))
        assert sha256(h(v[name]["manifest"])) == h(v[name]["manifest_hash"])
        found = {1: [], 2: []}
        for info, segment in zip(manifest[13], v[name]["segments"], strict=True):
            data = h(segment["bytes"])
            assert info[6] == len(data) and info[7] == sha256(data) == h(segment["sha256"])
            prefixes = read_segment(data, info[2], info[3], info[4], info[5])
            text = "".join(f"{prefix:012x}\n" for prefix in prefixes)
            assert sha256(text.encode()) == h(segment["prefixes_sha256"])
            found[info[1]] += prefixes
        assert (len(found[1]), len(found[2])) == (manifest[11], manifest[12])
        sets[name] = (manifest, found)
        done(f"{name} of {len(found[1])} adds and {len(found[2])} removes")
    (base, held), (delta, change) = sets["base"], sets["delta"]
    assert base[5] == bytes(32) and delta[5] == h(v["base"]["manifest_hash"]) and delta[7] == base[4]
    assert set(change[2]) <= set(held[1]) and not set(change[1]) & set(held[1])
    own = [int(key["prefix"], 16) for key in load("match.json")["keys"] if key["key"]]
    assert all(prefix in held[1] for prefix in own), "the labels of the subject's keys are in the owner's set"
    done("the base holds both labels")


def main():
    ristretto.check_rfc()
    done("RFC 9497 vector")
    for check in (check_messages, check_cells, check_bundle, check_match, check_sets):
        check()
    print(f"{len(DONE)} vectors hold: {', '.join(DONE)}")


if __name__ == "__main__":
    sys.exit(main())
