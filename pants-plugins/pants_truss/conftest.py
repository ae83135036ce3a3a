from hypothesis import HealthCheck, settings

# The same examples in each run: CI must not fail because of an example that another commit found.
# Without a deadline: a busy machine takes long to generate examples.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")

# `.ci/run nightly` uses new examples. A failure prints a line that reproduces its example.
settings.register_profile(
    "nightly",
    max_examples=1_000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)

# For `-- -k any_bytes --hypothesis-profile=fuzz`, which takes a quarter of an hour.
settings.register_profile("fuzz", max_examples=100_000, deadline=None)
