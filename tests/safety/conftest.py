"""Fuzzing: whatever a file holds, kpipe reads it or says what is wrong, in 2 s and 1 GB.

``KPIPE_FUZZ=20`` takes twenty times as many cases, and others each time.
"""

from __future__ import annotations

import os
import resource
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpipe.errors import KpipeError

SECONDS = 2.0
BYTES = 2**30
TIMES = int(os.environ.get("KPIPE_FUZZ", "0"))
Case = TypeVar("Case")

NASTY = [
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe9", b"\x1b[2J", b"\x1f\x8b", b"PK\x03\x04", b"\x89HDF", b"PAR1"),
    *(b'"', b'"""', b"'", b",", b",,", b";", b"\t", b"|", b"\n", b"\n\n", b"\r", b"\r\n", b" ", b"\\", b"#", b"$_$"),
    *(b"nan", b"inf", b"-inf", b"1e999", b"-1e308", b"9" * 30, b"9" * 400, b"9" * 5000, b"0x10", b"-0", b"1_000"),
    *(b"null", b"NA", b"true", b"False", b"=1+1", b"<script>alert(1)</script>", b"../../x", b"1970-01-01", b"25:61"),
    *(b"99999999-01-01", b"2024-02-30", b"{", b"}", b"[", b"]", b"[" * 3000, b'{"a":' * 3000, b": ", b"- ", b"&a *a"),
    *("\u202e\u2028\x85\ufeff".encode(), "\U0001f984".encode(), b"\xed\xa0\x80", "a\u0345".encode() * 40, b"a" * 9000),
    *(b"-DOCSTART-", b"1-2", b"1.1", b"!!python/object:os.system", b"__proto__", b"%s%n", b"{0.__class__}"),
]  # fmt: skip


class Fuzz(Protocol):
    def __call__(self, cases: int, strategy: st.SearchStrategy[Case], body: Callable[[Case], Any]) -> None: ...


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file to which one to four things have happened."""
    raw = whole
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(raw)))
        end = min(len(raw), place + draw(st.integers(0, 40)))
        how = draw(st.sampled_from(["insert", "insert", "replace", "byte", "cut", "drop", "repeat", "bytes"]))
        if how == "insert":
            raw = raw[:place] + draw(st.sampled_from(NASTY)) + raw[place:]
        elif how == "replace":
            raw = raw[:place] + draw(st.sampled_from(NASTY)) + raw[end:]
        elif how == "byte":
            raw = raw[:place] + bytes([draw(st.integers(0, 255))]) + raw[place + 1 :]
        elif how == "cut":
            raw = raw[:place]
        elif how == "drop":
            raw = raw[:place] + raw[end:]
        elif how == "repeat":
            raw = raw[:place] + raw[place:end] * draw(st.integers(2, 60)) + raw[end:]
        else:
            raw = raw[:place] + draw(st.binary(max_size=30)) + raw[end:]
    return raw


@pytest.fixture(scope="session")
def files() -> Callable[[bytes], st.SearchStrategy[bytes]]:
    """From a whole file to files of any bytes, most of them much like it."""
    return lambda whole: st.one_of(damaged(whole), damaged(whole), damaged(whole), st.binary(max_size=200))


@pytest.fixture
def bounded_memory() -> Iterator[None]:
    """Nothing can take the machine's memory, even where a case breaks the promise."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 4 * BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture
def fuzz(bounded_memory: None) -> Fuzz:
    def run(cases: int, strategy: st.SearchStrategy[Case], body: Callable[[Case], Any]) -> None:
        done = 0

        @settings(
            max_examples=cases * max(1, TIMES), deadline=None, database=None, derandomize=not TIMES,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(strategy)
        def every(case: Case) -> None:
            nonlocal done
            done += 1
            most = memory()
            began = time.process_time()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with suppress(KpipeError):
                    body(case)
            assert time.process_time() - began < SECONDS
            assert memory(forgetting=False) - most < BYTES

        every()
        assert done >= cases

    return run


def memory(forgetting: bool = True) -> int:
    """The most that this process has held, in bytes; with ``forgetting`` from now on."""
    if forgetting:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
