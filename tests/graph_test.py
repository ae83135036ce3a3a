"""The config drives the graph: Pants' own goals see what `external_package_dirs` says."""

from __future__ import annotations

import json

from support.monorepo import Monorepo


def test_goals_see_the_config(repo: Monorepo) -> None:
    repo.package("shared/text", {"textkit/__init__.py": ""})
    repo.package("shared/extra", {"extra/__init__.py": ""})
    repo.truss("trusses/a", "external_package_dirs: [../../shared/text]\n")
    repo.write("trusses/a/BUILD", 'truss(dependencies=["shared/extra"])\n')
    repo.truss("trusses/b")
    dependencies = repo.pants("dependencies", "trusses/a").assert_success().stdout.split()
    assert dependencies == ["shared/extra:extra", "shared/text:text"]
    assert repo.pants("dependents", "shared/text").assert_success().stdout.split() == [
        "trusses/a:a"
    ]
    (peeked,) = json.loads(repo.pants("peek", "trusses/a").assert_success().stdout)
    assert peeked["dependencies"] == ["shared/extra:extra", "shared/text:text"]
    assert peeked["config"] == "config.yaml"
    repo.pants("package", "trusses::").assert_success()
    assert repo.dist("trusses.a/a/packages/extra/__init__.py").exists()
    assert not repo.dist("trusses.b/b/packages").exists()
