"""Value in every script: the four vectors of the interface, every operation, every edge."""

import gc
import math
import random
import sys

import pytest
from scripts import extract


def slope(f, x, h=1e-6):
    """The central difference of f at x."""
    return (f(x + h) - f(x - h)) / (2 * h)


# --- The four test vectors of the interface ------------------------------------------------------


def test_vector_1_simple_chain(lib):
    a = lib.Value(2.0)
    b = lib.Value(3.0)
    c = a * b + b
    c.backward()
    assert c.data == 9.0
    assert a.grad == 3.0
    assert b.grad == 3.0


def test_vector_2_tanh(lib):
    x = lib.Value(0.5)
    y = x.tanh()
    y.backward()
    assert abs(x.grad - 0.7865) < 0.001


def test_vector_3_reuse(lib):
    a = lib.Value(2.0)
    b = a + a
    b.backward()
    assert a.grad == 2.0


def test_vector_4_softmax_stability(lib):
    logits = [lib.Value(1000.0), lib.Value(1001.0), lib.Value(1002.0)]
    probs = lib.softmax(logits)
    assert all(0 < p.data < 1 for p in probs)
    assert abs(sum(p.data for p in probs) - 1.0) < 1e-6
    assert [round(p.data, 2) for p in probs] == [0.09, 0.24, 0.67]


# --- Every operation against finite differences --------------------------------------------------

UNARY = {
    "neg": (lambda v: -v, lambda x: -x, [-1.5, 0.0, 2.0]),
    "add number": (lambda v: v + 3, lambda x: x + 3, [-1.5, 2.0]),
    "number add": (lambda v: 3 + v, lambda x: 3 + x, [-1.5, 2.0]),
    "sub number": (lambda v: v - 3, lambda x: x - 3, [-1.5, 2.0]),
    "number sub": (lambda v: 3 - v, lambda x: 3 - x, [-1.5, 2.0]),
    "mul number": (lambda v: v * 3, lambda x: x * 3, [-1.5, 2.0]),
    "number mul": (lambda v: 3 * v, lambda x: 3 * x, [-1.5, 2.0]),
    "div number": (lambda v: v / 3, lambda x: x / 3, [-1.5, 2.0]),
    "number div": (lambda v: 3 / v, lambda x: 3 / x, [-1.5, 2.0]),
    "square": (lambda v: v**2, lambda x: x**2, [-1.5, 0.0, 2.0]),
    "cube": (lambda v: v**3, lambda x: x**3, [-1.5, 0.0, 2.0]),
    "power 1": (lambda v: v**1, lambda x: x, [-1.5, 0.0, 2.0]),
    "power 0": (lambda v: v**0, lambda x: 1.0, [-1.5, 0.0, 2.0]),
    "power -2": (lambda v: v**-2, lambda x: x**-2, [-1.5, 2.0]),
    "power 0.5": (lambda v: v**0.5, lambda x: x**0.5, [0.3, 2.0]),
    "power 2.0 of a negative base": (lambda v: v**2.0, lambda x: x * x, [-1.5]),
    "tanh": (lambda v: v.tanh(), math.tanh, [-1.5, 0.0, 2.0]),
    "exp": (lambda v: v.exp(), math.exp, [-1.5, 0.0, 2.0]),
    "relu": (lambda v: v.relu(), lambda x: max(x, 0.0), [-1.5, -1e-3, 1e-3, 2.0]),
    "log": (lambda v: v.log(), math.log, [1e-3, 0.5, 2.0]),
}


@pytest.mark.parametrize("name", UNARY)
def test_unary_operation(lib, name):
    build, f, points = UNARY[name]
    for x in points:
        leaf = lib.Value(x)
        out = build(leaf)
        out.backward()
        assert out.data == pytest.approx(f(x), rel=1e-12, abs=1e-12)
        assert leaf.grad == pytest.approx(slope(f, x), rel=1e-6, abs=1e-8)


BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}


@pytest.mark.parametrize("name", BINARY)
def test_binary_operation_on_both_sides(lib, name):
    f = BINARY[name]
    for x, y in [(2.0, -3.0), (-0.5, 0.25), (0.0, 4.0)]:
        a, b = lib.Value(x), lib.Value(y)
        out = f(a, b)
        out.backward()
        assert out.data == pytest.approx(f(x, y), rel=1e-12)
        assert a.grad == pytest.approx(slope(lambda t: f(t, y), x), rel=1e-6)  # noqa: B023
        assert b.grad == pytest.approx(slope(lambda t: f(x, t), y), rel=1e-6)  # noqa: B023


def test_a_number_makes_no_node(lib):
    v = lib.Value(2.0)
    for out in (v + 2.0, 2.0 + v, v * 2.0, 2.0 * v, v - 2.0, v / 2.0, -v):
        assert type(out._prev) is tuple and len(out._prev) == len(out._local_grads) == 1


# --- Edges ---------------------------------------------------------------------------------------


def test_relu_at_zero_has_derivative_zero(lib):
    for x in (0.0, -0.0):
        leaf = lib.Value(x)
        out = leaf.relu()
        out.backward()
        assert (out.data, leaf.grad) == (0.0, 0.0)


@pytest.mark.parametrize("x", [1e-10, 1e-11, 0.0, -5.0])
def test_log_clamps_its_value_and_its_derivative(lib, x):
    for log in (lib.Value.log, lib.safe_log):
        leaf = lib.Value(x)
        out = log(leaf)
        out.backward()
        assert out.data == math.log(1e-10)
        assert leaf.grad == 1.0 / 1e-10


def test_safe_log_keeps_the_graph(lib):
    x = lib.Value(0.25)
    lib.safe_log(x * 2.0).backward()
    assert x.grad == 4.0


def test_power_zero_is_flat_everywhere(lib):
    for x in (-2.0, 0.0, 3.0):
        for exponent in (0, 0.0):
            leaf = lib.Value(x)
            out = leaf**exponent
            out.backward()
            assert (out.data, leaf.grad) == (1.0, 0.0)


def test_power_that_leaves_the_reals(lib):
    with pytest.raises(ValueError, match="real"):
        lib.Value(-2.0) ** 0.5
    with pytest.raises(ValueError, match="real"):
        lib.Value(-8.0) ** (1 / 3)
    with pytest.raises(ZeroDivisionError):
        lib.Value(0.0) ** -1
    with pytest.raises(ZeroDivisionError):
        1.0 / lib.Value(0.0)
    with pytest.raises(ZeroDivisionError):  # the value is 0, but the slope is infinite
        lib.Value(0.0) ** 0.5


@pytest.mark.parametrize("exponent", ["2", None, [2]])
def test_exponent_that_is_no_number(lib, exponent):
    with pytest.raises(TypeError, match="unsupported operand"):
        lib.Value(2.0) ** exponent
    with pytest.raises(TypeError, match="unsupported operand"):
        lib.Value(2.0) ** lib.Value(2.0)


def test_exp_overflow_is_an_error(lib):
    with pytest.raises(OverflowError):
        lib.Value(710.0).exp()


def test_nan_stays_visible(lib):
    nan = lib.Value(math.nan)
    for out in (nan.relu(), nan.log(), nan + 1.0, lib.safe_log(nan)):
        assert math.isnan(out.data)


class ForeignInteger(int):
    """Like an integer of numpy: its negative integer powers are refused."""

    def __pow__(self, exponent):
        if isinstance(exponent, int) and exponent < 0:
            raise ValueError("Integers to negative integer powers are not allowed.")
        return float(self) ** exponent


def test_division_by_a_foreign_integer(script):
    x = extract(script)["Value"](3.0)
    out = x / ForeignInteger(2)
    out.backward()
    assert (out.data, x.grad) == (1.5, 0.5)


def test_slopes_that_no_float_can_hold_raise(lib):
    """The interface's page says so: the value would fit, its derivative does not."""
    with pytest.raises(OverflowError):
        1.0 / lib.Value(1e-160)
    with pytest.raises(OverflowError):
        lib.Value(1e-300) / lib.Value(1e-300)


def test_repr_shows_data_and_grad(lib):
    assert repr(lib.Value(2.0)) == "Value(data=2.0, grad=0.0)"


# --- backward() ----------------------------------------------------------------------------------


def test_a_chain_of_100000_nodes(lib):
    x = lib.Value(1.0)
    v = x
    for _ in range(100_000):
        v = v + 1.0
    v.backward()
    assert (v.data, x.grad) == (100_001.0, 1.0)
    del v  # freeing such a chain must not overflow the C stack either


def test_backward_twice_adds_the_same_gradient_again(lib):
    x = lib.Value(3.0)
    y = (x * x).tanh() * x
    y.backward()
    once = x.grad
    y.backward()
    assert x.grad == 2 * once


def test_two_losses_over_one_subgraph_add_up(lib):
    def build():
        x = lib.Value(0.7)
        shared = (x * x).exp() * 3.0
        return x, shared.tanh(), shared * shared

    x, first, second = build()
    first.backward()
    second.backward()
    a, alone, _ = build()
    alone.backward()
    b, _, alone = build()
    alone.backward()
    assert x.grad == a.grad + b.grad


def test_backward_of_a_leaf(lib):
    x = lib.Value(3.0)
    x.backward()
    x.backward()
    assert x.grad == 2.0


def test_a_node_waits_for_all_of_its_users(lib):
    # b is used at three depths. A sweep in any order but a topological one passes b's gradient on
    # before it is whole.
    a = lib.Value(2.0)
    b = a * 3.0
    c = b * b
    d = c * b
    (d + c + b).backward()  # 27 a^3 + 9 a^2 + 3 a
    assert a.grad == pytest.approx(81 * 4 + 18 * 2 + 3, rel=1e-15)


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="counts references")
def test_no_reference_cycle_is_left_behind(lib):
    def work():
        xs = [lib.Value(0.1 * i) for i in range(5)]
        out = lib.dot(xs, lib.softmax(xs)).tanh() ** 2 / (xs[1].exp() + xs[2].relu() + 1.0)
        lib.safe_log(out).backward()

    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        work()
        assert gc.collect() == 0
    finally:
        if enabled:
            gc.enable()


def recursive_backward(loss):
    """The interface's own backward pass: a recursive depth-first sort, the last child first."""
    topo, visited = [], set()

    def visit(node):
        if node not in visited:
            visited.add(node)
            for child in reversed(node._prev):
                visit(child)
            topo.append(node)

    visit(loss)
    loss.grad = 1.0
    for node in reversed(topo):
        node._backward()


STEPS = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a.tanh() * b,
    lambda a, b: a / (b * b + 1.0),
    lambda a, b: a.tanh().exp(),
    lambda a, b: (a * a + 0.5).log(),
    lambda a, b: (a * a + 1.0) ** -0.5,
    lambda a, b: (a + 0.1234).relu() - 0.5 * b,
    lambda a, b: 2.0 / ((a.tanh() + 3.0) * 1.5),
]


def random_graph(rng, leaves, n_steps=25):
    """A random expression of the leaves, the same for equal states of rng."""
    pool = list(leaves)
    for _ in range(n_steps):
        pool.append(rng.choice(STEPS)(rng.choice(pool), rng.choice(pool)).tanh())
    total = pool[0] * 0.0
    for v in pool[len(leaves) :]:
        total = total + v
    return total


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_against_central_differences(lib, seed):
    rng = random.Random(seed)
    xs = [rng.uniform(-1.0, 1.0) for _ in range(3)]

    def f(xs):
        return random_graph(random.Random(seed + 1000), [lib.Value(x) for x in xs]).data

    leaves = [lib.Value(x) for x in xs]
    random_graph(random.Random(seed + 1000), leaves).backward()
    for i, leaf in enumerate(leaves):
        numeric = slope(lambda t: f(xs[:i] + [t] + xs[i + 1 :]), xs[i])  # noqa: B023
        assert leaf.grad == pytest.approx(numeric, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_order_is_that_of_the_recursion_to_the_last_bit(script, lib, seed):
    def by_recursion(loss):
        recursive_backward(loss)

    xs = [random.Random(seed).uniform(-1.0, 1.0) for _ in range(3)]
    grads = []
    for backward in (lib.Value.backward, by_recursion):
        leaves = [lib.Value(x) for x in xs]
        backward(random_graph(random.Random(seed + 1000), leaves))
        grads.append([leaf.grad for leaf in leaves])
    assert grads[0] == grads[1]


# --- The expressions of micrograd's two sanity tests, with our own numbers ------------------------


def test_expression_with_reuse_and_relu(lib):
    # By hand at x = -4: z = 3x + 2 = -10, q = relu(z) + zx = 40, h = relu(z^2) = 100, so
    # y = h + q + qx = -20. As relu is flat at z: dq = z + 3x = -22 and dh = 2z * 3 = -60, so
    # dy = dh + dq + q + x dq = -60 - 22 + 40 + 88 = 46.
    x = lib.Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    assert (y.data, x.grad) == (-20.0, 46.0)


def test_expression_with_every_arithmetic_operation(lib):
    def expression(a, b, relu):
        c = a + b
        d = a * b + b**3
        c += c + 1
        c += 1 + c + (-a)
        d += d * 2 + relu(b + a)
        d += 3 * d + relu(b - a)
        f = (c - d) ** 2
        return f / 2.0 + 10.0 / f

    a, b = lib.Value(-4.0), lib.Value(2.0)
    out = expression(a, b, lambda v: v.relu())
    out.backward()
    # By hand: c = -1, d = 6, so c - d = -7, f = 49 and the value is 49 / 2 + 10 / 49.
    assert out.data == pytest.approx(49 / 2 + 10 / 49, rel=1e-14)

    def floats(x, y):
        return expression(x, y, lambda v: max(v, 0.0))

    assert a.grad == pytest.approx(slope(lambda t: floats(t, 2.0), -4.0), rel=1e-7)
    assert b.grad == pytest.approx(slope(lambda t: floats(-4.0, t), 2.0), rel=1e-7)


# --- The helpers that build fused nodes ----------------------------------------------------------


def test_dot_is_one_node_and_exact(lib):
    a, b = [lib.Value(x) for x in (1e16, 1.0, -1e16)], [lib.Value(1.0) for _ in range(3)]
    out = lib.dot(a, b)
    assert out._prev == (*a, *b)  # one node, whose children are all 2n factors
    assert out.data == 1.0  # rounded once: adding from left to right gives 0.0
    out.backward()
    assert [v.grad for v in a] == [1.0, 1.0, 1.0]
    assert [v.grad for v in b] == [1e16, 1.0, -1e16]


def test_dot_of_a_list_with_itself(lib):
    a = [lib.Value(x) for x in (1.0, -2.0, 3.0)]
    lib.dot(a, a).backward()
    assert [v.grad for v in a] == [2.0, -4.0, 6.0]


def test_vsum_is_one_exact_node(lib):
    values = [lib.Value(x) for x in (1e16, 1.0, -1e16)]
    out = lib.vsum(values)
    out.backward()
    assert out.data == 1.0 and out._prev == tuple(values)
    assert [v.grad for v in values] == [1.0, 1.0, 1.0]


def test_linear_is_a_matrix_product(lib):
    x = [lib.Value(1.0), lib.Value(2.0)]
    w = [[lib.Value(3.0), lib.Value(4.0)], [lib.Value(5.0), lib.Value(6.0)], [lib.Value(0.0)] * 2]
    out = lib.linear(x, w)
    assert [v.data for v in out] == [11.0, 17.0, 0.0]
    (out[0] * 10.0 + out[1]).backward()
    assert [v.grad for v in x] == [35.0, 46.0]
    assert [[v.grad for v in row] for row in w[:2]] == [[10.0, 20.0], [1.0, 2.0]]


def test_rmsnorm_makes_numbers_of_size_one(lib):
    xs = [3.0, -4.0, 0.5]
    out = lib.rmsnorm([lib.Value(x) for x in xs])
    root = math.sqrt((9 + 16 + 0.25) / 3 + 1e-5)
    assert [v.data for v in out] == pytest.approx([x / root for x in xs], rel=1e-12)
    assert [v.data for v in lib.rmsnorm([lib.Value(0.0)] * 2)] == [0.0, 0.0]
    for i in range(3):
        leaves = [lib.Value(x) for x in xs]
        lib.rmsnorm(leaves)[0].backward()

        def f(t):
            return lib.rmsnorm([lib.Value(t if j == i else x) for j, x in enumerate(xs)])[0].data  # noqa: B023

        assert leaves[i].grad == pytest.approx(slope(f, xs[i]), rel=1e-6)


def test_softmax_is_blind_to_a_shift_and_has_the_right_jacobian(lib):
    xs = [0.3, -1.2, 2.0]
    shifted = [p.data for p in lib.softmax([lib.Value(x + 100.0) for x in xs])]
    logits = [lib.Value(x) for x in xs]
    probs = lib.softmax(logits)
    assert shifted == pytest.approx([p.data for p in probs], rel=1e-12)
    probs[1].backward()
    p = [q.data for q in probs]
    expected = [p[1] * ((j == 1) - p[j]) for j in range(3)]  # dp_i/dx_j = p_i (1[i=j] - p_j)
    assert [v.grad for v in logits] == pytest.approx(expected, rel=1e-12)


def test_softmax_survives_a_hopeless_logit(lib):
    probs = lib.softmax([lib.Value(0.0), lib.Value(-1000.0)])
    assert [p.data for p in probs] == [1.0, 0.0]


def test_adam_takes_the_steps_of_the_paper(lib):
    p = lib.Value(1.0)
    m, v = [0.0], [0.0]
    x, mean, square = 1.0, 0.0, 0.0
    for step, grad in enumerate([0.5, -2.0, 0.25], 1):
        p.grad = grad
        lib.adam_step([p], m, v, step, lr=0.1, beta1=0.8, beta2=0.9, eps=1e-3)
        mean = 0.8 * mean + 0.2 * grad
        square = 0.9 * square + 0.1 * grad**2
        x -= 0.1 * (mean / (1 - 0.8**step)) / (math.sqrt(square / (1 - 0.9**step)) + 1e-3)
        assert p.data == pytest.approx(x, rel=1e-12)
        assert (m[0], v[0]) == pytest.approx((mean, square), rel=1e-12)


def test_adam_defaults_are_those_of_the_interface(lib):
    p, m, v = lib.Value(0.0), [0.0], [0.0]
    p.grad = 5.0
    lib.adam_step([p], m, v, 1)
    assert p.data == pytest.approx(-0.001, rel=1e-6)  # the first step is lr, whatever the gradient
    assert (m[0], v[0]) == pytest.approx((0.1 * 5.0, 0.001 * 25.0), rel=1e-9)


def test_adam_leaves_a_parameter_without_gradient_alone(lib):
    p, m, v = lib.Value(3.0), [0.0], [0.0]
    lib.adam_step([p], m, v, 1)
    assert p.data == 3.0


# --- Floats for floats ----------------------------------------------------------------------------


def test_helpers_give_floats_for_floats_and_the_same_numbers(script):
    lib = extract(script)
    value, x, y = lib["Value"], [0.3, -1.2, 2.0], [1.5, 0.25, -0.5]
    matrix = [[0.1, 0.2, 0.3], [-1.0, 0.5, 2.0]]
    cases = {
        "dot": (x, y),
        "vsum": (x,),
        "softmax": (x,),
        "rmsnorm": (x,),
        "add": (x, y),
        "linear": (x, matrix),
        "exp": (0.7,),
        "relu": (-0.7,),
        "safe_log": (0.25,),
    }

    def values(data):
        return value(data) if isinstance(data, float) else [values(part) for part in data]

    def numbers(out):
        return out.data if isinstance(out, value) else [numbers(part) for part in out]

    for name, arguments in cases.items():
        floats = lib[name](*arguments)
        assert "Value" not in repr(floats)
        assert numbers(lib[name](*[values(part) for part in arguments])) == floats, name
    assert [lib["relu"](v) for v in (-1.0, 0.0, 2.0)] == [0.0, 0.0, 2.0]
    assert math.isnan(lib["relu"](math.nan)) and math.isnan(lib["safe_log"](math.nan))
    assert lib["safe_log"](0.0) == math.log(1e-10)
    assert lib["softmax"]([1000.0, 1000.0]) == [0.5, 0.5]


def test_linear_is_the_dot_product_of_each_row(script):
    """To the last bit, in data and gradients: it only reads x once."""
    lib = extract(script)
    rng = random.Random(3)
    found = []
    for rows in (lib["linear"], lambda x, matrix: [lib["dot"](row, x) for row in matrix]):
        rng = random.Random(3)
        x = [lib["Value"](rng.gauss(0, 1)) for _ in range(5)]
        matrix = [[lib["Value"](rng.gauss(0, 1)) for _ in range(5)] for _ in range(3)]
        out = rows(x, matrix)
        assert [v._prev for v in out] == [(*row, *x) for row in matrix]
        lib["vsum"]([v.tanh() for v in out]).backward()
        leaves = [*x, *[w for row in matrix for w in row]]
        found.append([[v.data for v in out], [v.grad for v in leaves]])
    assert found[0] == found[1]


def test_relu_of_a_negative_number_holds_no_graph(script):
    x = extract(script)["Value"](-1.0)
    out = (x * 2.0).relu()
    (out * 3.0).backward()
    assert (out.data, out._prev, x.grad) == (0.0, (), 0.0)


def test_the_example_of_the_comment(script):
    value = extract(script)["Value"]
    a, b = value(2.0), value(5.0)
    c = a * b
    loss = c + b
    loss.backward()
    assert (loss.data, loss.grad, c.grad, a.grad, b.grad) == (15.0, 1.0, 1.0, 5.0, 3.0)
