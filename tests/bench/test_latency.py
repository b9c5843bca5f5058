import re
from xml.etree import ElementTree

import numpy as np
import pytest
from latency import main, picture
from support.shoppers import sessions_file


def test_the_picture_names_each_file_and_its_percentiles() -> None:
    text = picture({"a & b": np.array([0.2, 0.3, 0.4, 9.0]), "slow": np.array([99.0])})
    ElementTree.fromstring(text)
    assert "a &amp; b: 4 queries, p50 0.35" in text
    assert len(re.findall("<line", text)) == 6  # two percentiles and a base for each


@pytest.mark.long
def test_files_become_a_picture(tmp_path, capsys) -> None:
    file = sessions_file(tmp_path, "abc", "abd", "bcd")
    assert main(["--out", str(tmp_path / "l.svg"), "--model", "blend", f"shop={file},{file}"]) == 0
    assert "shop: 6 queries" in (tmp_path / "l.svg").read_text()
    assert "shop [" in capsys.readouterr().out
