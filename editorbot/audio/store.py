"""One array along time in one file: zarr v3 in a zip, written in order, whole or not at all.

DVC and Snakemake handle one file per song and side far faster than a folder of chunks, and
compare files by their digest: the same content gives the same bytes (fixed times in the zip).
The last axis is always time (samples or frames), and chunks divide it.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import zarr
from zarr.codecs import BloscCodec
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.storage import ZipStore

from editorbot.errors import EditorbotError
from editorbot.files import replacing

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold
_COMPRESSOR = BloscCodec(cname="zstd", clevel=1, shuffle="shuffle")


class ArrayWriter:
    """Appends to an array along its last axis; `attrs` may be added to until the file is closed."""

    def __init__(self, array: zarr.Array, expected: int | None, attrs: dict) -> None:
        self.attrs = dict(attrs)
        self.written = 0
        """Length of the last axis so far."""
        self._array = array
        self._expected = expected
        self._chunk = array.chunks[-1]
        self._waiting: list[np.ndarray] = []
        self._waiting_length = 0

    def append(self, block: np.ndarray) -> None:
        """Append `block`: (..., n) with the array's leading axes and any n.

        Raises:
            ValueError: The leading axes differ from the array's.
        """
        block = np.asarray(block)
        if block.shape[:-1] != self._array.shape[:-1]:
            raise ValueError(
                f"a block of shape {block.shape} does not extend an array of leading axes "
                f"{self._array.shape[:-1]} along time"
            )
        # A copy, since a caller may fill the same buffer again.
        self._waiting.append(block.astype(self._array.dtype))
        self._waiting_length += block.shape[-1]
        if self._waiting_length >= self._chunk:
            self._write(self._waiting_length // self._chunk * self._chunk)

    def finish(self) -> None:
        """Write what is left, and the attributes; `create` calls this."""
        self._write(self._waiting_length)
        if self._expected is not None and self.written != self._expected:
            raise ValueError(
                f"{self.written} were appended along time, where the shape promised "
                f"{self._expected}"
            )
        self._array.attrs.update(self.attrs)

    def _write(self, length: int) -> None:
        if not length:
            return
        waiting = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting, -1)
        start = self.written
        self.written += length
        self._array.resize((*self._array.shape[:-1], self.written))
        # One chunk at a time, for zarr writes several in any order.
        for at in range(0, length, self._chunk):
            part = waiting[..., at : min(at + self._chunk, length)]
            self._array[..., start + at : start + at + part.shape[-1]] = part
        rest = waiting[..., length:]
        self._waiting = [rest.copy()] if rest.shape[-1] else []
        self._waiting_length = rest.shape[-1]


@contextmanager
def create(
    path: Path | str,
    *,
    name: str,
    shape: tuple[int | None, ...],
    dtype: np.dtype | str | type,
    chunks: tuple[int, ...],
    attrs: dict | None = None,
) -> Iterator[ArrayWriter]:
    """Write an array as the only one of a new file; yields the writer to append blocks to.

    Args:
        path: The file, by custom `*.zarr.zip`; it appears when the block ends without error.
        name: Of the array inside: "audio", "mel", "stems".
        shape: The last entry, time, may be None where the length shows only at the end;
            otherwise exactly so much must be appended.
        dtype: What is stored; blocks are cast to it.
        chunks: One chunk's shape; all of a leading axis is best, for blocks come along time.
        attrs: JSON values kept with the array; `writer.attrs` takes more.

    Raises:
        EditorbotError: The file cannot be written.
    """
    # A short array is one small chunk: zarr pads each chunk to its full shape.
    if shape[-1] is not None:
        chunks = (*chunks[:-1], max(1, min(chunks[-1], shape[-1])))
    with replacing(path) as temporary:
        store = _OrderedZip(temporary)
        store._sync_open()  # here, for a store that failed to open cannot be closed
        try:
            array = zarr.create_array(
                store,
                name=name,
                shape=(*shape[:-1], 0),
                dtype=dtype,
                chunks=chunks,
                compressors=_COMPRESSOR,
                fill_value=0,
                zarr_format=3,
            )
            writer = ArrayWriter(array, shape[-1], attrs or {})
            yield writer
            writer.finish()
            store.write_metadata()
        finally:
            store.close()


def write_array(
    path: Path | str,
    array: np.ndarray,
    *,
    name: str,
    chunks: tuple[int, ...],
    attrs: dict | None = None,
) -> None:
    """Write an array that is in memory; arguments as in `create`."""
    settings = {"name": name, "shape": array.shape, "dtype": array.dtype, "chunks": chunks}
    with create(path, **settings, attrs=attrs) as writer:
        writer.append(array)


def open_array(path: Path | str, name: str) -> zarr.Array:
    """Open an array for reading: slices are read from the file, `attrs` hold its attributes.

    Open it anew in each worker process: forked copies would share one position in the file.

    Raises:
        EditorbotError: The file is missing, is no such file, or holds no array of that name.
    """
    try:
        return zarr.open_array(ZipStore(Path(path), mode="r"), path=name, mode="r")
    except FileNotFoundError as error:
        problem = f"holds no array {name!r}" if Path(path).exists() else "does not exist"
        raise EditorbotError(f"{path} {problem}: run the step that makes it again") from error
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise EditorbotError(
            f"{path} is not a zarr array in a zip file: delete it and run the step that makes it"
        ) from error


def read_array(path: Path | str, name: str) -> np.ndarray:
    """Read a whole array; errors as in `open_array`."""
    return open_array(path, name)[...]


def array_blocks(
    array: zarr.Array, *, start: int = 0, stop: int | None = None, at: tuple[int, ...] = ()
) -> Iterator[np.ndarray]:
    """Yield [start, stop) of the last axis in order, one chunk at most at a time.

    `at` are indices of the leading axes; without it all of them are yielded.
    """
    length, chunk = array.shape[-1], array.chunks[-1]
    stop = length if stop is None else min(stop, length)
    while start < stop:
        end = min(stop, (start // chunk + 1) * chunk)
        yield array[(*at, ..., slice(start, end))]
        start = end


class _OrderedZip(ZipStore):
    """A zip that is written once, front to back.

    A zip cannot replace an entry, and growing an array rewrites its metadata: metadata waits in
    memory until the length is known. Times are fixed, so that equal content gives equal bytes.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, mode="w")
        self._metadata: dict[str, Buffer] = {}

    def write_metadata(self) -> None:
        for key in sorted(self._metadata):
            self._append(key, self._metadata[key])

    def _append(self, key: str, value: Buffer) -> None:
        entry = zipfile.ZipInfo(key, date_time=_ZIP_TIME)
        entry.external_attr = 0o644 << 16
        self._zf.writestr(entry, value.to_bytes())

    def _set(self, key: str, value: Buffer) -> None:
        if key.endswith("zarr.json"):
            self._metadata[key] = value
        else:
            self._append(key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        if key not in self._metadata:
            await self.set(key, value)

    async def get(self, key, prototype=None, byte_range=None) -> Buffer | None:
        if key in self._metadata:
            return self._metadata[key]
        prototype: BufferPrototype = prototype or default_buffer_prototype()
        return await super().get(key, prototype, byte_range)

    async def exists(self, key: str) -> bool:
        return key in self._metadata or await super().exists(key)
