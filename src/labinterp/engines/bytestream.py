"""Files of text as a stream of plain UTF-8 bytes: unpacked, without byte order mark, line ends as newlines.

Gzip is unpacked piece by piece; a zip archive and an Excel workbook are read whole.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import zlib
from typing import TYPE_CHECKING, Final

from labinterp.errors import InputError
from labinterp.tables import encodings, packed

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

_STEP: Final = 1 << 20
_BOM: Final = codecs.BOM_UTF8


class ByteStream:
    """Reads a file in order.

    Args:
        path: the file.
        encoding: of the text; `auto` to tell it by its beginning.

    Attributes:
        damage: why the data end before their end, or None. What was read before it holds.
        position: bytes of the file that were read and not put back, packed as they are.
        size: bytes of the file.
    """

    def __init__(self, path: Path, encoding: str = encodings.AUTO) -> None:
        self.damage: str | None = None
        self.position = 0
        self._hash = hashlib.sha256()
        self._hashed = 0
        self._ahead = b""
        self._packed = b""
        self._ended = False
        self._return = False
        try:
            self._file = path.open("rb")
            self.size = path.stat().st_size
        except OSError as error:
            raise InputError(
                f"{path.name} cannot be read: {error.strerror}", hint="Check the path", file=path.name
            ) from None
        start = self._file.read(4)
        self._file.seek(0)
        self._unpack = zlib.decompressobj(wbits=31) if start[:2] == packed.GZIP else None
        self._inside = self._unzipped(path.name) if start == packed.ZIP else None
        self._as_it_is = self._unpack is None and self._inside is None
        self._decode: codecs.IncrementalDecoder | None = None
        self._encoding = encoding
        self._first = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _unzipped(self, name: str) -> bytes:
        try:
            return packed.unpacked(self._raw(self.size), name)
        except BaseException:
            self._file.close()
            raise

    def unread(self, data: bytes) -> None:
        """Put back the last bytes that were read; a file that is handed on as it is reads them again."""
        if self._as_it_is:
            back = len(data) + len(self._ahead)
            self._file.seek(-back, os.SEEK_CUR)
            self.position -= back
            self._ahead, self._ended = b"", False
        else:
            self._ahead = data + self._ahead

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer at the end."""
        parts, length = [self._ahead] if self._ahead else [], len(self._ahead)
        while length < size and not self._ended:
            parts.append(self._next(size - length))
            length += len(parts[-1])
        data = b"".join(parts)
        self._ahead = data[size:]
        return data[:size]

    def sha256(self) -> str:
        """Return the hash of the whole file; reads what is left of it."""
        while self._raw():
            pass
        return self._hash.hexdigest()

    def _raw(self, size: int = _STEP) -> bytes:
        data = self._file.read(size)
        self.position += len(data)
        if self.position > self._hashed:
            self._hash.update(memoryview(data)[self._hashed - self.position :])
            self._hashed = self.position
        return data

    def _next(self, size: int) -> bytes:
        if self._inside is not None:
            data, self._inside = self._inside, b""
        else:
            exactly = self._as_it_is and not self._first
            data = self._raw(size if exactly else max(size, _STEP)) if self._unpack is None else self._unpacked()
        if self._first and data:
            self._first = False
            codec = encodings.codec_of(data, self._encoding)
            if codec not in ("utf-8", "ascii"):
                self._decode, self._encoding = codecs.getincrementaldecoder(codec)(), codec
            data = data.removeprefix(_BOM)
        self._ended = not data
        given = self._newlines(self._decoded(data))
        self._as_it_is = self._as_it_is and self._decode is None and len(given) == len(data)
        return given

    def _unpacked(self) -> bytes:
        """Return the next unpacked bytes, a few MB at the most; none at the end or at damage."""
        while self._unpack is not None:
            packed = self._packed or self._raw()
            if not packed:
                self.damage = "the gzip data are cut short"
                break
            try:
                data = self._unpack.decompress(packed, 4 * _STEP)
            except zlib.error:
                self.damage = "the gzip data are damaged"
                break
            self._packed = self._unpack.unconsumed_tail
            if self._unpack.eof:
                self._packed = self._member()
                self._unpack = zlib.decompressobj(wbits=31) if self._packed else None
            if data:
                return data
        return b""

    def _member(self) -> bytes:
        """Return the beginning of the next gzip member; padding with NUL bytes is no member."""
        rest = self._unpack.unused_data if self._unpack is not None else b""
        while not rest.lstrip(b"\0"):
            rest = self._raw()
            if not rest:
                return b""
        return rest.lstrip(b"\0")

    def _decoded(self, data: bytes) -> bytes:
        if self._decode is None:
            return data
        try:
            return self._decode.decode(data, final=self._ended).encode("utf-8")
        except UnicodeError:
            self.damage, self._ended = f"the text is not {self._encoding.upper()} from here on", True
            return b""

    def _newlines(self, data: bytes) -> bytes:
        """Turn CR LF and CR into newlines; a CR at the end waits for what follows."""
        if self._return:
            data = b"\r" + data
        self._return = data.endswith(b"\r") and not self._ended
        if self._return:
            data = data[:-1]
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data
