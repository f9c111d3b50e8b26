"""A pickle machine that understands every opcode of protocols 0 to 5 and carries none of them out.

It walks a stream as CPython would, on symbolic values, and tells its listener what loading would import and call.
Nothing is imported, no object is built, and the stream is never held: a window of some 64 kB moves over it.
Where CPython would stop with an error the machine stops too, and says why; all before that has happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from registry.formats.sources import CHUNK, Source
from registry.pickles import evidence as ev
from registry.pickles.evidence import Evidence, fact
from registry.pickles.opcodes import ARGUMENT_BYTES, NAMES
from registry.pickles.values import Global, Items, Result, Tuple, Value, preview

MAX_OPCODES = 10_000_000
MAX_VALUES = 2_000_000  # on the stack and in the memo together; some 100 bytes each
MAX_MARKS = 500_000
MAX_MEMO_INDEX = 1 << 26
MAX_SPARSE_MEMO = 400_000
MAX_HELD_TEXT = 64 << 20
MAX_USES = 20_000  # distinct; what a file does with imports beyond that is not kept, for no model comes near
MAX_SAME_FACT = 200
MAX_LINE = 1 << 20
MAX_SECONDS = 240.0
LOOKAHEAD = 16  # no opcode's fixed part is longer

READING_FAILED = {"length_past_end", "pickle_truncated", "line_too_long", "bad_utf8", "bad_name", "bad_string"}

Handler: TypeAlias = Callable[["Machine", bytes, int], int]
Listener: TypeAlias = Callable[[Evidence], None]


class Broken(Exception):
    """CPython would stop here with an error. `code` names the fact that says why."""

    def __init__(self, code: str, /, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class Stopped(Exception):
    """The STOP opcode was reached; `position` is just behind it."""

    def __init__(self, position: int) -> None:
        super().__init__()
        self.position = position


class Budget:
    """Opcodes and seconds left for a whole file, however many pickles it holds."""

    def __init__(self, opcodes: int = MAX_OPCODES, seconds: float = MAX_SECONDS) -> None:
        self.opcodes = opcodes
        self.deadline = time.monotonic() + seconds


class Machine:
    """Walks the pickles of one source. Call `run` until it returns False.

    `torch` says that the stream lies in a torch file, where persistent ids name storages.
    `collect` makes containers and results keep their parts, for readers of tensor names.
    """

    def __init__(
        self,
        source: Source,
        listener: Listener,
        *,
        torch: bool = False,
        collect: bool = False,
        budget: Budget | None = None,
        start: int = 0,
    ) -> None:
        self.source = source
        self.listener = listener
        self.torch = torch
        self.collect = collect
        self.budget = budget or Budget()
        self.buf = b""
        self.pos = 0  # where the next pickle begins in `buf`
        self.base = start  # offset of buf[0] in the source
        self.at_end = False
        self.soft = -1  # from here on the slow path looks before each opcode
        self.storages: dict[str, tuple[str, int]] = {}  # key -> (storage type, elements)
        self.seen: set[tuple[str, ...]] = set()
        self.imports: dict[tuple[str, str], Global] = {}
        self.told: dict[str, int] = {}
        self.held_text = 0
        self.reset()

    def reset(self) -> None:
        """Forget stack and memo, as a fresh unpickler would."""
        self.stack: list[Value] = []
        self.below: list[list[Value]] = []  # stacks under the open marks
        self.buried = 0  # how many values lie in `below`
        self.memo: list[Value] = []
        self.sparse: dict[int, Value] = {}
        self.frame_end = -1  # absolute; -1 outside frames
        self.first = self.base + self.pos  # offset of the first opcode
        self.op_pos = 0
        self.value: Value | None = None  # what STOP returned

    @property
    def offset(self) -> int:
        """Where the next pickle begins, in the source."""
        return self.base + self.pos

    def is_exhausted(self) -> bool:
        """Whether nothing follows."""
        if self.pos >= len(self.buf) and not self.at_end:
            self._refill(self.pos, CHUNK)
            self.pos = 0
        return self.pos >= len(self.buf)

    # -- running ------------------------------------------------------------------------------------------------

    def run(self) -> bool:
        """Walk one pickle to its STOP. True when it was reached; False when the stream broke, which has been told."""
        self.reset()
        self.soft = -1
        try:
            self._loop()
        except Stopped as stop:
            self.pos = stop.position
            self._leave_frame(stop.position)
            return True
        except Broken as broken:
            self.pos = self.op_pos
            self.tell(broken.code, None, **broken.params)
            if self.frame_end >= 0 and broken.code in READING_FAILED:
                self.tell("opcode_straddles_frame")  # the C reader would have gone on behind the frame
        except IndexError:
            self.pos = self.op_pos
            self.tell("pickle_underflow")
        return False

    def _loop(self) -> None:
        pos = self.pos
        table = HANDLERS
        left = self.budget.opcodes
        try:
            for left in range(self.budget.opcodes - 1, -1, -1):  # noqa: B007 - how many are left when the loop ends
                if pos >= self.soft:
                    pos = self._look(pos)
                buf = self.buf
                self.op_pos = pos
                pos = table[buf[pos]](self, buf, pos + 1)
        finally:
            self.budget.opcodes = left
        raise Broken("opcode_bomb")

    def _look(self, pos: int) -> int:
        """The slow path: refill, close frames, check the bounds. Returns the position in the new buffer."""
        if self.frame_end >= 0 and self.base + pos >= self.frame_end:
            if self.base + pos > self.frame_end:
                self.op_pos = pos
                self.tell("opcode_straddles_frame")
            self.frame_end = -1
        if len(self.buf) - pos < LOOKAHEAD and not self.at_end:
            pos = self._refill(pos, CHUNK)
            self._check_bounds()
        left = len(self.buf) - pos
        if left <= 0:
            self.op_pos = pos
            raise Broken("pickle_truncated")
        if left < LOOKAHEAD and left <= ARGUMENT_BYTES[self.buf[pos]]:
            self.op_pos = pos
            raise Broken("pickle_truncated")
        soft = len(self.buf) - LOOKAHEAD
        if self.frame_end >= 0:
            soft = min(soft, self.frame_end - self.base)
        self.soft = soft
        return pos

    def _refill(self, pos: int, count: int) -> int:
        more = self.source.read(count)
        if len(more) < count:
            self.at_end = True
        self.buf = self.buf[pos:] + more
        self.base += pos
        return 0

    def _extend(self, pos: int, count: int) -> int:
        """Read on while the opcode at hand stays in the buffer. Returns the new place of `pos`."""
        pos -= self.op_pos
        self._refill(self.op_pos, count)
        self.op_pos = 0
        self.soft = -1
        return pos

    def _check_bounds(self) -> None:
        if self.buried + len(self.stack) + len(self.memo) > MAX_VALUES:
            raise Broken("stack_bomb")
        if time.monotonic() > self.budget.deadline:
            raise Broken("too_slow")

    def _leave_frame(self, pos: int) -> None:
        if self.frame_end >= 0 and self.base + pos < self.frame_end:
            self.tell("stop_inside_frame")

    # -- reading arguments --------------------------------------------------------------------------------------

    def line(self, buf: bytes, pos: int) -> tuple[bytes, int]:
        """A text argument up to its line feed, and the position behind it.

        Where the stream ends before, CPython's C reader stops, but pickle.py takes the rest less one byte: so do we.
        """
        end = buf.find(b"\n", pos)
        while end < 0:
            if len(self.buf) - pos > MAX_LINE:
                raise Broken("line_too_long")
            if self.at_end:
                return buf[pos:-1] if pos < len(buf) else b"", len(buf)
            pos = self._extend(pos, CHUNK)
            buf = self.buf
            end = buf.find(b"\n", pos)
        return buf[pos:end], end + 1

    def take(self, buf: bytes, pos: int, count: int) -> tuple[bytes, int]:
        """`count` bytes of argument (some kilobytes at most), and the position behind them."""
        end = pos + count
        if end > len(buf):
            if not self.at_end:
                pos = self._extend(pos, max(CHUNK, count))
                buf = self.buf
                end = pos + count
            if end > len(buf):
                raise Broken("length_past_end", length=count)
        return buf[pos:end], end

    def skip(self, buf: bytes, pos: int, count: int) -> int:
        """Pass over an argument that need not be held."""
        end = pos + count
        if end <= len(buf):
            return end
        target = self.base + end
        if self.at_end or not self.source.skip(end - len(buf)):
            raise Broken("length_past_end", length=count)
        self.op_pos -= end
        self.base = target
        self.buf = b""
        self.soft = -1
        return 0

    # -- stack and memo -----------------------------------------------------------------------------------------

    def pop_mark(self) -> list[Value]:
        """The values above the top mark; the mark goes too."""
        if not self.below:
            raise Broken("no_mark")
        items = self.stack
        self.stack = self.below.pop()
        self.buried -= len(self.stack)
        return items

    def remember(self, index: int, value: Value) -> None:
        memo = self.memo
        size = len(memo)
        if index < size:
            memo[index] = value
        elif index == size and index not in self.sparse:
            memo.append(value)
        else:
            if index > MAX_MEMO_INDEX:
                self.tell("memo_index_absurd", index=index)  # the C reader would run out of memory, pickle.py goes on
            self.sparse[index] = value
            if len(self.sparse) > MAX_SPARSE_MEMO:
                raise Broken("memo_bomb")

    def recall(self, index: int) -> Value:
        if index < len(self.memo):
            return self.memo[index]
        if index not in self.sparse:
            raise Broken("memo_missing", index=index)
        return self.sparse[index]

    def new_items(self, kind: str) -> Items:
        return Items(kind, [] if self.collect else None)

    # -- telling ------------------------------------------------------------------------------------------------

    def tell(self, code: str, about: Value | None = None, /, **params: object) -> None:
        """Report a fact about the opcode at hand."""
        times = self.told[code] = self.told.get(code, 0) + 1
        if times > MAX_SAME_FACT:
            return
        shown = "" if about is None else preview(about)
        self.listener(fact(code, params, offset=self.base + self.op_pos, opcode=self.opcode, preview=shown))

    @property
    def opcode(self) -> str:
        return NAMES[self.buf[self.op_pos]] if 0 <= self.op_pos < len(self.buf) else ""

    def tell_use(self, use: str, name: Global, arguments: tuple[str, ...] = (), about: Value | None = None) -> None:
        """Report what is done with an import; each distinct use once a source."""
        key = (use, name.module, name.name, *arguments)
        if key in self.seen:
            return
        if len(self.seen) >= MAX_USES:
            raise Broken("too_many_imports")
        self.seen.add(key)
        shown = "" if about is None else preview(about)
        offset = self.base + self.op_pos
        self.listener(Evidence(use, name.module, name.name, arguments, (), "", offset, self.opcode, shown))

    def import_name(self, module: str, name: str) -> Global:
        found = self.imports.get((module, name))
        if found is None:
            found = self.imports[module, name] = Global(module, name)
            self.tell_use(ev.IMPORT, found)
        return found

    def make_result(self, callee: Value, arguments: Value | None) -> Result:
        if not self.collect:
            return Result(callee, None, 1 if not isinstance(arguments, Tuple) else arguments.weight)
        return Result(callee, arguments, 1 if not isinstance(arguments, Tuple) else arguments.weight)


HANDLERS: list[Handler] = []  # by opcode; filled by `registry.pickles.handlers`
