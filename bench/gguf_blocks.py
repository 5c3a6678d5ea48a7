"""Writes a GGUF model again with its matrices in blocks of few bits. Plain rounding, one group at a
time: enough to have a quantized base to fine-tune (adapters.py), by code that is not Avocado's.

  gguf_blocks.py MODEL TYPE OUT     TYPE: Q8_0, Q4_0 or Q4_K

Rows that are not whole blocks of 256 cannot be Q4_K and become Q4_0. With four bits the embedding
table and the head are Q8_0, as they are more than the rest in a small model.
"""

import array
import struct
import sys

F32, F16, Q4_0, Q8_0, Q4_K, BF16 = 0, 1, 2, 8, 12, 30
TYPES = {"Q4_0": Q4_0, "Q8_0": Q8_0, "Q4_K": Q4_K}
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?",
           10: "Q", 11: "q", 12: "d"}
STRING, LIST = 8, 9
ALIGNMENT = 32


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, form):
        (value,) = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return value

    def text(self):
        length = self.number("Q")
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def value(self, kind):
        if kind == STRING:
            return self.text()
        if kind == LIST:
            inner, count = self.number("I"), self.number("Q")
            return [self.value(inner) for _ in range(count)]
        return self.number(SCALARS[kind])


class Model:
    """Metadata, and tensors as (name, sizes, type, bytes), innermost size first."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        reader = Reader(data)
        assert reader.number("I") == 0x46554747 and reader.number("I") == 3, f"{path}: not GGUF v3"
        count, keys = reader.number("Q"), reader.number("Q")
        begin = reader.at
        self.metadata = {}
        for _ in range(keys):
            key = reader.text()
            self.metadata[key] = reader.value(reader.number("I"))
        self.metadata_bytes = data[begin : reader.at]
        infos = []
        for _ in range(count):
            name = reader.text()
            sizes = [reader.number("Q") for _ in range(reader.number("I"))]
            infos.append((name, sizes, reader.number("I"), reader.number("Q")))
        start = -(-reader.at // ALIGNMENT) * ALIGNMENT
        self.tensors = [(name, sizes, kind, data[start + at : start + at + bytes_of(sizes, kind)])
                        for name, sizes, kind, at in infos]

    def write(self, path):
        head = struct.pack("<IIQQ", 0x46554747, 3, len(self.tensors), len(self.metadata))
        head += self.metadata_bytes
        body = b""
        for name, sizes, kind, data in self.tensors:
            head += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", len(sizes))
            head += struct.pack(f"<{len(sizes)}QIQ", *sizes, kind, len(body))
            body += data + bytes(-len(data) % ALIGNMENT)
        with open(path, "wb") as file:
            file.write(head + bytes(-len(head) % ALIGNMENT) + body)


def bytes_of(sizes, kind):
    count = 1
    for size in sizes:
        count *= size
    if kind in (F32, F16, BF16):
        return count * (4 if kind == F32 else 2)
    block, size = {Q4_0: (32, 18), Q8_0: (32, 34), Q4_K: (256, 144)}[kind]
    return count // block * size


def floats(data, kind):
    if kind == F32:
        return array.array("f", data)
    if kind == F16:
        return array.array("f", struct.unpack(f"<{len(data) // 2}e", data))
    assert kind == BF16, "only F32, F16 and BF16 are read"
    return array.array("f", b"".join(b"\0\0" + data[i : i + 2] for i in range(0, len(data), 2)))


def half(x):
    return struct.unpack("<e", struct.pack("<e", x))[0]


def nearest(x, least, most):
    return max(least, min(most, round(x)))


def q8_0(x):
    d = half(max(map(abs, x)) / 127)
    return struct.pack("<e32b", d, *(nearest(v / d, -127, 127) if d else 0 for v in x))


def q4_0(x):
    d = half(max(x, key=abs) / -8)
    codes = [nearest(v / d + 8, 0, 15) if d else 8 for v in x]
    return struct.pack("<e16B", d, *(codes[i] | codes[i + 16] << 4 for i in range(16)))


def q4_k(x):
    groups = [x[i : i + 32] for i in range(0, 256, 32)]
    lows = [max(0.0, -min(group)) for group in groups]
    steps = [(max(group) + low) / 15 for group, low in zip(groups, lows)]
    d, dmin = half(max(0.0, *steps) / 63), half(max(lows) / 63)
    scale = [nearest(step / d, 0, 63) if d else 0 for step in steps]
    minimum = [nearest(low / dmin, 0, 63) if dmin else 0 for low in lows]
    packed = [scale[i] | scale[i + 4] >> 4 << 6 for i in range(4)]
    packed += [minimum[i] | minimum[i + 4] >> 4 << 6 for i in range(4)]
    packed += [scale[i + 4] & 15 | (minimum[i + 4] & 15) << 4 for i in range(4)]
    codes = []
    for group, s, m in zip(groups, scale, minimum):
        codes.append([nearest((v + dmin * m) / (d * s), 0, 15) if d * s else 0 for v in group])
    nibbles = [codes[i][j] | codes[i + 1][j] << 4 for i in (0, 2, 4, 6) for j in range(32)]
    return struct.pack("<ee12B128B", d, dmin, *packed, *nibbles)


ENCODERS = {Q4_0: (q4_0, 32), Q8_0: (q8_0, 32), Q4_K: (q4_k, 256)}


def type_for(name, width, kind):
    if kind != Q8_0 and name in ("token_embd.weight", "output.weight"):
        kind = Q8_0
    if kind == Q4_K and width % 256 != 0:
        kind = Q4_0
    return kind if width % 32 == 0 else F32


def quantize(path, name_of_type, out):
    """Returns how many matrices have which type."""
    model, counts = Model(path), {}
    for i, (name, sizes, kind, data) in enumerate(model.tensors):
        if len(sizes) != 2:
            continue
        wanted = type_for(name, sizes[0], TYPES[name_of_type])
        numbers = floats(data, kind)
        if wanted == F32:
            blocks = numbers.tobytes()
        else:
            encode, block = ENCODERS[wanted]
            blocks = b"".join(encode(numbers[at : at + block])
                              for at in range(0, len(numbers), block))
        model.tensors[i] = (name, sizes, wanted, blocks)
        label = next((key for key, value in TYPES.items() if value == wanted), "F32")
        counts[label] = counts.get(label, 0) + 1
    model.write(out)
    return counts


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[2] not in TYPES:
        sys.exit(__doc__)
    print(", ".join(f"{count} {name}" for name, count in quantize(*sys.argv[1:]).items()))
