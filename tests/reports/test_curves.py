from dataclasses import replace

from raydist.reports.chart import Band
from raydist.reports.curves import plots, stage_bands


def by_name(plot):
    return {series.name: list(series.points) for series in plot.series}


def test_every_metric_has_its_points(reports):
    loss, retrieval, clusters, ari = plots(reports)
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


def test_an_unknown_agreement_has_no_points(reports):
    for report in reports:
        for metrics in report.clusters.values():
            del metrics["ari"]
    assert by_name(plots(reports)[3]) == {"visible": [], "infrared": []}


def test_no_metrics_are_empty_plots():
    assert all(not series.points for plot in plots([]) for series in plot.series)
    assert stage_bands([]) == []


def test_a_modality_keeps_its_colour(reports):
    loss, retrieval, clusters, _ = plots(reports)
    assert [series.tone for series in loss.series] == ["tone-0", "visible", "infrared"]
    assert [series.tone for series in clusters.series] == ["visible", "infrared"]
    assert [series.tone for series in retrieval.series] == ["infrared", "visible"]


def test_the_chance_level_is_one_line_when_both_ways_agree(reports):
    assert [(line.name, line.tone) for line in plots(reports)[1].references] == [("chance 12.5", "muted")]
    reports[0].retrieval["visible_to_infrared"]["chance_map"] = 20.0
    assert [line.name for line in plots(reports)[1].references] == [
        "chance, infrared → visible 12.5",
        "chance, visible → infrared 20.0",
    ]


def test_stages_follow_each_other(reports):
    assert stage_bands(reports) == [Band("warm-up", 0, 1), Band("dual", 1, 3)]


def test_another_search_has_a_plot_beside(reports):
    reports[3] = replace(reports[3], searches={"sysu_mm01_indoor": reports[0].retrieval})
    titles = [plot.title for plot in plots(reports)]
    assert titles[:3] == ["Loss", "mAP, percent", "mAP by sysu_mm01_indoor, percent"]
    assert by_name(plots(reports)[2]) == {
        "infrared → visible": [(3, 31.0)],
        "visible → infrared": [(3, 32.0)],
    }


def test_criteria_have_a_plot_where_they_were_asked_for(reports):
    reports[1] = replace(reports[1], criteria={"balance": 0.5})
    reports[3] = replace(reports[3], criteria={"balance": 0.75, "silhouette": 0.25})
    criteria = plots(reports)[-1]
    assert criteria.title == "Criteria that need no identities"
    assert by_name(criteria) == {"balance": [(1, 0.5), (3, 0.75)], "silhouette": [(3, 0.25)]}
