"""ristretto255 (RFC 9496) and its VOPRF (RFC 9497, mode 0x01) in plain Python: slow, not in constant time, for checks only."""

import hashlib
import hmac

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
CONTEXT = b"OPRFV1-\x01-ristretto255-SHA512"


def sqrt_ratio(u, v):
    """RFC 9496, 4.2: whether u/v is a square, and the non-negative root of it or of SQRT_M1 u/v."""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    correct, flipped, flipped_i = check == u % P, check == -u % P, check == -u * SQRT_M1 % P
    if flipped or flipped_i:
        r = r * SQRT_M1 % P
    return correct or flipped, (P - r) % P if r & 1 else r


def absolute(x):
    x %= P
    return P - x if x & 1 else x


INVSQRT_A_MINUS_D = sqrt_ratio(1, (-1 - D) % P)[1]
SQRT_AD_MINUS_ONE = sqrt_ratio((-D - 1) % P, 1)[1]
if SQRT_AD_MINUS_ONE & 1 == 0:
    # The constant of RFC 9496 is the odd root.
    SQRT_AD_MINUS_ONE = P - SQRT_AD_MINUS_ONE
ONE_MINUS_D_SQ = (1 - D * D) % P
D_MINUS_ONE_SQ = (D - 1) ** 2 % P


class Element:
    """A point in extended coordinates."""

    def __init__(self, x, y, z=1, t=None):
        self.x, self.y, self.z = x % P, y % P, z % P
        self.t = x * y % P if t is None else t % P

    def __add__(self, other):
        a = (self.y - self.x) * (other.y - other.x) % P
        b = (self.y + self.x) * (other.y + other.x) % P
        c, d = self.t * 2 * D * other.t % P, self.z * 2 * other.z % P
        e, f, g, h = b - a, d - c, d + c, b + a
        return Element(e * f, g * h, f * g, e * h)

    def __rmul__(self, scalar):
        total, power = Element(0, 1), self
        scalar %= L
        while scalar:
            if scalar & 1:
                total = total + power
            power = power + power
            scalar >>= 1
        return total

    def encode(self):
        """RFC 9496, 4.3.2."""
        u1 = (self.z + self.y) * (self.z - self.y) % P
        u2 = self.x * self.y % P
        invsqrt = sqrt_ratio(1, u1 * u2 * u2 % P)[1]
        den1, den2 = invsqrt * u1 % P, invsqrt * u2 % P
        z_inv = den1 * den2 * self.t % P
        if self.t * z_inv % P & 1:
            x, y, den = self.y * SQRT_M1 % P, self.x * SQRT_M1 % P, den1 * INVSQRT_A_MINUS_D % P
        else:
            x, y, den = self.x, self.y, den2
        if x * z_inv % P & 1:
            y = -y % P
        return absolute(den * (self.z - y)).to_bytes(32, "little")


BASE = Element(
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
)


def decode(data):
    """RFC 9496, 4.3.1; raises where the bytes are no canonical encoding, or the identity."""
    s = int.from_bytes(data, "little")
    if len(data) != 32 or s >= P or s & 1:
        raise ValueError("not canonical")
    ss = s * s % P
    u1, u2 = (1 - ss) % P, (1 + ss) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    square, invsqrt = sqrt_ratio(1, v * u2 * u2 % P)
    den_x = invsqrt * u2 % P
    x = absolute(2 * s * den_x)
    y = u1 * invsqrt * den_x * v % P
    if not square or x * y % P & 1 or y == 0 or s == 0:
        raise ValueError("no element, or the identity")
    return Element(x, y)


def map_to_element(t):
    """RFC 9496, 4.3.4."""
    r = SQRT_M1 * t * t % P
    u = (r + 1) * ONE_MINUS_D_SQ % P
    v = (-1 - r * D) * (r + D) % P
    square, s = sqrt_ratio(u, v)
    c = -1
    if not square:
        s, c = -absolute(s * t) % P, r
    n = (c * (r - 1) * D_MINUS_ONE_SQ - v) % P
    w0, w1, w2, w3 = 2 * s * v, n * SQRT_AD_MINUS_ONE, 1 - s * s, 1 + s * s
    return Element(w0 * w3, w2 * w1, w1 * w3, w0 * w2)


def expand(message, dst, length=64):
    """expand_message_xmd of RFC 9380, 5.3.1, with SHA-512."""
    dst += bytes([len(dst)])
    first = hashlib.sha512(bytes(128) + message + length.to_bytes(2, "big") + b"\0" + dst).digest()
    block = hashlib.sha512(first + b"\x01" + dst).digest()
    assert length == 64
    return block


def hash_to_group(message):
    uniform = expand(message, b"HashToGroup-" + CONTEXT)
    half = lambda part: int.from_bytes(part, "little") % 2**255 % P
    return map_to_element(half(uniform[:32])) + map_to_element(half(uniform[32:]))


def hash_to_scalar(message, dst=b"HashToScalar-" + CONTEXT):
    return int.from_bytes(expand(message, dst), "little") % L


def lp(data):
    return len(data).to_bytes(2, "big") + data


def derive_key(seed, info):
    """DeriveKeyPair of RFC 9497, 3.2.1: the secret scalar."""
    for counter in range(256):
        scalar = hash_to_scalar(seed + lp(info) + bytes([counter]), b"DeriveKeyPair" + CONTEXT)
        if scalar:
            return scalar
    raise ValueError("no key")


def evaluate(scalar, message):
    """The output for an input: what blinding, evaluating and finalizing give."""
    return finalize(message, 1, (scalar * hash_to_group(message)).encode())


def finalize(message, blind, evaluated):
    unblinded = (pow(blind, -1, L) * decode(evaluated)).encode()
    return hashlib.sha512(lp(message) + lp(unblinded) + b"Finalize").digest()


def composites(public, blinded, evaluated):
    """RFC 9497, 2.2.1."""
    seed = hashlib.sha512(lp(public) + lp(b"Seed-" + CONTEXT)).digest()
    m, z = Element(0, 1), Element(0, 1)
    for place, (c, d) in enumerate(zip(blinded, evaluated, strict=True)):
        text = lp(seed) + place.to_bytes(2, "big") + lp(c) + lp(d) + b"Composite"
        factor = hash_to_scalar(text)
        m, z = m + factor * decode(c), z + factor * decode(d)
    return m, z


def proof_holds(public, blinded, evaluated, proof):
    """RFC 9497, 2.2.2: the proof is c || s, over all elements as one list."""
    c, s = (int.from_bytes(part, "little") for part in (proof[:32], proof[32:]))
    m, z = composites(public, blinded, evaluated)
    t2 = s * BASE + c * decode(public)
    t3 = s * m + c * z
    parts = [public, m.encode(), z.encode(), t2.encode(), t3.encode()]
    return c == hash_to_scalar(b"".join(map(lp, parts)) + b"Challenge")


def hmac_sha256(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def check_rfc():
    """The first vector of RFC 9497, A.1.2."""
    h = bytes.fromhex
    secret = derive_key(b"\xa3" * 32, b"test key")
    assert secret.to_bytes(32, "little") == h("e6f73f344b79b379f1a0dd37e07ff62e38d9f71345ce62ae3a9bc60b04ccd909")
    public = (secret * BASE).encode()
    assert public == h("c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e")
    blind = int.from_bytes(h("64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706"), "little")
    blinded = (blind * hash_to_group(b"\0")).encode()
    assert blinded == h("863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945")
    evaluated = (secret * decode(blinded)).encode()
    assert evaluated == h("aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e")
    proof = h(
        "ddef93772692e535d1a53903db24367355cc2cc78de93b3be5a8ffcc6985dd06"
        "6d4346421d17bf5117a2a1ff0fcb2a759f58a539dfbe857a40bce4cf49ec600d"
    )
    assert proof_holds(public, [blinded], [evaluated], proof)
    assert not proof_holds(public, [blinded], [blinded], proof)
    output = finalize(b"\0", blind, evaluated)
    assert output == evaluate(secret, b"\0") == h(
        "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7d"
        "a4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c"
    )
