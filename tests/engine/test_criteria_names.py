from raydist.engine.criteria_names import CRITERIA, WHY_MISSING, missing_reasons, with_missing

ALL = dict.fromkeys(CRITERIA, 0.5)


def test_every_reason_names_its_criterion_and_the_sign_in_the_tables():
    assert set(WHY_MISSING) < set(CRITERIA)
    assert all(why.startswith(f"{name} is missing (-) where ") for name, why in WHY_MISSING.items())


def test_a_reason_is_given_for_what_any_epoch_lacks():
    first = {name: value for name, value in ALL.items() if name != "stability"}
    assert missing_reasons([first, ALL, {}]) == [WHY_MISSING["stability"]]
    assert missing_reasons([{"balance": 1.0}]) == list(WHY_MISSING.values())
    assert missing_reasons([ALL, {}]) == []
    assert missing_reasons([]) == []


def test_missing_criteria_stand_in_their_places():
    assert list(with_missing({"balance": 1.0, "silhouette": 0.0})) == list(CRITERIA)
    assert with_missing({"balance": 1.0})["stability"] is None
    assert with_missing({"of another version": 1.0})["of another version"] == 1.0
