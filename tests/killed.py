"""A stand-in for SIGKILL in tests that interrupt a job inside its own process."""


class Killed(BaseException):
    """Raised where the job dies: no handler of the job catches it."""
