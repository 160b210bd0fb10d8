from raydist.reports.chart import Band
from raydist.reports.curves import plots, stages


def by_name(plot):
    return {series.name: list(series.points) for series in plot.series}


def test_every_measure_is_found(rows):
    loss, retrieval, clusters, ari = plots(rows)
    assert by_name(loss) == {
        "tracklet": [(1, 2.5)],
        "visible": [(2, 2.0), (3, 1.25)],
        "infrared": [(2, 1.5), (3, 1.0)],
    }
    assert by_name(retrieval) == {
        "infrared → visible": [(0, 31.0), (3, 51.0)],
        "visible → infrared": [(0, 32.0), (3, 52.0)],
    }
    assert by_name(clusters) == {"visible": [(2, 4.0), (3, 4.0)], "infrared": [(2, 4.0), (3, 4.0)]}
    assert by_name(ari) == {"visible": [(2, 0.5), (3, 0.5)], "infrared": [(2, 0.5), (3, 0.5)]}


def test_an_unknown_agreement_has_no_points(rows):
    for row in rows:
        for found in row.get("clusters", {}).values():
            del found["ari"]
    assert by_name(plots(rows)[3]) == {"visible": [], "infrared": []}


def test_no_metrics_are_empty_plots():
    assert all(not series.points for plot in plots([]) for series in plot.series)
    assert stages([]) == []


def test_a_modality_keeps_its_colour(rows):
    loss, retrieval, clusters, _ = plots(rows)
    assert [series.tone for series in loss.series] == ["tone-0", "visible", "infrared"]
    assert [series.tone for series in clusters.series] == ["visible", "infrared"]
    assert [series.tone for series in retrieval.series] == ["infrared", "visible"]


def test_the_chance_level_is_one_line_when_both_ways_agree(rows):
    assert [(level.name, level.tone) for level in plots(rows)[1].levels] == [("chance 12.5", "muted")]
    rows[0]["retrieval"]["visible_to_infrared"]["chance_map"] = 20.0
    assert [level.name for level in plots(rows)[1].levels] == [
        "chance, infrared → visible 12.5",
        "chance, visible → infrared 20.0",
    ]


def test_stages_follow_each_other(rows):
    assert stages(rows) == [Band("warm-up", 0, 1), Band("dual", 1, 3)]


def test_criteria_have_a_plot_where_they_were_asked_for(rows):
    rows[1]["criteria"], rows[3]["criteria"] = {"balance": 0.5}, {"balance": 0.75, "silhouette": 0.25}
    criteria = plots(rows)[-1]
    assert criteria.title == "Criteria that need no identities"
    assert by_name(criteria) == {"balance": [(1, 0.5), (3, 0.75)], "silhouette": [(3, 0.25)]}
