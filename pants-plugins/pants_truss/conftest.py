from hypothesis import HealthCheck, settings

# The same examples each time: a run of CI must not fail for what another commit has found.
# A busy machine takes long to make examples: that says nothing of the tests.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")

# `.ci/run nightly` looks for new ones. What fails prints a line that brings its example back.
settings.register_profile(
    "nightly",
    max_examples=1_000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)

# For `-- -k any_bytes --hypothesis-profile=fuzz`, which takes a quarter of an hour.
settings.register_profile("fuzz", max_examples=100_000, deadline=None)
