"""BER as LDAP uses it (RFC 4511 5.1): definite lengths, one-byte tags. Bytes in, bytes out."""

SEQUENCE, SET, INTEGER, OCTETS, ENUM, BOOLEAN, NULL = 0x30, 0x31, 0x02, 0x04, 0x0A, 0x01, 0x05
MOST = 16 << 20  # a longer value is an error, not a reason to wait for it


class Malformed(Exception):
    pass


def length(n):
    if n < 0x80:
        return bytes([n])
    digits = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits


def tlv(tag, *parts):
    value = b"".join(parts)
    return bytes([tag]) + length(len(value)) + value


def seq(*parts):
    return tlv(SEQUENCE, *parts)


def integer(n, tag=INTEGER):
    return tlv(tag, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))


def enum(n):
    return integer(n, ENUM)


def octets(value, tag=OCTETS):
    return tlv(tag, value.encode() if isinstance(value, str) else value)


def boolean(value, tag=BOOLEAN):
    return tlv(tag, b"\xff" if value else b"\x00")


def number(value):
    return int.from_bytes(value, "big", signed=True)


class Reader:
    """Values one after the other out of the contents of a constructed one."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def more(self):
        return self.at < len(self.data)

    def peek(self):
        return self.data[self.at] if self.more() else None

    def take(self, *tags):
        """The next value's (tag, contents); Malformed when it is none of the tags."""
        if len(self.data) - self.at < 2:
            raise Malformed("a value is cut off")
        tag, n = self.data[self.at], self.data[self.at + 1]
        start = self.at + 2
        if n & 0x80:
            digits = n & 0x7F
            if not 1 <= digits <= 4 or start + digits > len(self.data):
                raise Malformed("a length is not one")
            n = int.from_bytes(self.data[start : start + digits], "big")
            start += digits
        if n > MOST or start + n > len(self.data):
            raise Malformed("a value is longer than what holds it")
        if tags and tag not in tags:
            raise Malformed(f"tag {tag:#x} in place of {tags}")
        self.at = start + n
        return tag, self.data[start : start + n]

    def value(self, *tags):
        return self.take(*tags)[1]

    def inside(self, *tags):
        return Reader(self.take(*tags)[1])

    def number(self, tag=INTEGER):
        return number(self.value(tag))

    def text(self, tag=OCTETS):
        return self.value(tag).decode("utf-8", "surrogateescape")


def read(receive):
    """One whole value from receive(n), which returns at most n bytes and nothing at the end; None at the end."""

    def exactly(n):
        data = b""
        while len(data) < n:
            piece = receive(n - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    first = receive(1)
    if not first:
        return None
    head = first + exactly(1)
    n = head[1]
    if n & 0x80:
        digits = n & 0x7F
        if not 1 <= digits <= 4:
            raise Malformed("a length is not one")
        more = exactly(digits)
        head, n = head + more, int.from_bytes(more, "big")
    if n > MOST:
        raise Malformed("longer than anything that is sent here")
    return head + exactly(n)
