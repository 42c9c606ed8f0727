"""The site's picture of the workflow is of the rules as they are."""

import re

import pytest
import stage_graph
from smoke import ROOT, snakemake


@pytest.fixture(scope="module")
def edges(tmp_path_factory):
    graph = snakemake(tmp_path_factory.mktemp("graph"), "--rulegraph", "mermaid-js", "--", "all")
    return stage_graph.edges_of(graph.stdout)


def test_the_picture_is_up_to_date(edges):
    for path, svg in stage_graph.pictures(edges).items():
        assert path.read_text(encoding="utf-8") == svg, f"{path.name}: run `make readme`"


def test_every_rule_is_in_one_stage_and_every_stage_has_rules():
    named = set()
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r"^ *rule (\w+):", text, re.MULTILINE))
    # One file of rules is written for CLIPs and for MERU, one for each published data set.
    named = named - stage_graph.GOALS | {"pretrain_meru", "download"}
    staged = [rule for stage in stage_graph.STAGES.values() for rule in stage.rules]
    assert sorted(staged) == sorted(named)


def test_a_rule_that_no_arrow_tells_of_stops_the_drawing(edges):
    with pytest.raises(ValueError, match="rule translate is in no stage"):
        stage_graph.drawn_edges(edges | {("draw_scenes", "translate")})
    with pytest.raises(ValueError, match=r"differ in \[\('nli', 'pretraining'\)\]"):
        stage_graph.drawn_edges(edges | {("train_nli", "pretrain")})
