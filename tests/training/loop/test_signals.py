from __future__ import annotations

import contextlib
import os
import signal
import threading

import pytest

from kpipe.errors import Interrupted
from kpipe.stopping import saying_how_to_go_on
from kpipe.training.loop.signals import Signals


def test_the_first_is_noted_and_the_second_does_what_it_did():
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.received == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_handlers_from_before_are_put_back():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGTERM)
            assert (signals.received, heard) == (signal.SIGTERM, [])
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_outside_the_main_thread_nothing_is_touched():
    inside = []

    def work():
        with Signals():
            inside.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert inside == [signal.default_int_handler]


def test_what_interrupted_nothing_is_noted_when_training_begins() -> None:
    """As in a destructor, where Python passes over what is raised."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    for number in (signal.SIGINT, signal.SIGTERM):
        with saying_how_to_go_on("run a-b-1", "go on"):
            with Signals() as signals:
                assert signals.received is None
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(number)
            with Signals() as signals:
                assert signals.received == number
        with (
            pytest.raises(Interrupted, match="stopped run a-b-1") as raised,
            saying_how_to_go_on("run a-b-1", "go on"),
        ):
            signal.raise_signal(number)
        assert raised.value.exit_code == 128 + number
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
