"""Distinguished names (RFC 4514) as a Windows controller reads and writes them."""
import unicodedata

SPECIAL = ',+"\\<>;='


def fold(text):
    """Two names are one when this is the same: case, width and accents do not count, runs of spaces are one
    (MS-ADTS 3.1.1.2.2.4, which compares with NORM_IGNORECASE, NONSPACE and WIDTH)."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) != "Mn")
    return " ".join(plain.casefold().split())


def escape(value):
    out = []
    for i, c in enumerate(value):
        if c in SPECIAL or (c == " " and i in (0, len(value) - 1)) or (c == "#" and i == 0):
            out.append("\\" + c)
        elif ord(c) < 0x20:
            out.append(f"\\{ord(c):02X}")
        else:
            out.append(c)
    return "".join(out)


def rdn_text(rdn):
    return f"{rdn[0]}={escape(rdn[1])}"


def value_of(text):
    """An attribute value as it is written in a DN; ValueError when it is none."""
    if text.startswith("#"):
        data = bytes.fromhex(text[1:])
        if len(data) < 2 or data[1] != len(data) - 2:
            raise ValueError("a hexadecimal value is no BER")
        return data[2:].decode()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    out, i, kept = bytearray(), 0, 0  # kept: up to where a space was escaped
    while i < len(text):
        c = text[i]
        if c != "\\":
            out += c.encode("utf-8", "surrogateescape")
            i += 1
            continue
        pair = text[i + 1 : i + 3]
        if len(pair) == 2 and all(x in "0123456789abcdefABCDEF" for x in pair):
            out.append(int(pair, 16))
            i += 3
        elif pair:
            out += pair[0].encode()
            i += 2
        else:
            raise ValueError("a backslash at the end")
        kept = len(out)
    end = len(out)
    while end > kept and out[end - 1 : end] == b" ":
        end -= 1
    return bytes(out[:end]).decode("utf-8")


def split(text):
    """The RDNs' texts; commas and semicolons divide unless escaped or quoted."""
    parts, start, i, quoted = [], 0, 0, False
    while i < len(text):
        c = text[i]
        if c == "\\":
            i += 1
        elif c == '"':
            quoted = not quoted
        elif not quoted and c in ",;":
            parts.append(text[start:i])
            start = i + 1
        elif not quoted and c == "+":
            raise ValueError("an RDN of several values")
        i += 1
    if quoted:
        raise ValueError("a quote is open")
    return parts + [text[start:]]


def parse(text):
    """A list of (type in upper case, value), the nearest first; ValueError."""
    if not text:
        return []
    found = []
    for part in split(text):
        kind, equals, value = part.lstrip(" ").partition("=")
        kind = kind.strip(" ")
        if not equals or not kind.replace("-", "").replace(".", "").isalnum():
            raise ValueError("no attribute type")
        value = value_of(value.lstrip(" "))
        if not value:
            raise ValueError("an empty value")
        found.append((kind.upper(), value))
    return found


def key(rdn):
    return rdn[0].upper(), fold(rdn[1])
