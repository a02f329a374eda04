"""Hostile files: small ones that cost whoever reads them far more than their size."""

import io
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from PIL import Image


def progressive_jpeg(scans: int, side: int = 4000) -> bytes:
    """Return a gray JPEG of `side` squared pixels whose `scans` passes each go over all of them and say nothing.

    31 bytes for each pass: libjpeg reads all of them.
    """
    file = io.BytesIO()
    Image.new("L", (side, side), 128).save(file, "JPEG", progressive=True)
    content = file.getvalue()
    end = content.rindex(b"\xff\xd9")
    last_scan = content[content.rindex(b"\xff\xda", 0, end) : end]
    return content[:end] + last_scan * scans + content[end:]


def parquet_bomb(value_bytes: int, rows: int = 16) -> bytes:
    """Return a Parquet file of some kilobytes in which one value of `value_bytes` repeats in each row."""
    value = bytes(value_bytes)
    table = pa.table({"image": pa.array([value] * rows, pa.binary()), "label": pa.array(["a", "b"] * (rows // 2))})
    file = io.BytesIO()
    parquet.write_table(table, file, compression="zstd", use_dictionary=["image"], data_page_size=1 << 30,
                        dictionary_pagesize_limit=1 << 30)  # fmt: skip
    return file.getvalue()


def picture_zip(pictures: int, side: int = 2000) -> bytes:
    """Return a zip of large PNG pictures that are nearly free to store: some 4 megapixels, 371 bytes each."""
    picture = io.BytesIO()
    Image.new("RGBA", (side, side)).save(picture, "PNG")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number in range(pictures):
            archive.writestr(f"{'ab'[number % 2]}/{number}.png", picture.getvalue())
    return file.getvalue()


def empty_objects(size_bytes: int) -> bytes:
    """Return an inference request whose data are empty JSON objects: parsed, they take some 30 times as much."""
    start, end = b'{"inputs":[{"name":"input","shape":[1,784],"datatype":"FP32","data":[', b"{}]}]}"
    return start + b"{}," * ((size_bytes - len(start) - len(end)) // 3) + end


def safetensors_with(metadata: bytes) -> bytes:
    """Return a safetensors file with this JSON as its metadata, and one tensor."""
    header = b'{"__metadata__":' + metadata + b',"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    return struct.pack("<Q", len(header)) + header + np.zeros(1, np.float32).tobytes()
