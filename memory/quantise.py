"""Vectors as small integers.

A dot product of integers is the same whatever order it is summed in, so a score does not depend on which
other rows happened to be scored beside it (a float matrix product's last bits do). That is what makes `as_of`
exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_QUERY_SCALE = float(1 << 12)
"""No sum of products reaches 2^24 up to 1024 dimensions (127 * 2^12 * sqrt(d)), so float32 holds each exactly."""
WHOLE = 512.0
"""No sum of squares of the sum of five unit vectors reaches 2^24: (5 * 512)^2."""
_ROWS = 256
_CACHED = 32_768
"""Codes that are compared at a time, so that what lies between stays in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantised:
    """values: (n, d) int8; scale: (n,) float64. Row i stands for values[i] * scale[i]."""

    values: NDArray[np.int8]
    scale: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def dot(self, query: NDArray[np.float32], rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Dot products with a query made by `query_of`; every partial sum is exact, in whatever order."""
        scale = self.scale if rows is None else self.scale[rows]
        out = np.empty(len(scale))
        for start in range(0, len(scale), _ROWS):
            part = slice(start, start + _ROWS)
            values = self.values[part] if rows is None else self.values[rows[part]]
            # Not BLAS: waking its threads takes longer than the sums.
            out[part] = np.einsum("ij,j->i", values.astype(np.float32), query)
        return out * scale / _QUERY_SCALE

    def whole(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """(len(rows), d): WHOLE times the vectors, as whole numbers, so that sums and squares of a few are exact."""
        scale = (self.scale[rows] * WHOLE).astype(np.float32)
        return np.asarray(np.rint(self.values[rows] * scale[:, None]), dtype=np.float32)


def quantise(vectors: NDArray[np.float32]) -> Quantised:
    """(n, d) -> int8 with one scale per row; the error of a cosine is about .0005."""
    peak = np.abs(vectors).max(axis=1, initial=0.0).astype(np.float64)
    scale = np.where(peak > 0, peak / 127.0, 1.0)
    values = np.rint(vectors / scale[:, None].astype(np.float32))
    return Quantised(np.clip(values, -127, 127).astype(np.int8), scale)


def query_of(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """A query's unit vector as whole numbers in float32."""
    return np.asarray(np.rint(vector * np.float32(_QUERY_SCALE)), dtype=np.float32)


def sign_codes(vectors: NDArray[np.int8]) -> NDArray[np.uint64]:
    """(n, d) -> (words, n) uint64: one bit a dimension, set where positive (Charikar, 2002)."""
    bits = np.packbits(vectors > 0, axis=1)
    padded = np.zeros((len(vectors), -(-bits.shape[1] // 8) * 8), np.uint8)
    padded[:, : bits.shape[1]] = bits
    return np.ascontiguousarray(padded.view(np.uint64).T)


def hamming(codes: NDArray[np.uint64], code: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """Bits in which each of (words, n) codes differs from one (words, 1) code."""
    total = np.zeros(codes.shape[1], np.uint16)
    for start in range(0, len(total), _CACHED):
        part = slice(start, start + _CACHED)
        for word in range(codes.shape[0]):
            total[part] += np.bitwise_count(codes[word, part] ^ code[word])
    return total
