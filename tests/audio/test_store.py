"""Arrays along time in one file: what is appended is what is read, byte for byte reproducible."""

import os
import zipfile

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from editorbot.audio import store
from editorbot.errors import EditorbotError


@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lengths=st.lists(st.integers(0, 50), max_size=8),
    leading=st.sampled_from([(), (2,), (4, 2)]),
    chunk=st.integers(1, 60),
    known=st.booleans(),
    dtype=st.sampled_from(["f4", "f2", "i8"]),
)
def test_what_is_appended_is_read(tmp_path, lengths, leading, chunk, known, dtype):
    total = sum(lengths)
    expected = (np.random.default_rng(total).standard_normal((*leading, total)) * 50).astype(dtype)
    path = tmp_path / "x.zarr.zip"
    shape = (*leading, total if known else None)
    chunks = (*leading, chunk)
    with store.create(path, name="a", shape=shape, dtype=dtype, chunks=chunks) as writer:
        for block in np.split(expected, np.cumsum(lengths)[:-1], axis=-1) if lengths else []:
            buffer = block.copy()
            writer.append(buffer)
            buffer[...] = 1  # the writer must have its own copy
    array = store.open_array(path, "a")
    assert array.shape == expected.shape and array.dtype == expected.dtype
    np.testing.assert_array_equal(store.read_array(path, "a"), expected)
    start, stop = total // 3, total - total // 4
    blocks = [expected[..., :0], *store.array_blocks(array, start=start, stop=stop)]
    np.testing.assert_array_equal(np.concatenate(blocks, -1), expected[..., start:stop])
    assert all(block.shape[-1] <= array.chunks[-1] for block in blocks)


def write_example(path, **attrs):
    array = np.arange(3000, dtype=np.float32).reshape(3, 1000)
    store.write_array(path, array, name="audio", chunks=(3, 300), attrs=attrs)
    return array


def test_attributes_come_from_the_start_and_the_end(tmp_path):
    options = {"name": "a", "shape": (None,), "dtype": "f4", "chunks": (10,)}
    with store.create(tmp_path / "x.zip", **options, attrs={"rate": 8000}) as writer:
        writer.append(np.ones(25))
        writer.attrs["samples"] = writer.written + 5
    assert store.open_array(tmp_path / "x.zip", "a").attrs.asdict() == {"rate": 8000, "samples": 25}


def test_any_zarr_reader_opens_it(tmp_path):
    expected = write_example(tmp_path / "x.zarr.zip", rate=8000)
    group = zarr.open_group(zarr.storage.ZipStore(tmp_path / "x.zarr.zip", mode="r"), mode="r")
    array = group["audio"]
    assert array.metadata.zarr_format == 3 and array.attrs["rate"] == 8000
    (codec,) = array.compressors
    assert (codec.cname.value, codec.clevel, codec.shuffle.value) == ("zstd", 1, "shuffle")
    np.testing.assert_array_equal(array[:, 250:650], expected[:, 250:650])
    names = zipfile.ZipFile(tmp_path / "x.zarr.zip").namelist()
    assert len(names) == len(set(names))  # no entry written twice


def test_the_same_content_gives_the_same_bytes(tmp_path, monkeypatch):
    array = np.arange(300.0).reshape(3, 100)

    def stored(name: str, **attrs) -> bytes:
        store.write_array(tmp_path / name, array, name="a", chunks=(3, 2), attrs=attrs)
        return (tmp_path / name).read_bytes()

    first = stored("a.zarr.zip", rate=8000)
    # zarr writes chunks in parallel: in order, nevertheless.
    names = zipfile.ZipFile(tmp_path / "a.zarr.zip").namelist()
    assert names[:-2] == [f"a/c/0/{chunk}" for chunk in range(50)]
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert stored("b.zarr.zip", rate=8000) == first
    assert stored("c.zarr.zip", rate=8001) != first


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.zarr.zip"
    write_example(path)
    before = path.read_bytes()
    options = {"name": "a", "shape": (2, 100), "dtype": "f4", "chunks": (2, 10)}
    with pytest.raises(KeyError), store.create(path, **options) as writer:
        writer.append(np.ones((2, 50)))
        raise KeyError
    with (
        pytest.raises(ValueError, match="50 were appended"),
        store.create(path, **options) as writer,
    ):
        writer.append(np.ones((2, 50)))
    with pytest.raises(ValueError, match="leading axes"), store.create(path, **options) as writer:
        writer.append(np.ones((3, 50)))
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["x.zarr.zip"]


def test_what_cannot_be_opened(tmp_path):
    write_example(tmp_path / "x.zarr.zip")
    (tmp_path / "text.zarr.zip").write_text("hello")
    with pytest.raises(EditorbotError, match=r"none\.zarr\.zip does not exist"):
        store.open_array(tmp_path / "none.zarr.zip", "audio")
    with pytest.raises(EditorbotError, match=r"x\.zarr\.zip holds no array 'mel'"):
        store.open_array(tmp_path / "x.zarr.zip", "mel")
    with pytest.raises(EditorbotError, match=r"text\.zarr\.zip is not a zarr array"):
        store.open_array(tmp_path / "text.zarr.zip", "audio")
    with pytest.raises(EditorbotError, match="could not be written"):
        write_example("/proc/x.zarr.zip")
