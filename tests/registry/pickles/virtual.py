"""Files far larger than the disk: a head, then a unit repeated to the end."""

import io


class Repeated(io.RawIOBase):
    """A readable, seekable stream of `size` bytes that takes the memory of one block."""

    def __init__(self, unit: bytes, size: int, head: bytes = b"") -> None:
        super().__init__()
        self.head = head
        self.block = unit * max(1, (1 << 16) // len(unit))
        self.size = size
        self.position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        self.position = base + offset
        return self.position

    def tell(self) -> int:
        return self.position

    def read(self, count: int = -1) -> bytes:
        left = max(0, self.size - self.position)
        count = left if count < 0 else min(count, left)
        out = self.head[self.position : self.position + count]
        start = (self.position + len(out) - len(self.head)) % len(self.block)
        missing = count - len(out)
        out += (self.block * ((start + missing) // len(self.block) + 1))[start : start + missing]
        self.position += count
        return out
