from html.parser import HTMLParser

import numpy as np
import pytest

from jaxsyn.evaluation.evaluator import Evaluation
from jaxsyn.evaluation.gallery import Gallery
from jaxsyn.evaluation.report import write_report
from jaxsyn.evaluation.score import Score
from tests.evaluation.tiny import tiny_config


class Page(HTMLParser):
    """The text of a page, and where its tags point."""

    def __init__(self, html: str):
        super().__init__()
        self.text, self.images, self.links, self.open = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "img":
            self.images.append(attrs["src"])
        self.links += [attrs[key] for key in ("href", "src") if key in attrs and tag != "img"]
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.text.append(data.strip())


@pytest.fixture(scope="module")
def gallery():
    """Two records: a copy of the truth, and its opposite."""
    gallery = Gallery(size=2)
    real = np.full((2, 32, 32, 3), 200, np.uint8)
    fake = np.stack([real[0], 255 - real[1]])
    gallery.add(np.zeros((2, 32, 32), np.int32), real, (fake,), np.array([True, True]))
    return gallery


@pytest.fixture
def write(gallery, tmp_path):
    def write(scores):
        path = tmp_path / "report.html"
        write_report(path, tmp_path, tiny_config(), 7, Evaluation(scores, {"images": 2}), gallery)
        page = Page(path.read_text())
        assert page.open == []
        return page

    return write


def test_the_page_needs_no_other_file(write):
    page = write({"l1": Score(0.25)})
    assert page.links == []
    assert len(page.images) == 3 * 2 * 3
    assert all(source.startswith("data:image/") for source in page.images)


def test_every_score_stands_with_its_note_and_protocol(write):
    text = write({"l1": Score(0.25, "two images", {"window": 11}), "fid": Score(None, "no weights")}).text
    assert text[text.index("l1") + 1] == "0.25"
    assert text[text.index("fid") + 1] == "-"
    assert any(line.endswith("no weights") for line in text)
    assert any(line.endswith("two images") for line in text)
    assert text[text.index("images") + 1] == "2"
    assert text[text.index("l1", text.index("Protocol")) + 1] == "window: 11"


def test_the_nearest_image_is_the_copy_and_the_farthest_its_opposite(write):
    text = write({"l1": Score(0.25)}).text
    nearest = text[text.index("Nearest to the true image, by L1") :]
    captions = [line for line in nearest if line.startswith("scenes_val")]
    assert captions[0] == "scenes_val_000000_day, L1 0.000"
    assert captions[2] == "scenes_val_000001_day, L1 1.137"


def test_curves_stand_by_phase_and_term_where_there_is_a_log(write, tmp_path):
    assert "Training" not in write({"l1": Score(0.25)}).text
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "generator/kl": 2.0}\n{"step": 2, "generator/kl": 1.0}\n')
    page = write({"l1": Score(0.25)})
    assert page.text[page.text.index("Training") :][:3] == ["Training", "generator", "kl"]
    assert page.images[-1].startswith("data:image/svg+xml;base64,")


def test_text_from_outside_is_escaped(write):
    assert "<b>&" in write({"mine": Score(None, "<b>&")}).text


def test_every_sample_of_an_input_is_shown(tmp_path):
    gallery = Gallery("LPIPS", size=1)
    image = np.zeros((1, 32, 32, 3), np.uint8)
    gallery.add(np.zeros((1, 32, 32), np.int32), image, (image, image + 9, image + 99), np.array([True]))
    write_report(tmp_path / "r.html", tmp_path, tiny_config(), 7, Evaluation({}, {}), gallery)
    page = Page((tmp_path / "r.html").read_text())
    shown = page.text[page.text.index("First images") + 1 :][:6]
    assert shown[:5] == ["label map", "sample 0", "sample 1", "sample 2", "true"]
    assert shown[5].endswith("LPIPS 0.000")
    assert "Farthest from the true image, by LPIPS" in page.text


def test_a_missing_file_stands_beside_the_metric_that_lacks_it(write):
    text = write({"fid": Score(None, "skipped", missing=("get x.pth",))}).text
    assert any(line.endswith("skipped; get x.pth") for line in text)


def test_each_level_of_the_patch_distance_has_a_meaning(write):
    assert "sliced Wasserstein distance of patches at the level of 16x16" in write({"swd_16x16": Score(1.0)}).text
