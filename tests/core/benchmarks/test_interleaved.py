import threading
import time

import pytest

from tmnet_core.benchmarks.interleaved import Timings, time_interleaved


def test_cases_take_turns_and_the_warm_up_does_not_count() -> None:
    ran: list[str] = []
    timings = time_interleaved({"a": lambda: ran.append("a"), "b": lambda: ran.append("b")}, rounds=4, warmup=2)
    assert len(timings.seconds["a"]) == len(timings.seconds["b"]) == 4
    assert "".join(ran) == "baab" * 3 or "".join(ran) == "abba" * 3


def test_what_a_case_needs_is_made_before_each_and_not_timed() -> None:
    ran: list[str] = []

    def wait() -> None:
        ran.append("before")
        time.sleep(0.02)

    timings = time_interleaved({"a": lambda: ran.append("a")}, rounds=3, warmup=0, before=wait)
    assert ran == ["before", "a"] * 3
    assert timings.median("a") < 0.01


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    # The machine halves its speed in the last round: medians of each alone would not see that b is twice a.
    timings = Timings({"a": (1.0, 1.0, 9.0), "b": (2.0, 2.0, 18.0)})
    assert timings.ratio("b", "a") == pytest.approx(2.0)
    assert timings.ratio_spread("b", "a") == pytest.approx((2.0, 2.0))
    assert timings.median("a") == 1.0


def test_processor_time_leaves_out_what_is_waited_for() -> None:
    timings = time_interleaved({"wait": lambda: time.sleep(0.02)}, rounds=3, warmup=0, clock="processor")
    assert timings.median("wait") < 0.01


def test_processor_time_counts_what_other_threads_compute_for_a_case() -> None:
    def compute() -> None:
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass

    def hand_over() -> None:
        thread = threading.Thread(target=compute)
        thread.start()
        thread.join()

    timings = time_interleaved({"handed over": hand_over}, rounds=3, warmup=0, clock="processor")
    assert timings.median("handed over") >= 0.02
