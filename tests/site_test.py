"""docs/ as a site: complete, every link leads somewhere, and all code looks like code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Dict, Iterator, List
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from support.site import SitePage, build_site, fences, read_page

# Made from the help texts.
REFERENCE = "reference"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("site")
    run = build_site(Path(), folder / "site", folder)
    assert run.returncode == 0, run.stderr
    yield folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> Dict[str, SitePage]:
    """By their paths below the site."""
    return {
        path.relative_to(site).as_posix(): read_page(path)
        for path in sorted(site.rglob("*.html"))
        if path.name != "404.html"
    }


def sources() -> Iterator[Path]:
    for page in sorted(Path("docs").glob("*.md")):
        if page.stem != REFERENCE:
            yield page


def built(page: Path) -> str:
    return "index.html" if page.stem == "index" else f"{page.stem}/index.html"


def test_each_page_is_there(site: Path, pages: Dict[str, SitePage]) -> None:
    for page in sources():
        assert built(page) in pages, page
    assert not list(site.rglob("BUILD")) and not list(site.rglob("*.py"))


def test_the_reference_is_a_page_for_each_target_goal_and_section(
    pages: Dict[str, SitePage]
) -> None:
    text = Path("docs/reference.md").read_text(encoding="utf-8")
    headings = re.findall(r"^(###|####) (.+)$", text, re.MULTILINE)
    made = {path: page for path, page in pages.items() if path.startswith(f"{REFERENCE}/")}
    # The overview is one page more.
    assert len(made) == sum(level == "###" for level, _ in headings) + 1 > 10
    # One place for each field and option.
    assert sum("config" in page.ids for page in made.values()) == 1
    words = " ".join(page.text for page in made.values())
    for _, heading in headings:
        assert re.sub(r"[`:]", "", heading).split()[-1].rpartition(".")[2] in words, heading


def test_links_lead_somewhere(site: Path, pages: Dict[str, SitePage]) -> None:
    count = 0
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            address, anchor = urldefrag(link)
            if urlsplit(address).scheme:
                continue
            place = site / path
            target = (place.parent / unquote(address)).resolve() if address else place.resolve()
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file() and site.resolve() in target.parents, f"{path}: {link}"
            name = target.relative_to(site.resolve()).as_posix()
            if anchor and name in pages:
                assert unquote(anchor) in pages[name].ids, f"{path}: {link}"
                count += 1
    assert count > 100


def test_nothing_is_loaded_from_elsewhere(pages: Dict[str, SitePage]) -> None:
    for path, page in pages.items():
        assert not [link for link in page.loaded if urlsplit(link).netloc], path


def test_no_page_shows_a_fence(pages: Dict[str, SitePage]) -> None:
    assert {path: page.literal_fences for path, page in pages.items() if page.literal_fences} == {}


def test_no_page_shows_the_marker_of_a_list(pages: Dict[str, SitePage]) -> None:
    found = {path: page.literal_markers for path, page in pages.items() if page.literal_markers}
    assert found == {}


def test_each_fence_is_a_block_of_code(pages: Dict[str, SitePage]) -> None:
    count = 0
    for page in sources():
        found = fences(page.read_text(encoding="utf-8"))
        assert all(fence.is_closed for fence in found), page
        assert pages[built(page)].missing(found) == [], page
        count += len(found)
    assert count > 100


def test_each_fence_of_the_reference_is_a_block_of_code(pages: Dict[str, SitePage]) -> None:
    whole = SitePage("")
    for path, page in pages.items():
        if path.startswith(f"{REFERENCE}/"):
            whole.code += page.code
    found = fences(Path("docs/reference.md").read_text(encoding="utf-8"))
    assert len(found) > 50
    assert whole.missing(found) == []


# A page, and how many blocks of code it has.
KINDS = {
    "words after the language": ("```sh fails\npants lint\n```\n", 1),
    "no language": ("```\nplain\n```\n", 1),
    "tildes": ("~~~text\nplain\n~~~\n", 1),
    "fence inside a longer fence": ("````text\n```sh\nls\n```\n````\n", 1),
    "in a list": ("* item\n\n    ```sh background\n    ls\n    ```\n", 1),
    "in a list, indented by two": ("* item\n\n  ```sh fails\n  ls\n  ```\n", 1),
    "in a quote": ("> ```sh fails\n> ls\n> ```\n", 1),
    "directly after a paragraph": ("text\n```sh fails\nls\n```\nmore\n", 1),
    "with the path of its file": ("```toml\n# a/pants.toml\n[GLOBAL]\n```\n", 1),
    "a file without content": ("```python\n# a/__init__.py\n```\n", 1),
}


def with_page(folder: Path, text: str) -> "subprocess.CompletedProcess[str]":
    """Builds the site with one page in place of all others."""
    (folder / "docs").mkdir(parents=True)
    (folder / "pants-plugins").mkdir()
    shutil.copytree("docs/site", folder / "docs/site")
    shutil.copy("docs/reference.md", folder / "docs")
    shutil.copy("pants-plugins/pyproject.toml", folder / "pants-plugins")
    settings = Path("mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[0]
    (folder / "mkdocs.yml").write_text(f"{settings}\nnav: [index.md, reference.md]\n")
    (folder / "docs/index.md").write_text(text)
    return build_site(folder, folder / "site", folder)


def test_fences_of_each_kind_become_code(tmp_path: Path) -> None:
    parts = [f"## {name}\n\n{text}" for name, (text, _) in KINDS.items()]
    run = with_page(tmp_path, "# Kinds\n\n" + "\n".join(parts))
    assert run.returncode == 0, run.stderr
    page = read_page(tmp_path / "site/index.html")
    assert page.literal_fences == []
    assert len(page.code) == sum(count for _, count in KINDS.values())
    assert [name.strip() for name in page.filenames] == ["a/pants.toml", "a/__init__.py"]
    assert "fails" not in page.text and "background" not in page.text


@pytest.mark.parametrize("text", ["```sh\nls\n", "* item\n\n    ```sh\n    ls\n\nmore\n"])
def test_a_fence_that_is_not_closed_is_an_error(text: str, tmp_path: Path) -> None:
    run = with_page(tmp_path, f"# Page\n\n{text}")
    assert run.returncode != 0
    assert "index.md:" in run.stderr and "no closing fence" in run.stderr


@pytest.mark.parametrize(
    "html", ["<p><code>sh fails</code> ```</p>", "<p>```sh<br>ls</p>", "<td>~~~ text</td>"]
)
def test_the_check_sees_fences_in_text(html: str) -> None:
    assert SitePage(f"{html}<pre>```</pre>").literal_fences


def test_the_check_sees_a_fence_that_became_inline_code() -> None:
    """Three backticks also begin and end inline code."""
    page = SitePage("<p><code>sh fails pants lint</code></p><pre>other</pre>")
    assert page.literal_fences == []
    assert page.missing(fences("```sh fails\npants lint\n```")) != []
    assert page.missing(fences("```\nother\n```\n```\nother\n```")) != []


def test_blocks_name_their_files(pages: Dict[str, SitePage]) -> None:
    names = [name.strip() for name in pages["tutorial/index.html"].filenames]
    assert {"pants.toml", ".gitignore", "trusses/greeter/BUILD"} <= set(names)
    assert sum(len(page.filenames) for page in pages.values()) > 40


def test_pages_follow_each_other(pages: Dict[str, SitePage]) -> None:
    last = [path for path, page in pages.items() if not page.next_page]
    assert len(last) == 1


def test_each_page_has_the_version_and_a_link_to_edit_it(pages: Dict[str, SitePage]) -> None:
    project = Path("pants-plugins/pyproject.toml").read_text(encoding="utf-8")
    version = re.findall(r'^version = "(.+)"$', project, re.MULTILINE)[0]
    for path, page in pages.items():
        assert f"pants-truss {version}" in page.text, path
        if not path.startswith(f"{REFERENCE}/"):
            (link,) = page.edit_links
            assert Path("docs", link.partition("/docs/")[2]).is_file(), link
        else:
            assert page.edit_links == [], path


@pytest.mark.parametrize("words", ["install", "modulenotfounderror", "hot reload", "pants tailor"])
def test_the_index_of_the_search_has(words: str, site: Path) -> None:
    index = json.loads((site / "search/search_index.json").read_text(encoding="utf-8"))
    found: List[str] = [
        document["location"]
        for document in index["docs"]
        if words in f"{document['title']} {document['text']}".lower()
    ]
    assert found
