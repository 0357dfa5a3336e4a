"""The facts that microlora.py teaches, each checked against a second way to compute it."""

import gc
import math
import random

import pytest
from scripts import load

m = load("microlora.py")
g = load("microgpt.py")
VOCABULARY = m.make_vocabulary(m.NAMES.split())
WORD = m.tokenize("medusa", VOCABULARY)
ALL = ("token_embedding", "position_embedding", "lm_head", "layer0.query", "layer0.key")
ALL += ("layer0.value", "layer0.output", "layer0.fc1", "layer0.fc2")


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(m, "show_progress", lambda *args: None)


def product(*matrices):
    """The matrix product of lists of rows of floats."""
    result = matrices[0]
    for right in matrices[1:]:
        columns = list(zip(*right))
        result = [[math.fsum(map(lambda p, q: p * q, r, c)) for c in columns] for r in result]
    return result


def numbers(matrix):
    return [[p.data for p in row] for row in matrix]


def squares(matrix):
    return math.fsum([p * p for row in matrix for p in row])


def minus(a, b):
    return [[p - q for p, q in zip(*rows)] for rows in zip(a, b)]


def flat(model):
    return [p for matrix in model.values() for row in matrix for p in row]


def random_floats(rows, columns, rng, std=1.0):
    return [[rng.gauss(0.0, std) for _ in range(columns)] for _ in range(rows)]


@pytest.fixture
def base():
    rng = random.Random(1)
    frozen = m.freeze(m.init_model(len(VOCABULARY), rng))
    return {name: [[2 * p for p in row] for row in w] for name, w in frozen.items()}


@pytest.fixture
def adapter(base):
    """One that is no longer zero, on every matrix."""
    rng = random.Random(2)
    adapter = m.init_adapter(base, ALL, 3, rng)
    for p in m.adapter_parameters(adapter):
        p.data = rng.gauss(0.0, 0.15)
    return adapter


def check_gradients(build, params, n):
    for p in params:
        p.grad = 0.0
    build().backward()
    used = [p for p in params if p.grad != 0.0]
    assert len(used) > len(params) // 4
    for p in random.Random(3).sample(used, n):
        x, h = p.data, 1e-6
        p.data = x + h
        above = build().data
        p.data = x - h
        below = build().data
        p.data = x
        assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-4, abs=1e-8)


def test_loss_against_finite_differences(base, adapter):
    adapted = m.with_adapter(base, adapter)
    check_gradients(lambda: m.word_loss(adapted, WORD), m.adapter_parameters(adapter), 25)
    model = m.thaw(base)
    check_gradients(lambda: m.word_loss(model, WORD), m.parameters(model), 15)


def test_an_adapted_matrix_is_the_formula(base, adapter):
    x = [0.1 * i - 0.7 for i in range(16)]
    for name in ("layer0.query", "layer0.fc1", "lm_head"):
        a, b = map(numbers, adapter[name])
        change = product(b, product(a, [[v] for v in x]))
        plain = product(base[name], [[v] for v in x])
        expected = [w[0] + m.ALPHA / 3 * c[0] for w, c in zip(plain, change)]
        matrix = m.with_adapter(base, adapter)[name]
        out = m.linear([m.Value(v) for v in x], matrix)
        assert [v.data for v in out] == pytest.approx(expected, rel=1e-12)
    a, b = map(numbers, adapter["token_embedding"])
    change = product(b, a)
    row = m.with_adapter(base, adapter)["token_embedding"][5]
    expected = [w + m.ALPHA / 3 * c for w, c in zip(base["token_embedding"][5], change[5])]
    assert [v.data for v in row] == pytest.approx(expected, rel=1e-12)


def test_step_0_is_the_base_to_the_last_bit_and_b_moves_first(base):
    plain = m.log_probs(base, WORD)
    for rank in m.LORA_RATES:
        new = m.init_adapter(base, ALL, rank, random.Random(5))
        adapted = m.with_adapter(base, new)
        assert m.log_probs_of(adapted, [WORD]) == plain
        m.word_loss(adapted, WORD).backward()
        for a, b in new.values():
            assert all(p.grad == 0.0 for row in a for p in row)
            assert any(p.grad != 0.0 for row in b for p in row)
    assert [x.data for x in m.log_probs(m.thaw(base), WORD)] == plain


def test_with_a_at_zero_too_nothing_ever_moves(base):
    adapter = m.init_adapter(base, m.TARGETS, 2, random.Random(5))
    for p in m.adapter_parameters(adapter):
        p.data = 0.0
    params = m.adapter_parameters(adapter)
    m.train("phase", m.with_adapter(base, adapter), params, [WORD], 5, 0.1)
    assert all(p.data == 0.0 for p in params)


def test_the_base_is_frozen_while_an_adapter_learns(base):
    before = [p.hex() for p in flat(base)]
    rng = random.Random(6)
    adapter = m.train_adapter("phase", base, 2, 0.02, [WORD], 15, rng)
    assert [p.hex() for p in flat(base)] == before
    first = m.word_loss(base, WORD)
    assert m.word_loss(m.merge(base, adapter), WORD) < first - 0.01
    m.adapt(
        m.Way("full", 0, 0.01, "F"),
        1.0,
        m.BaseModel(base, {"myth": [1.0], "names": [1.0]}),
        m.Words(VOCABULARY, [], [[WORD]], [], {"myth": [WORD], "names": [WORD]}),
        3,
        1,
    )
    assert [p.hex() for p in flat(base)] == before


def test_no_cycle_keeps_a_graph_alive(base, adapter):
    gc.collect()
    gc.disable()
    try:
        m.word_loss(m.with_adapter(base, adapter), WORD).backward()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_how_many_numbers_are_trained(base):
    assert m.n_numbers(base) == 4192 == len(flat(base))
    for way in m.all_ways():
        if way.rank == 0:
            assert m.n_trained(way, base) == 4192
        else:
            used = m.init_adapter(base, m.TARGETS, way.rank, random.Random(0))
            assert m.n_trained(way, base) == len(m.adapter_parameters(used))
            assert m.n_trained(way, base) == way.rank * 2 * (27 + 16)
    largest = m.all_ways()[-1]
    assert m.n_trained(largest, base) < 0.1 * 4192


def test_merged_is_adapted_on_every_matrix_and_comes_out_again(base, adapter):
    adapted = m.log_probs_of(m.with_adapter(base, adapter), [WORD])
    merged = m.merge(base, adapter)
    assert m.log_probs(merged, WORD) == pytest.approx(adapted, abs=1e-9)
    assert m.largest_gap(adapted, m.log_probs(base, WORD)) > 0.01
    a, b = map(numbers, adapter["layer0.fc2"])
    for row, w, change in zip(merged["layer0.fc2"], base["layer0.fc2"], product(b, a)):
        assert row == pytest.approx([p + m.ALPHA / 3 * q for p, q in zip(w, change)], rel=1e-12)
    out = m.merge(merged, adapter, -1.0)
    for name, w in base.items():
        for row, other in zip(w, out[name]):
            assert other == pytest.approx(row, abs=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_any_matrix_may_have_an_adapter(base, adapter, name):
    one = {name: adapter[name]}
    apart = m.log_probs_of(m.with_adapter(base, one), [WORD])
    assert apart == pytest.approx(m.log_probs(m.merge(base, one), WORD), abs=1e-9)
    assert m.largest_gap(apart, m.log_probs(base, WORD)) > 1e-5


def test_an_adapter_for_an_unknown_matrix_is_refused(base, adapter):
    with pytest.raises(ValueError, match="layer7.query"):
        m.with_adapter(base, {"layer7.query": adapter["lm_head"]})
    with pytest.raises(KeyError):
        m.init_adapter(base, ("layer7.query",), 2, random.Random(0))


def test_the_example_of_one_direction():
    matrix = m.AdaptedMatrix(
        [[0.0] * 3] * 2,
        m.LowRank([[m.Value(v) for v in (2, 0, -1)]], [[m.Value(0.5)], [m.Value(3.0)]]),
    )
    out = matrix.times([m.Value(v) for v in (1, 5, 4)])
    assert [v.data for v in out] == [m.ALPHA * -1.0, m.ALPHA * -6.0]


def test_directions_of_a_known_matrix():
    # s = 3, 2, 0.5 between orthonormal vectors
    u = [[0.6, 0.8, 0.0, 0.0], [-0.8, 0.6, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    v = [[1.0, 0.0, 0.0], [0.0, 0.28, 0.96], [0.0, -0.96, 0.28]]
    s = [3.0, 2.0, 0.5]
    w = [[sum(s[k] * u[k][i] * v[k][j] for k in range(3)) for j in range(3)] for i in range(4)]
    found = m.directions(w, 4, random.Random(7))
    assert [d.s for d in found[:3]] == pytest.approx(s, rel=1e-8)
    for k in range(3):
        assert abs(m.dot(found[k].u, u[k])) == pytest.approx(1.0, abs=1e-6)
        assert abs(m.dot(found[k].v, v[k])) == pytest.approx(1.0, abs=1e-6)
    assert found[3].s < 1e-6
    assert m.directions([[0.0, 0.0]], 1, random.Random(0))[0].s == 0.0


def test_the_example_of_the_svd():
    first, second = m.directions([[3.0, 1.0], [1.0, 3.0]], 2, random.Random(1))
    assert (first.s, second.s) == pytest.approx((4.0, 2.0))
    assert abs(first.u[0]) == pytest.approx(0.71, abs=0.005)
    term = m.add_direction([[0.0, 0.0], [0.0, 0.0]], second)
    assert [p for row in term for p in row] == pytest.approx([1, -1, -1, 1], abs=1e-4)


def test_directions_add_up_to_the_change(base):
    rng = random.Random(8)
    after = dict(base)
    after["layer0.query"] = minus(base["layer0.query"], random_floats(16, 16, rng))
    change = m.change_of(base, after)
    assert squares(change["layer0.fc1"]) == 0.0
    found = {"layer0.query": m.directions(change["layer0.query"], 16, rng)}
    whole = m.add_directions(base, found, 16, ["layer0.query"])
    for row, other in zip(whole["layer0.query"], after["layer0.query"]):
        assert other == pytest.approx(row, abs=1e-4)
    assert whole["layer0.fc1"] == base["layer0.fc1"]
    for r in (1, 2, 4):  # Eckart and Young: what is missing are the other singular values
        kept = m.add_directions(base, found, r, found)["layer0.query"]
        missing = math.fsum([d.s**2 for d in found["layer0.query"][r:]])
        assert squares(minus(after["layer0.query"], kept)) == pytest.approx(missing, rel=1e-3)
    gone = m.add_directions(whole, found, 16, found, -1.0)["layer0.query"]
    assert squares(minus(gone, base["layer0.query"])) < 1e-9


def test_reduced_models_are_the_base_with_a_part_of_the_change(base):
    rng = random.Random(10)
    after = {name: minus(w, random_floats(len(w), len(w[0]), rng)) for name, w in base.items()}
    reduced = m.reduced_models([after], [after, base], base, random.Random(11))
    change = m.change_of(base, after)
    sizes = {}
    for label in list(reduced)[:-1]:
        (model,) = reduced[label]
        sizes[label] = {name: squares(minus(model[name], base[name])) for name in base}
    half = reduced["all parameters, halved"][0]
    for name, w in base.items():
        assert squares(minus(minus(half[name], w), minus(after[name], half[name]))) < 1e-18
        assert 0 < sizes["1 of 16"][name] < sizes["2 of 16"][name] < sizes["4 of 16"][name]
        # what the largest directions hold and what the others hold is all there is
        parts = sizes["4 of 16"][name] + sizes["without these 4"][name]
        assert parts == pytest.approx(squares(change[name]), rel=1e-3)
        assert sizes["without these 4"][name] < squares(change[name]) * 0.75
    for name, size in sizes["4, in two matrices"].items():
        assert size == (sizes["4 of 16"][name] if name in m.TARGETS else 0.0)
    assert reduced[f"{m.ADAPTER}, halved"] == [half, base]
    assert m.n_numbers(base) == 4192


def test_half_is_claimed_to_forget_a_smaller_share():
    whole = m.Outcome([2.0, 4.0, 6.0], [2.0, 3.0, 4.0])
    good = m.Outcome([1.6, 3.2, 4.8], [0.4, 0.6, 0.8])
    assert m.claim_of_half("it", good, whole).startswith("[ok] half of it: 80% of gain, 20%")
    assert m.claim_of_half("it", m.Outcome([1.0, 2.0, 3.0], [1.0, 1.5, 2.0]), whole)[:4] == "[no]"


def point(gain, learned, forgot):
    return m.Point(1.0, gain, m.Outcome(learned, forgot))


def test_between_two_points_all_is_in_proportion():
    low, high = point(0.1, [2.0], [1.0, -2.0]), point(0.3, [4.0], [4.0, 0.0])
    between = m.point_between(low, high, 0.2)
    assert between.gain == 0.2
    assert between.outcome.learned == pytest.approx([3.0])
    assert between.outcome.forgot == pytest.approx([2.5, -1.0])


WORDS = m.Words([], [], [], [], {"names": [[0, 1, 0], [0, 1, 2, 0]], "myth": [[0, 1, 0]] * 2})


def test_equal_gain_is_compared_name_by_name():
    # a word of myth has 2 tokens, so a gain of 0.4 is 1.6 nats of two words
    full = [point(0.0, [0.0, 0.0], [0.0, 0.0]), point(0.4, [0.8, 0.8], [1.0, 2.0])]
    ours = [point(0.2, [0.4, 0.4], [1.5, 1.0]), point(0.1, [0.2, 0.2], [9.0, 9.0])]
    found = m.compare_at_equal_gain(ours, full, WORDS)
    assert found.gain == 0.2  # that of the best point, which need not be the last
    assert found.forgets == pytest.approx(2.5 / 5)
    assert found.others == pytest.approx(1.5 / 5)
    assert found.more.mean == pytest.approx(1.0 / 5)
    plain = m.per_token([1.0, 0.0], WORDS.held_out["names"]).error
    assert found.more.error == pytest.approx(plain)  # the words of myth agree


def test_the_error_at_equal_gain_covers_that_of_the_gain():
    full = [point(0.0, [0.0, 0.0], [0.0, 0.0]), point(0.4, [0.8, 0.8], [1.0, 2.0])]
    ours = [point(0.2, [0.7, 0.1], [1.5, 1.0])]
    found = m.compare_at_equal_gain(ours, full, WORDS)
    plain = m.per_token([1.0, 0.0], WORDS.held_out["names"]).error
    slope = (3.0 / 5) / 0.4
    gains = m.per_token([0.3, -0.3], WORDS.held_out["myth"]).error
    assert found.more.error == pytest.approx(math.hypot(plain, slope * gains))


def test_beyond_the_largest_gain_it_is_compared_as_it_is():
    full = [point(0.0, [0.0, 0.0], [0.0, 0.0]), point(0.2, [0.4, 0.4], [1.0, 2.0])]
    full.append(point(0.1, [0.2, 0.2], [7.0, 7.0]))
    ours = [point(0.3, [0.6, 0.6], [1.5, 3.0])]
    found = m.compare_at_equal_gain(ours, full, WORDS)
    assert found.others == pytest.approx(3.0 / 5)
    assert found.more.mean == pytest.approx(1.5 / 5)


def test_share_of_a_gain_has_an_error():
    share = m.share_of_gain(m.Outcome([1.0, 2.0], []), m.Outcome([2.0, 4.0], []))
    assert share == (0.5, 0.0)
    assert m.share_of_gain(m.Outcome([2.0, 1.0], []), m.Outcome([2.0, 4.0], [])).error > 0.1


def test_outcome_is_a_mean_over_the_models(base, adapter):
    other = m.merge(base, adapter)
    words = m.Words(VOCABULARY, [], [], [], {"myth": [WORD], "names": [WORD, [0, 1, 0]]})
    nats = {kind: m.nats_of_model(base, some) for kind, some in words.held_out.items()}
    found = m.outcome([base, other], m.BaseModel(base, nats), words)
    half = (m.nats_of_model(base, [WORD])[0] - m.nats_of_model(other, [WORD])[0]) / 2
    assert found.learned == pytest.approx([half])
    assert found.forgot[0] == pytest.approx(-half)
    assert m.gain_of(found, words).mean == pytest.approx(half / 7)
    assert len(found.forgot) == 2


def test_words_of_a_kind_are_shared_out_without_overlap():
    words = m.split_words(random.Random(4))
    lists = [*words.myth_lists, words.held_out["myth"]]
    myth = [tuple(tokens) for some in lists for tokens in some]
    aside = {tuple(m.tokenize(w, VOCABULARY)) for w in m.MYTH.split()[::3]}
    assert len(set(myth)) == len(myth) == 140 and not set(myth) & aside
    assert [len(some) for some in lists] == [20, 20, 100]
    for some, held_out in ((words.names, "names"), (words.dinosaurs, "dinosaurs")):
        everything = [tuple(tokens) for tokens in some + words.held_out[held_out]]
        assert len(set(everything)) == len(everything)
    assert len(words.names) == 500 and len(words.held_out["names"]) == 100
    assert len(words.dinosaurs) == 20 and len(words.held_out["dinosaurs"]) == 40
    assert m.split_words(random.Random(5)).myth_lists != words.myth_lists


def test_words_are_apart_and_short_enough():
    kinds = [part.split() for part in (m.NAMES, m.MYTH, m.DINOSAURS)]
    everything = [word for words in kinds for word in words]
    assert len(set(everything)) == len(everything)
    assert all(len(word) < m.BLOCK_SIZE and word.isascii() for word in everything)


def test_train_is_adam_from_the_first_step_with_a_falling_rate(base):
    words = [WORD, m.tokenize("io", VOCABULARY), m.tokenize("pan", VOCABULARY)]
    model, twin = m.thaw(base), m.thaw(base)
    params, others = m.parameters(model), m.parameters(twin)
    m.train("phase", model, params, words[:2], 3, 0.01)
    a, b = [0.0] * len(others), [0.0] * len(others)
    for step in (1, 2, 3):
        for p in others:
            p.grad = 0.0
        m.word_loss(twin, words[(step - 1) % 2]).backward()
        m.adam_step(others, a, b, step, 0.01 * ((4 - step) / 3), m.ADAM_BETA1, m.ADAM_BETA2)
    assert [p.data for p in params] == [p.data for p in others]


def test_rates_are_multiplied_by_the_factor(base, monkeypatch):
    rates = []
    monkeypatch.setattr(m, "train", lambda *args: rates.append(args[-1]))
    words = m.Words(VOCABULARY, [], [[WORD], [WORD]], [], {"myth": [WORD], "names": [WORD]})
    for way in m.all_ways()[:2]:
        m.adapt(way, 0.5, m.BaseModel(base, {"myth": [1.0], "names": [1.0]}), words, 3, 1)
    assert rates == [m.FULL_RATE / 2] * 2 + [m.LORA_RATES[1] / 2] * 2


def test_what_a_difference_means_in_words():
    assert m.in_words(m.Estimate(0.3, 0.1)).startswith("more")
    assert m.in_words(m.Estimate(-0.3, 0.1)).startswith("less")
    assert m.in_words(m.Estimate(0.3, 0.2)).startswith("no less")


def test_the_picture_has_gain_to_the_right_and_forgetting_up(capsys):
    words = m.Words([], [], [], [], {"names": [[0, 0]], "myth": []})
    curve = [point(0.0, [], [0.0]), point(0.5, [], [1.0])]
    other = [point(0.0, [], [0.0]), point(1.0, [], [0.5])]
    curves = {m.Way("", 0, 0, "F"): curve, m.Way("", 1, 0, "1"): other}
    m.draw_plane(curves, words, width=20, height=5)
    rows = [row[11:] for row in capsys.readouterr().out.splitlines()[1:6]]
    assert [row.find("F") for row in rows] == [10, -1, -1, -1, -1]
    assert [row.find("1") for row in rows] == [-1, -1, 20, -1, -1]
    assert [row.find("o") for row in rows] == [-1, -1, -1, -1, 0]


def test_without_an_adapter_the_model_is_microgpts(base):
    theirs = g.log_probs(base, WORD)
    assert m.log_probs(base, WORD) == theirs
    assert m.log_probs_of(m.with_adapter(base, {}), [WORD]) == pytest.approx(theirs, abs=1e-12)


def test_largest_gap():
    assert m.largest_gap([1.0, -2.0, 5.0], [1.5, 2.0, 4.0]) == 4.0
