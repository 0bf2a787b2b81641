from serving.reader.breaker import CircuitBreaker


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> CircuitBreaker:
    breaker = CircuitBreaker(failures=5, open_s=60.0, clock=clock)
    for _ in range(5):
        assert breaker.allows()
        breaker.failed()
    return breaker


def test_opens_after_five_failures_in_a_row() -> None:
    breaker = CircuitBreaker(failures=5, open_s=60.0, clock=Clock())
    for _ in range(4):
        breaker.failed()
    breaker.succeeded()
    for _ in range(4):
        breaker.failed()
    assert breaker.allows()
    breaker.failed()
    assert breaker.state == "open"
    assert not breaker.allows()


def test_stays_open_for_sixty_seconds() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 59.9
    assert not breaker.allows()
    clock.now = 60.0
    assert breaker.allows()


def test_half_open_lets_exactly_one_probe_through() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 60.0
    assert [breaker.allows() for _ in range(5)] == [True, False, False, False, False]
    breaker.succeeded()
    assert breaker.state == "closed"
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_a_failed_probe_opens_for_another_full_term() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 60.0
    assert breaker.allows()
    breaker.failed()
    clock.now = 119.9
    assert not breaker.allows()
    clock.now = 120.0
    assert breaker.allows()


def test_a_cancelled_probe_hands_its_turn_on() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 60.0
    assert breaker.allows()
    breaker.abandoned()
    assert breaker.state == "half_open"
    assert [breaker.allows(), breaker.allows()] == [True, False]


def test_a_late_success_does_not_close_an_open_breaker() -> None:
    breaker = opened(Clock())
    breaker.succeeded()
    assert breaker.state == "open"


def test_failures_count_anew_after_recovery() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 60.0
    assert breaker.allows()
    breaker.succeeded()
    for _ in range(4):
        breaker.failed()
    assert breaker.state == "closed"
