"""The site in a real browser: on a desktop and on a phone, light and dark.

`TRUSS_TEST_BROWSER=FOLDER` runs these tests, and leaves a screenshot of each page there that fails.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from support.browser import DESKTOP, PHONE, Browser, Screen, browser, driver, served
from support.site import build_site

FOLDER = os.environ.get("TRUSS_TEST_BROWSER", "")
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="TRUSS_TEST_BROWSER is not set: tests/browser/setup.sh"
)

# Elements of the page's content that begin or end outside the screen, and that no box scrolls.
CUT_OFF = """
const scrolls = (element) => {
  for (let box = element.parentElement; box; box = box.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(box).overflowX)) return true;
    if (box.classList.contains("md-content")) return false;
  }
  return false;
};
const width = document.documentElement.clientWidth;
return [...document.querySelectorAll(".md-content *")].filter((element) => {
  const box = element.getBoundingClientRect();
  return box.width > 0 && (box.right > width + 1 || box.left < -1) && !scrolls(element);
}).map((element) => `${element.tagName}: ${element.textContent.trim().slice(0, 60)}`);
"""

WIDTHS = """
const root = document.documentElement;
return [Math.max(root.scrollWidth, document.body.scrollWidth), root.clientWidth];
"""

# Pixels that a letter of a picture is high: `font` of its style, by how much the picture is scaled.
PICTURES = """
return Promise.all([...document.querySelectorAll(".md-content img[src$='.svg']")].map(
  async (image) => {
    await image.decode();
    const text = await (await fetch(image.src)).text();
    const sizes = [...text.matchAll(/font(?:-size)?: (\\d+)px/g)].map((match) => Number(match[1]));
    const across = Number(text.match(/viewBox="0 0 (\\d+) /)[1]);
    return [image.getAttribute("src"), Math.min(...sizes) * image.clientWidth / across];
  }
));
"""

# A picture that is loaded as an image has the scheme of the element that it is in.
SCHEMES = """
return [...document.querySelectorAll(".md-content img[src$='.svg']")].map(
  (image) => getComputedStyle(image).colorScheme
);
"""

# A phone hides the field until the search is open.
OPEN_SEARCH = """
const field = document.querySelector(".md-search__input");
const toggle = document.getElementById("__search");
if (!toggle.checked) toggle.click();
field.focus();
return document.activeElement === field;
"""

VIEWS = [(screen, scheme) for screen in (DESKTOP, PHONE) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuple[str, List[str]]]:
    """Its address, and the paths of its pages."""
    folder = tmp_path_factory.mktemp("site")
    run = build_site(Path(), folder / "site", folder)
    assert run.returncode == 0, run.stderr
    pages = [
        path.parent.relative_to(folder / "site").as_posix()
        for path in sorted((folder / "site").rglob("index.html"))
    ]
    with served(folder / "site") as address:
        yield address, pages


@pytest.fixture(scope="module")
def chromedriver() -> Iterator[str]:
    with driver() as address:
        yield address


def name_of(value: object) -> str:
    return value.name if isinstance(value, Screen) else str(value)


@pytest.fixture(scope="module", params=VIEWS, ids=lambda view: f"{view[0].name}-{view[1]}")
def reader(request: Any, chromedriver: str) -> Iterator[Browser]:
    screen, scheme = request.param
    with browser(chromedriver, screen, scheme) as made:
        yield made


def test_no_page_is_wider_than_the_screen(reader: Browser, site: Tuple[str, List[str]]) -> None:
    address, pages = site
    assert len(pages) > 35
    problems: Dict[str, Any] = {}
    for page in pages:
        reader.open(f"{address}/{page}/")
        width, available = reader.run(WIDTHS)
        cut_off = reader.run(CUT_OFF)
        if width > available or cut_off:
            problems[page] = (width, available, cut_off[:5])
            reader.screenshot(Path(FOLDER, f"{page.replace('/', '-')}-{available}.png"))
    assert problems == {}


def test_letters_in_pictures_are_large_enough(reader: Browser, site: Tuple[str, List[str]]) -> None:
    address, pages = site
    sizes: Dict[str, float] = {}
    for page in ("", "how-it-works", "performance"):
        reader.open(f"{address}/{page}/")
        sizes.update(reader.run(PICTURES))
    assert len(sizes) == 5
    assert {name: size for name, size in sizes.items() if size < 10} == {}


def test_nothing_comes_from_elsewhere(reader: Browser, site: Tuple[str, List[str]]) -> None:
    address, pages = site
    for page in ("", "reference/truss"):
        reader.open(f"{address}/{page}/")
        # What scripts of a page load, they load after it.
        reader.wait_for("return document.readyState == 'complete'")
        loaded = reader.run("return performance.getEntriesByType('resource').map((x) => x.name)")
        assert len(loaded) > 3
        assert [url for url in loaded if not url.startswith(address)] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_follow_the_theme(
    scheme: str, chromedriver: str, site: Tuple[str, List[str]]
) -> None:
    """Also one that the reader chooses against the system."""
    schemes = {"light": "default", "dark": "slate"}
    with browser(chromedriver, DESKTOP, scheme) as made:
        made.open(f"{site[0]}/how-it-works/")
        chosen = "return document.body.getAttribute('data-md-color-scheme')"
        assert made.run(chosen) == schemes.pop(scheme)
        assert _scheme_of_pictures(made) == scheme
        made.run(
            "[...document.querySelectorAll('label[for^=__palette_]')]"
            ".find((label) => !label.hidden).click()"
        )
        ((other, palette),) = schemes.items()
        made.wait_for(f"return document.body.getAttribute('data-md-color-scheme') == '{palette}'")
        assert _scheme_of_pictures(made) == other


def _scheme_of_pictures(reader: Browser) -> str:
    """Returns the value of `prefers-color-scheme` inside the pictures."""
    (scheme,) = set(reader.run(SCHEMES))
    return str(scheme)


@pytest.mark.parametrize(
    "words, page",
    [
        ("install", "/install/"),
        ("ModuleNotFoundError", "/troubleshooting/"),
        ("hot reload", "/serving/"),
    ],
)
@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=name_of)
def test_search_finds(
    words: str, page: str, screen: Screen, chromedriver: str, site: Tuple[str, List[str]]
) -> None:
    with browser(chromedriver, screen, "light") as made:
        made.open(f"{site[0]}/")
        made.wait_for(OPEN_SEARCH)
        made.type(".md-search__input", words)
        found = made.wait_for(
            "const links = [...document.querySelectorAll('.md-search-result__link')];"
            "return links.length && links.slice(0, 5).map((link) => link.href)"
        )
        assert any(page in link for link in found), found
