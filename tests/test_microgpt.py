"""The facts that microgpt.py teaches."""

import argparse
import math
import random
import re

import bench
import pytest
from scripts import load

g = load("microgpt.py")
VOCABULARY = [g.BOUNDARY, *"abcdefghijklmnopqrstuvwxyz"]


def tokenize(word):
    return g.tokenize(word, VOCABULARY)


@pytest.fixture(scope="module")
def model():
    """A model with larger parameters than a fresh one: softmax and relu are far from linear."""
    model = g.init_model(len(VOCABULARY), random.Random(7))
    for p in g.parameters(model):
        p.data *= 4.0
    return model


def float_logits(model, tokens):
    """The logits after the last of tokens: the same transformer, written anew in plain floats."""
    w = {name: [[p.data for p in row] for row in matrix] for name, matrix in model.items()}

    def product(name, x):
        return [sum(a * b for a, b in zip(row, x)) for row in w[name]]

    def norm(x):
        size = math.sqrt(sum(v * v for v in x) / len(x) + 1e-5)
        return [v / size for v in x]

    xs = []
    for place, token in enumerate(tokens):
        pairs = zip(w["token_embedding"][token], w["position_embedding"][place])
        xs.append(norm([a + b for a, b in pairs]))
    normed = [norm(x) for x in xs]
    query = product("layer0.query", normed[-1])
    keys = [product("layer0.key", x) for x in normed]
    values = [product("layer0.value", x) for x in normed]
    heads = []
    for h in range(0, 16, 4):
        scores = [sum(query[j] * k[j] for j in range(h, h + 4)) / math.sqrt(4) for k in keys]
        total = sum(math.exp(s) for s in scores)
        for j in range(h, h + 4):
            heads.append(sum(math.exp(s) / total * v[j] for s, v in zip(scores, values)))
    x = [a + b for a, b in zip(xs[-1], product("layer0.output", heads))]
    hidden = [max(v, 0.0) for v in product("layer0.fc1", norm(x))]
    x = [a + b for a, b in zip(x, product("layer0.fc2", hidden))]
    return product("lm_head", x)


def float_log_probs(model, tokens):
    """log p of each token after the first, by float_logits."""
    result = []
    for i, target in enumerate(tokens[1:], 1):
        logits = float_logits(model, tokens[:i])
        result.append(logits[target] - math.log(sum(math.exp(v) for v in logits)))
    return result


# --- Data ----------------------------------------------------------------------------------------


def test_names_are_the_census_list():
    names = g.NAMES.split()
    assert len(names) == len(set(names)) == 600
    assert names[:4] == ["mary", "james", "patricia", "john"] and names[-1] == "arturo"
    assert all(name.isascii() and name.islower() and len(name) < g.BLOCK_SIZE for name in names)


def test_tokens_are_those_of_the_comment():
    assert g.make_vocabulary(g.NAMES.split()) == VOCABULARY
    assert tokenize("mary") == [0, 13, 1, 18, 25, 0]


def test_split_holds_out_a_sixth_or_100_and_loses_nothing():
    names = g.NAMES.split()
    for n, held_out in ((600, 100), (30, 5), (6, 1)):
        data = g.split_data(names[:n], random.Random(3))
        assert len(data.held_out_names) == len(data.held_out) == held_out
        assert sorted(data.train_names + data.held_out_names) == sorted(names[:n])
        assert data.train_names != names[held_out:n]  # shuffled
        for words, tokens in (
            (data.train_names, data.train_set),
            (data.held_out_names, data.held_out),
        ):
            assert tokens == [g.tokenize(word, data.vocabulary) for word in words]
    assert names == g.NAMES.split()  # the list itself is left alone


# --- Model ---------------------------------------------------------------------------------------


def test_parameter_count_and_spread(model):
    fresh = g.init_model(27, random.Random(5))
    numbers = [p.data for p in g.parameters(fresh)]
    assert len(numbers) == 4192
    assert math.fsum(numbers) / 4192 == pytest.approx(0.0, abs=0.005)
    assert math.fsum([x * x for x in numbers]) / 4192 == pytest.approx(0.08 * 0.08, rel=0.1)
    assert len({p for p in g.parameters(fresh)}) == 4192  # no Value stands in two places


def test_more_layers_have_matrices_of_their_own(monkeypatch):
    monkeypatch.setattr(g, "N_LAYER", 2)
    model = g.init_model(27, random.Random(5))
    assert len(g.parameters(model)) == 4192 + 3072
    caches = g.new_caches()
    g.gpt(model, 3, caches)
    assert [len(cache.keys) for cache in caches] == [1, 1] and caches[0].keys != caches[1].keys


def test_gpt_is_the_transformer_it_says_it_is(model):
    tokens = tokenize("rosetta")
    caches = g.new_caches()
    for i, token in enumerate(tokens[:-1]):
        logits = [v.data for v in g.gpt(model, token, caches)]
        assert logits == pytest.approx(float_logits(model, tokens[: i + 1]), rel=1e-11, abs=1e-11)


def test_a_frozen_model_gives_the_same_numbers_and_is_a_copy(model):
    frozen = g.freeze(model)
    words = [tokenize("anna"), tokenize("rosetta")]
    assert g.word_loss(frozen, *words) == g.word_loss(model, *words).data
    assert all(type(p) is float for matrix in frozen.values() for row in matrix for p in row)
    before = frozen["lm_head"][3][2]
    model["lm_head"][3][2].data += 1.0
    assert frozen["lm_head"][3][2] == before
    model["lm_head"][3][2].data -= 1.0


def test_attention_weights_are_causal_and_sum_to_one(model):
    caches = g.new_caches()
    for token in tokenize("anna")[:-1]:
        g.gpt(model, token, caches)
    for place, weights_of_heads in enumerate(caches[0].weights):
        assert len(weights_of_heads) == g.N_HEAD
        for weights in weights_of_heads:
            assert len(weights) == place + 1
            assert math.fsum([w.data for w in weights]) == pytest.approx(1.0, abs=1e-12)


def test_the_weights_of_the_comment():
    assert [round(p, 2) for p in g.softmax([0.0, 2.0, 1.0])] == [0.09, 0.67, 0.24]


def test_word_loss_against_finite_differences(model):
    words = [tokenize("jo"), tokenize("max")]
    params = g.parameters(model)
    for p in params:
        p.grad = 0.0
    g.word_loss(model, *words).backward()
    rng = random.Random(1)
    chosen = []
    for matrix in model.values():
        chosen += rng.sample([p for row in matrix for p in row], 3)
    chosen += [model["token_embedding"][t][3] for t in words[0][:3]]
    chosen += [model["position_embedding"][i][5] for i in range(3)]
    assert sum(p.grad != 0.0 for p in chosen) > 15
    for p in chosen:
        x, h = p.data, 1e-6
        p.data = x + h
        above = g.word_loss(model, *words).data
        p.data = x - h
        below = g.word_loss(model, *words).data
        p.data = x
        assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-4, abs=1e-8)


def test_log_probs_and_word_loss_are_in_nats_and_count_each_token_once(model):
    words = [tokenize("eve"), tokenize("margaret")]
    expected = [float_log_probs(model, tokens) for tokens in words]
    for tokens, log_ps in zip(words, expected):
        found = [v.data for v in g.log_probs(model, tokens)]
        assert found == pytest.approx(log_ps, rel=1e-11)
    mean = -math.fsum(expected[0] + expected[1]) / (4 + 9)
    assert g.word_loss(model, *words).data == pytest.approx(mean, rel=1e-11)


# --- Writing -------------------------------------------------------------------------------------


class Chance:
    """Stands in for random.Random: takes the tokens it was given and notes the weights it saw."""

    def __init__(self, tokens):
        self.tokens, self.seen = list(tokens), []

    def choices(self, population, weights):
        self.seen.append(list(weights))
        return [self.tokens.pop(0)]


def test_sample_feeds_each_token_back_at_its_temperature(model):
    chance = Chance([3, 1, 0])
    assert g.sample(g.freeze(model), VOCABULARY, 0.5, chance) == "ca"
    for i, tokens in enumerate([[0], [0, 3], [0, 3, 1]]):
        logits = float_logits(model, tokens)
        total = sum(math.exp(v / 0.5) for v in logits)
        expected = [math.exp(v / 0.5) / total for v in logits]
        assert chance.seen[i] == pytest.approx(expected, rel=1e-9)


def test_sample_ends_with_the_context(model):
    frozen = g.freeze(model)
    assert g.sample(frozen, VOCABULARY, 1.0, Chance([5] * 99)) == "e" * g.BLOCK_SIZE


def test_temperature_0_is_greedy_and_small_ones_nearly_so(model):
    logits = [0.5, 3.0, 2.5]
    assert g.next_token(logits, 0, None) == g.next_token(logits, 0.0, None) == 1
    assert {g.next_token(logits, 0.003, random.Random(i)) for i in range(50)} == {1}
    draws = [g.next_token(logits, 2.0, random.Random(i)) for i in range(2000)]
    p = g.softmax([x / 2.0 for x in logits])
    assert draws.count(2) / 2000 == pytest.approx(p[2], abs=0.04)


# --- Training ------------------------------------------------------------------------------------


@pytest.fixture
def quiet(monkeypatch):
    monkeypatch.setattr(g, "show_progress", lambda *args: None)


def test_batches_go_round_the_list(monkeypatch):
    monkeypatch.setattr(g, "BATCH", 2)
    batches = [g.next_batch(["a", "b", "c"], step) for step in (1, 2, 3, 4)]
    assert batches == [["a", "b"], ["c", "a"], ["b", "c"], ["a", "b"]]


def test_train_lowers_the_loss_and_reports_where(quiet):
    words = [tokenize(name) for name in ("anna", "ann", "hanna")]
    model = g.init_model(len(VOCABULARY), random.Random(5))
    curves = g.train(model, words, words, 10)
    assert sorted(curves.held_out) == [0, 3, 5, 8, 10]
    assert len(curves.training) == 10
    assert curves.held_out[0] == pytest.approx(math.log(27), abs=0.3)
    assert curves.held_out[10] < 1.7  # it has learned three names nearly by heart
    assert curves.held_out[10] == g.word_loss(g.freeze(model), *words)


def test_train_takes_adam_steps_on_one_batch_after_another(quiet, monkeypatch):
    monkeypatch.setattr(g, "BATCH", 2)
    words = [tokenize(name) for name in ("anna", "bob", "eve")]
    model, reference = [g.init_model(len(VOCABULARY), random.Random(5)) for _ in range(2)]
    curves = g.train(model, words, words[:1], 4)
    params = g.parameters(reference)
    m, v = [0.0] * len(params), [0.0] * len(params)
    for step, batch in enumerate([(0, 1), (2, 0), (1, 2), (0, 1)], 1):
        for p in params:
            p.grad = 0.0
        loss = g.word_loss(reference, *[words[i] for i in batch])
        assert curves.training[step - 1] == loss.data
        loss.backward()
        rate = g.LEARNING_RATE * {1: 1.0, 2: 0.75, 3: 0.5, 4: 0.25}[step]
        g.adam_step(params, m, v, step, rate, g.ADAM_BETA1, g.ADAM_BETA2)
    assert [p.data for p in g.parameters(model)] == [p.data for p in params]


def test_unfused_and_fused_training_agree():
    """The same losses from a node for each + and *, and dot, vsum and linear are put back."""
    before = g.dot, g.vsum, g.linear
    _, fused = bench.train_some_steps(g, "off", 5)
    with bench.unfused(g):
        _, plain = bench.train_some_steps(g, "off", 5)
        loss = g.word_loss(g.init_model(27, random.Random(1)), tokenize("al"))
    assert plain == pytest.approx(fused, abs=1e-12) and (g.dot, g.vsum, g.linear) == before
    seen, stack = {loss}, [loss]
    while stack:
        node = stack.pop()
        assert len(node._prev) <= 2
        stack += set(node._prev) - seen
        seen.update(node._prev)


# --- Experiments ---------------------------------------------------------------------------------


def test_nudging_finds_the_slope_and_leaves_the_parameter(model):
    p = model["token_embedding"][1][0]
    before = p.data
    for q in g.parameters(model):
        q.grad = 0.0
    g.word_loss(model, tokenize("al")).backward()
    assert g.slope_by_nudging(model, tokenize("al"), p) == pytest.approx(p.grad, rel=1e-6)
    assert p.data == before


def test_the_step_of_part_1_goes_downhill(capsys):
    claims = g.one_step("dave", VOCABULARY, random.Random(1))
    lines = capsys.readouterr().out.splitlines()
    pairs = [line.split()[1:] for line in lines if "[0]" in line]
    assert len(pairs) == 3
    for by_backward, by_nudging in pairs:
        assert float(by_backward) == pytest.approx(float(by_nudging), abs=2e-7)
    before, after = [float(x) for x in re.findall(r"from (\d\.\d+) to (\d\.\d+)", lines[-1])[0]]
    assert after < before - 0.1
    assert claims[0].startswith("[ok] 50 derivatives are those by nudging")


def test_counting_rule_by_hand():
    token_lists = [g.tokenize(word, ["<>", "a", "b"]) for word in ("ab", "aba")]
    rule = g.CountingRule(token_lists, 3, lambda tokens: g.last_tokens(tokens, 1))
    rule.alpha = 2.0
    # Of the 7 tokens after a start a is 3, b 2 and the end 2. After a, b came 2 times of 3.
    letter_b = (2 + 2.0 / 3) / (7 + 2.0)
    after_a = (2 + 2.0 * letter_b) / (3 + 2.0)
    assert rule.probability([0, 1], 2) == pytest.approx(after_a, rel=1e-12)
    letters = g.CountingRule(token_lists, 3, lambda tokens: g.last_tokens(tokens, 0))
    assert letters.probability([0, 1], 2) == pytest.approx((2 + 1.0 / 3) / 8, rel=1e-12)
    for tokens in ([0], [0, 1], [0, 2, 2]):
        assert math.fsum([rule.probability(tokens, t) for t in range(3)]) == pytest.approx(1.0)
    fours = g.CountingRule(
        token_lists, 3, lambda tokens: g.last_tokens(tokens, 3)
    )  # 0 1 2 came twice, and once before 1
    fours.alpha = 1e-9
    assert fours.probability([0, 1, 2], 1) == pytest.approx(0.5, abs=1e-6)
    nats = -math.log(rule.probability([0], 1)) - math.log(rule.probability([0, 1], 0))
    assert rule.nats([0, 1, 0]) == pytest.approx(nats, rel=1e-12)


def test_pairs_by_position_by_hand():
    token_lists = [g.tokenize(word, ["<>", "a", "b"]) for word in ("aab", "ba")]
    rule = g.CountingRule(token_lists, 3, g.last_token_and_position)
    rule.alpha = 2.0
    # Of the 7 tokens after a start a is 3 and b 2; after a, in all, a 1, b 1 and the end 1 of 3;
    # after an a at place 1, a 1 of 1.
    letter_a = (3 + 2.0 / 3) / (7 + 2.0)
    after_a = (1 + 2.0 * letter_a) / (3 + 2.0)
    assert rule.probability([0, 1], 1) == pytest.approx((1 + 2.0 * after_a) / (1 + 2.0))
    assert rule.probability([0, 2, 2, 1], 1) == pytest.approx(after_a)  # a place without an a


def test_the_blend_of_the_comment():
    rule = g.CountingRule([], 2, lambda tokens: g.last_tokens(tokens, 1))
    rule.alpha = 2.0  # p without a history is 1/2; the history (7,) came 8 times, then 1 twice
    rule.history_counts[(7,)] = 8
    rule.next_counts[(7,), 1] = 2
    assert rule.probability([7], 1) == pytest.approx(0.3, rel=1e-12)


def test_histories():
    assert g.last_tokens([0, 4, 5], 3) == [(), (5,), (4, 5), (0, 4, 5)]
    assert g.last_tokens([0, 4, 5, 6], 2) == [(), (6,), (5, 6)]
    assert g.last_token_and_position([0, 4, 5]) == [(), (5,), (5, 3)]


def test_alpha_is_the_best_for_the_words():
    data = g.split_data(g.NAMES.split()[:200], random.Random(2))
    for rule in g.counting_rules(data).values():
        chosen = rule.alpha
        losses = {}
        for alpha in (0.1, 0.3, 1.0, 3.0, 10.0, 30.0):
            rule.alpha = alpha
            losses[alpha] = math.fsum([rule.nats(tokens) for tokens in data.held_out])
        assert losses[chosen] == min(losses.values()) < max(losses.values())


def test_a_rule_writes_what_it_counted():
    words = [tokenize(name) for name in ("mary", "max")]
    rule = g.CountingRule(words, 27, lambda tokens: g.last_tokens(tokens, 3))
    rule.alpha = 1e-9
    written = {g.sample_by_counting(rule, VOCABULARY, 1.0, random.Random(i)) for i in range(40)}
    assert written == {"mary", "max"}
    rule.histories = lambda tokens: [()]
    rule.history_counts[()], rule.next_counts[(), 1] = 1000, 10**12  # nothing but a, without an end
    assert g.sample_by_counting(rule, VOCABULARY, 1.0, random.Random(1)) == "a" * g.BLOCK_SIZE


@pytest.mark.parametrize(
    "a, b, wanted",
    [
        ("kristen", "kristin", True),
        ("jo", "joe", True),
        ("joe", "jo", True),
        ("ann", "hann", True),
        ("abc", "abd", True),
        ("abc", "xbc", True),
        ("abcd", "abxy", False),
        ("abc", "acb", False),
        ("jo", "joel", False),
        ("abc", "abcx", True),
        ("abc", "xabd", False),
    ],
)
def test_twins(a, b, wanted):
    assert g.are_twins(a, b) is wanted


def test_twins_are_found():
    data = g.Data([], ["kristin", "joe", "max"], ["kristen", "zoe", "mary", "maxi"], [], [])
    assert g.find_twins(data) == [0, 1, 3]


def test_a_loss_difference_is_per_token_and_its_error_that_of_the_words():
    token_lists = [[0, 1, 0], [0, 1, 2, 3, 0], [0, 2, 0]]
    gap = g.loss_difference([3.0, 9.0, 4.0], [2.0, 5.0, 4.0], token_lists)
    assert gap.mean == pytest.approx(5 / 8)
    deviations = [1 - 2 * 5 / 8, 4 - 4 * 5 / 8, 0 - 2 * 5 / 8]
    assert gap.error == pytest.approx(math.sqrt(sum(d * d for d in deviations)) / 8)
    assert math.isnan(g.mean_and_error([], []).mean)  # no word has a twin, say


def test_the_standard_error_is_the_spread_over_other_words():
    """Draw many sets of words: the ratio then varies by as much as the error of one set says."""
    rng = random.Random(6)
    estimates = []
    for _ in range(400):
        bottoms = [rng.randrange(3, 11) for _ in range(60)]
        tops = [n * (0.3 + rng.gauss(0.0, 0.5)) for n in bottoms]
        estimates.append(g.mean_and_error(tops, bottoms))
    mean = math.fsum([e.mean for e in estimates]) / 400
    spread = math.sqrt(math.fsum([(e.mean - mean) ** 2 for e in estimates]) / 399)
    assert math.fsum([e.error for e in estimates]) / 400 == pytest.approx(spread, rel=0.1)


def test_nats_of_model_are_those_of_whole_words(model):
    words = [tokenize("al"), tokenize("eve")]
    expected = [-math.fsum(float_log_probs(model, tokens)) for tokens in words]
    assert g.nats_of_model(g.freeze(model), words) == pytest.approx(expected, rel=1e-11)


def test_curves_are_drawn_where_they_belong(capsys):
    curves = g.Curves([4.0, 3.0, 2.0, 2.0, 2.0, 2.0], {0: 4.0, 6: 1.0})
    g.draw_curves(curves, {"all tokens alike": 2.5, "counted pairs": 2.5}, width=6, height=7)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:7] == [
        "   4.00 o",
        "   3.50",
        "   3.00  .",
        "   2.50 ------- alike, pairs",
        "   2.00   ....",
        "   1.50",
        "   1.00       o",
    ]


def test_columns_of_the_plot_hold_means():
    assert g.mean_in_columns([1.0, 3.0, 5.0, 6.0], 2) == {0: 2.0, 1: 5.5}
    assert g.mean_in_columns([1.0, 3.0], 4) == {0: 1.0, 2: 3.0}  # fewer steps than columns


def test_mean_weights_are_those_of_the_weights(model):
    frozen = g.freeze(model)
    names = ["mo", "eva"]
    data = g.Data(VOCABULARY, [], names, [], [tokenize(name) for name in names])
    mo, eva = [g.read_weights(frozen, tokens) for tokens in data.held_out]
    assert len(mo) == 3 and len(mo[2]) == 4 and len(mo[2][1]) == 3
    places = [weights_of_heads[1] for weights_of_heads in (mo[2], eva[2], eva[3])]
    means = g.mean_weights(frozen, data)[1]
    assert list(means) == ["newest", "one back", "boundary", "vowels"]
    assert means["newest"] == pytest.approx(sum(weights[-1] for weights in places) / 3)
    assert means["one back"] == pytest.approx(sum(weights[-2] for weights in places) / 3)
    assert means["boundary"] == pytest.approx(sum(weights[0] for weights in places) / 3)
    on_vowels = [places[0][2], places[1][1], places[2][1] + places[2][3]]
    assert means["vowels"] == pytest.approx(sum(on_vowels) / 3)
    short = g.Data(VOCABULARY, [], ["a"], [], [tokenize("a")])  # has no second letter
    assert all(math.isnan(mean) for mean in g.mean_weights(frozen, short)[0].values())


def test_a_head_that_is_off_passes_nothing_on(model):
    frozen = g.freeze(model)
    tokens = tokenize("anna")
    off = g.without_heads(frozen, [1])
    changed = {**off, "layer0.value": [list(row) for row in off["layer0.value"]]}
    for row in range(4, 8):  # what head 2 would collect
        changed["layer0.value"][row] = [5.0] * 16
    assert g.log_probs(off, tokens) == g.log_probs(changed, tokens) != g.log_probs(frozen, tokens)
    changed["layer0.value"][8] = [5.0] * 16  # of head 3, which is on
    assert g.log_probs(off, tokens) != g.log_probs(changed, tokens)
    none = g.without_heads(frozen, range(4))
    assert all(p == 0.0 for row in none["layer0.output"] for p in row)
    assert frozen["layer0.output"] != none["layer0.output"]  # a copy


def test_grids_show_the_weights_in_columns_as_wide_as_their_letters(capsys, monkeypatch):
    monkeypatch.setattr(g, "N_HEAD", 2)
    weights = [[[1.0], [1.0]], [[0.25, 0.75], [0.04, 0.96]], [[0.0, 0.5, 0.5], [0.1, 0.2, 0.7]]]
    g.draw_grids(["<>", "\u738b", "b"], weights)
    assert capsys.readouterr().out.splitlines() == [
        "      <>\u738bb      <>\u738bb",
        "   <> @       <> @",
        "   \u738b : #     \u738b   @",
        "   b    + +   b  . : #",
    ]


def test_shades_and_widths():
    assert [g.shade(w) for w in (0.0, 0.1, 0.55, 0.99, 1.0)] == [" ", ".", "+", "@", "@"]
    assert g.width_of("anna") == 4 and g.width_of("\u738b\u674e") == 4
    assert g.pad("\u738b", 4) == "\u738b  "
    assert g.name_to_draw(["bo", "margaret", "christina"]) == "margaret"
    assert g.name_to_draw(["christina"]) == "chri"


def test_fours_and_what_is_told_by_them():
    assert ["".join(four) for four in g.fours_of("mary")] == ["<>mar", "mary", "ary<>"]
    words = ["mary", "max", "mary", "bo"]
    # mary has 3 familiar fours of 3, twice; max has 0 of 2, bo 0 of 1.
    assert g.familiar_fours(words, ["mary", "ann"]).mean == pytest.approx(6 / 9)
    copied = g.copies(words, ["mary", "ann"])
    assert copied == pytest.approx((2 / 4, math.sqrt(0.5 * 0.5 / 4)))


def test_every_writer_has_its_own_generator_and_reports(small, monkeypatch):
    data, rules, frozen, _ = small
    shown = []
    monkeypatch.setattr(g, "show_progress", lambda *args: shown.append(args[:3]))
    monkeypatch.setattr(g, "N_SAMPLES", 6)
    written = g.write_words(frozen, data, rules, 5)
    assert list(written) == ["counted pairs", "counted fours", "this GPT"]
    rng = random.Random("5 counted fours")
    fours = rules["counted fours"]
    expected = [g.sample_by_counting(fours, data.vocabulary, 0.7, rng) for _ in range(6)]
    assert written["counted fours"] == expected
    rng = random.Random("5 this GPT")
    expected = [g.sample(frozen, data.vocabulary, 0.7, rng) for _ in range(6)]
    assert written["this GPT"] == expected
    assert shown[6:12] == [("writing, counted fours", i, 6) for i in range(1, 7)]


def test_names_are_marked(capsys):
    data = g.Data([], ["mary"], ["eva"], [], [])
    g.print_names(["mary", "eva", "zu"], data)
    assert capsys.readouterr().out.split() == ["*mary", "+eva", "zu"]
    g.print_names(["\u738b" * 15] * 3, data)  # 30 columns each
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.fixture(scope="module")
def small():
    """Some names, the rules that count them, and a model of them that is trained a little."""
    names = [name for name in g.NAMES.split() if len(name) <= 5][:90]
    data = g.split_data(names, random.Random(2))
    model = g.init_model(len(data.vocabulary), random.Random(3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(g, "show_progress", lambda *args: None)
        curves = g.train(model, data.train_set, data.held_out, 12)
    return data, g.counting_rules(data), g.freeze(model), curves


def cells_of(lines, label):
    """The numbers in the row of a table that begins with this label."""
    (row,) = [line for line in lines if line.startswith(f"   {label}  ")]
    return [float(cell) for cell in row[3 + len(label) :].replace("+-", " ").split()]


def test_part_2_prints_the_losses_and_claims_what_they_say(small, capsys):
    data, rules, frozen, curves = small
    untrained = g.freeze(g.init_model(len(data.vocabulary), random.Random(3)))
    claims = g.what_it_learned(frozen, untrained, data, rules, curves)
    lines = capsys.readouterr().out.splitlines()
    tokens = g.tokenize(g.name_to_draw(data.held_out_names), data.vocabulary)
    for label, model in (("untrained", untrained), ("trained", frozen)):
        expected = [math.exp(log_p) for log_p in g.log_probs(model, tokens)]
        (row,) = [line.split() for line in lines if line.startswith(f"   {label} ")]
        assert [float(p) for p in row[1:]] == pytest.approx(expected, abs=6e-4)
    (row,) = [line.split() for line in lines if line.startswith("   pays ")]
    pays = [-log_p for log_p in g.log_probs(frozen, tokens)]
    assert [float(nats) for nats in row[1:]] == pytest.approx(pays, abs=6e-3)
    twins = g.find_twins(data)
    fours = rules["counted fours"]
    by_group, fours_by_group = [], []
    for group in (range(15), twins, set(range(15)) - set(twins)):
        words = [data.held_out[i] for i in group]
        by_group.append(g.word_loss(frozen, *words))
        n_tokens = sum(len(tokens) - 1 for tokens in words)
        fours_by_group.append(math.fsum([fours.nats(tokens) for tokens in words]) / n_tokens)
    for label, losses in (("this GPT", by_group), ("counted fours", fours_by_group)):
        loss, perplexity, *of_groups = cells_of(lines, label)
        assert [loss, *of_groups[:2]] == pytest.approx(losses, abs=6e-4)
        assert perplexity == pytest.approx(math.exp(losses[0]), abs=0.06)
    gap = cells_of(lines, "counted fours")[4]
    assert gap == pytest.approx(by_group[0] - fours_by_group[0], abs=6e-4)
    known = g.word_loss(frozen, *data.train_set[:15])
    assert f"   On 15 names that it learned from the GPT's loss is {known:.3f}." in "\n".join(lines)
    nats = [[-math.fsum(g.log_probs(frozen, t)), fours.nats(t)] for t in data.held_out]
    gap = g.mean_and_error([a - b for a, b in nats], [len(t) - 1 for t in data.held_out])
    sum_of_both = f"{gap.mean:.3f} + 2 x {gap.error:.3f} = {gap.mean + 2 * gap.error:.3f}"
    assert f"above counted fours by {sum_of_both}, below" in claims[1]
    assert claims[0].startswith("[no] held-out loss ")  # 12 steps are too few
    assert claims[1].startswith("[no]")


def test_part_3_prints_the_rises_and_claims_what_they_say(small, capsys):
    data, _, frozen, _ = small
    untrained = g.freeze(g.init_model(len(data.vocabulary), random.Random(3)))
    claims = g.where_it_looks(frozen, untrained, data)
    lines = capsys.readouterr().out.splitlines()
    words = data.held_out + data.train_set[:15]
    loss = g.word_loss(frozen, *words)
    rise = g.word_loss(g.without_heads(frozen, [1]), *words) - loss
    means = list(g.mean_weights(frozen, data)[1].values())
    assert cells_of(lines, "head 2")[:4] == pytest.approx(means, abs=6e-3)
    assert cells_of(lines, "head 2")[4] == pytest.approx(rise, abs=6e-4)
    means = list(g.mean_weights(untrained, data)[0].values())
    assert cells_of(lines, "head 1, untrained") == pytest.approx(means, abs=6e-3)
    rise = g.word_loss(g.without_heads(frozen, range(4)), *words) - loss
    assert f"   Without any head it rises by {rise:.3f} +- " in "\n".join(lines)
    assert f"without its heads the GPT loses {rise:.3f} more, over 2 x " in claims[0]


def test_part_4_prints_the_verdicts_and_claims_what_they_say(small, capsys, monkeypatch):
    data, rules, frozen, _ = small
    monkeypatch.setattr(g, "N_SAMPLES", 40)
    monkeypatch.setattr(g, "show_progress", lambda *args: None)
    claims = g.names_of_its_own(frozen, data, rules, 4)
    lines = capsys.readouterr().out.splitlines()
    written = g.write_words(frozen, data, rules, 4)
    real = g.familiar_fours(data.held_out_names, data.train_names)
    for writer, words in written.items():
        familiar = g.familiar_fours(words, data.train_names)
        off = familiar.mean - real.mean
        expected = [*familiar, off, *g.copies(words, data.train_names)]
        assert cells_of(lines, writer) == pytest.approx(expected, abs=6e-4)
    assert cells_of(lines, "held-out names") == pytest.approx(real, abs=6e-4)
    assert claims[0].startswith("[no] familiar: -")  # 12 steps are too few
    assert written["this GPT"][0] in lines[3]


@pytest.mark.parametrize(
    "size, error, wanted",
    [(0.11, 0.05, "ok ok ok"), (0.1, 0.05, "no no no"), (0.09, 0.05, "no ok no")],
)
def test_claims_ask_for_two_standard_errors(small, monkeypatch, size, error, wanted, capsys):
    """Of the lead over pairs, of the rise without heads; and 0.2 is the bound beside fours."""
    data, rules, frozen, curves = small
    behind = 0.2 - 2 * error if wanted == "no no no" else 0.2 - 2 * error - 1e-6
    pairs = [rules["counted pairs"].nats(tokens) for tokens in data.held_out]

    def fixed(nats_a, nats_b, token_lists):
        is_lead = nats_a == pairs or len(token_lists) > len(data.held_out)
        return g.Estimate(size if is_lead else behind, error)

    monkeypatch.setattr(g, "loss_difference", fixed)
    claims = g.what_it_learned(frozen, frozen, data, rules, curves)
    claims += g.where_it_looks(frozen, frozen, data)
    assert " ".join([claim[1:3] for claim in claims]) == wanted


def test_the_claim_of_part_4_asks_for_two_standard_errors(small, monkeypatch, capsys):
    data, rules, frozen, _ = small
    monkeypatch.setattr(g, "write_words", lambda *args: {"counted pairs": ["p"], "this GPT": ["g"]})
    monkeypatch.setattr(g, "print_names", lambda *args: None)
    for share, wanted in ((0.301, "[ok] familiar: 0.101"), (0.3, "[no] familiar: 0.100")):
        estimates = {"p": g.Estimate(0.2, 0.03), "g": g.Estimate(share, 0.04)}
        found = lambda words, names, e=estimates: e.get(words[0], g.Estimate(0.5, 0.1))  # noqa: E731
        monkeypatch.setattr(g, "familiar_fours", found)
        (claim,) = g.names_of_its_own(frozen, data, rules, 1)
        assert claim == f"{wanted} above counted pairs, over 2 x 0.050"


def test_a_claim_says_how_it_came_out(capsys):
    claims = [g.check(1 < 2, "one"), g.check(2 < 1, "two")]
    assert claims == ["[ok] one", "[no] two"]
    g.print_claims(claims, g.STEPS)
    assert capsys.readouterr().out.splitlines() == ["", "claims", *claims]
    g.print_claims(claims, g.STEPS - 1)
    assert "500 steps" in capsys.readouterr().out.splitlines()[2]


@pytest.mark.parametrize("n_short, n_long, is_list", [(12, 12, 1), (11, 0, 0), (12, 13, 0)])
def test_a_list_of_words_has_12_that_are_short_and_not_more_that_are_long(
    tmp_path, n_short, n_long, is_list
):
    words = [f"word{i}" for i in range(n_short)] + [
        f"{i} is too long a word" for i in range(n_long)
    ]
    path = tmp_path / "words.txt"
    path.write_text("\n".join(words), encoding="utf-8")
    if is_list:
        assert g.read_words(path) == words
    else:
        with pytest.raises(argparse.ArgumentTypeError):
            g.read_words(path)


def test_a_file_with_control_characters_is_no_list_of_words(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("\n".join(f"word\t{i}" for i in range(20)), encoding="utf-8")
    with pytest.raises(argparse.ArgumentTypeError, match="control characters"):
        g.read_words(path)


def test_part_4_shows_24_names(small, monkeypatch, capsys):
    data, rules, frozen, _ = small
    written = {"counted pairs": ["p"] * 30, "this GPT": [f"n{i}" for i in range(30)]}
    shown = []
    monkeypatch.setattr(g, "write_words", lambda *args: written)
    monkeypatch.setattr(g, "print_names", lambda names, data: shown.extend(names))
    g.names_of_its_own(frozen, data, rules, 1)
    assert shown == [f"n{i}" for i in range(24)]
