from __future__ import annotations

import os
import signal
import threading

import pytest

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
