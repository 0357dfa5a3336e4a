"""A language model gives probabilities; which word comes out of it is another decision.

    python microbeam.py        about 15 seconds; nothing to install, nothing to download

A small GPT learns given names. Then it stays as it is, and only the choice of the next letter
changes: the likeliest letter, the best of several prefixes (beam search), or a letter drawn at
random from some of the likely ones. You will see how near a beam comes to the most probable word,
which is found exactly; what that word is like; what each way of drawing gains and gives up; and how
a cheap model guesses ahead for the GPT and saves calls of it, without changing the odds of any
word (speculative decoding).

When to use which, as the output bears out:

- The most probable output is wanted: exact search where outputs are short, else a wide beam. Mind
  that it is short, and unlike most of what the model writes.
- It is too short: length normalization, which makes it a little longer and less probable.
- Something typical is wanted, and not always the same: draw, with a lower temperature, or with the
  unlikely tokens cut off. At the same entropy, the first does as well here, or slightly better.
- The odds are to be those of the model: draw, and change nothing.
- Calls of a large model are dear: speculation, if something cheap often agrees with it.

Read it from top to bottom. You need Python and school calculus; what machine learning adds is
explained on the way. If you know microgpt.py, read section 1, and go on at section 5: what comes
before is the same there. (Of it section 5 uses gpt() and its caches, and otherwise only that a
model gives probabilities.) In section 6, mean_and_error() and CountingRule are the same there, too.
Section 5 is the lesson, section 6 measures it. Section 7 has main(), and things to try: there the
tutorial ends. Below are tools and the names.

Papers: nucleus sampling, arXiv:1904.09751; top-k, arXiv:1805.04833; min-p, arXiv:2407.01082; length
normalization, arXiv:1609.08144; exact search and its empty answer, arXiv:1908.10090; speculative
decoding, arXiv:2211.17192 and arXiv:2302.01318; RMSNorm, arXiv:1910.07467; Adam, arXiv:1412.6980;
the counting rule, after MacKay and Peto 1995.
"""

import argparse
import collections
import gc
import heapq
import math
import operator
import os
import random
import select
import sys
import time
from typing import NamedTuple

# The data, section 1.
N_HELD_OUT = 100  # names that the model does not learn from

# The model. What these words mean is said in section 3.
N_LAYER = 1  # transformer blocks, one after the other
N_EMBD = 8  # each position of a word is described by this many numbers
N_HEAD = 2  # attention heads of a block; N_EMBD must be a multiple of it
BLOCK_SIZE = 12  # the longest sequence of tokens that the model can read
INIT_STD = 0.08  # standard deviation of the random numbers that the model starts from

# The training, section 4.
STEPS = 1000  # steps of learning
BATCH = 2  # names that are read for each step
LEARNING_RATE = 0.014  # how far a parameter moves in an early step; falls almost to 0
ADAM_BETA1, ADAM_BETA2 = 0.9, 0.99  # the optimizer averages over about 10 and 100 steps

# The experiments, section 6.
N_PROMPTS = 60  # prompts, first letters of names, that are read on
WIDTHS = (2, 4, 8, 16)  # of beam search: how many prefixes are kept
ALPHAS = (0.6, 1.0)  # exponents of length normalization
TEMPERATURES = (0.2, 0.3, 0.5, 0.7, 1.0, 1.3)  # 1.0 is the model itself; from low to high
TOP_KS = (3, 5, 10)  # how many tokens are left to draw from
NUCLEI = (0.5, 0.7, 0.9)  # which share of the probability is left
MIN_PS = (0.3, 0.1, 0.05)  # how likely a token must be, compared with the likeliest
N_SAMPLES = 500  # words of each way of drawing, and of speculation
GUESSES_AHEAD = (1, 2, 4)  # tokens that are guessed for each call of the model
N_TESTED = 10000  # words for the test of speculation
TEST_LETTERS = 3  # the longest of them, so that there are few different ones


# ===== 1. Data: names =============================================================================
#
# The names stand at the end of the file: mary, james, patricia ... The model sees no letters, only
# numbers called tokens. Token 0 is the boundary: a word starts here, or ends here. The other 26
# tokens are the letters.
#
#     tokenize("mary", vocabulary)  =  [0, 13, 1, 18, 25, 0]
#
# The task is always the same: given the tokens so far, say how likely each token is to come next. A
# name of four letters is five such tasks: 0 -> m, m -> a, a -> r, r -> y, y -> 0.
#
# A guess is judged by the probability p that it gave to the token that really came: it pays -log p.
# The mean of that over many guesses is called the loss; the better the guesses, the smaller it is.
# N_HELD_OUT names are held out: the model never learns from them, and it is judged by them.

BOUNDARY = "<>"  # two characters, so that no letter can be mistaken for it


def make_vocabulary(words):
    """All tokens, in order: token i stands for vocabulary[i]."""
    return [BOUNDARY] + sorted(set("".join(words)))


def tokenize(word, vocabulary):
    """Turn a word into a list of tokens, with the boundary on both sides."""
    letters = [vocabulary.index(letter) for letter in word]
    return [0] + letters + [0]


class Data(NamedTuple):
    """The names, split in two, as lists of tokens."""

    vocabulary: list
    train_set: list
    held_out: list


def split_data(rng):
    """Shuffle the names and hold out N_HELD_OUT of them."""
    names = [name for name in NAMES.split() if len(name) < BLOCK_SIZE]
    rng.shuffle(names)
    vocabulary = make_vocabulary(names)
    tokens = [tokenize(name, vocabulary) for name in names]
    return Data(vocabulary, tokens[N_HELD_OUT:], tokens[:N_HELD_OUT])


# ===== 2. Autograd: derivatives without doing the calculus by hand ================================
#
# The model has parameters: numbers that start out random and are to become good ones. How good they
# are is measured by a single number, the loss L, which is small when the model does well. To
# improve a parameter p we need the derivative dL/dp, the rate at which L grows as p grows. Where it
# is positive, p should shrink; where it is negative, p should grow. All these derivatives together
# are called the gradient.
#
# L comes from the parameters by thousands of small operations. Let each operation remember the
# numbers that went into it, its children, and its own derivative with respect to each of them. For
# c = a * b these derivatives are dc/da = b and dc/db = a. Then walk backwards, from L to the
# parameters. A number c that knows dL/dc can tell each child its share by the chain rule:
#
#     dL/da = dL/dc * dc/da
#
# A small example: a = 2, b = 5, c = a * b = 10 and L = c + b = 15. Backwards,
#
#     dL/dL = 1
#     dL/dc = 1                                 as L = c + b
#     dL/da = dL/dc * dc/da      = 1 * 5     = 5
#     dL/db = dL/dc * dc/db + 1  = 1 * 2 + 1 = 3     b reaches L by two routes: they add up
#
# One such walk gives all derivatives at once. It is called backpropagation.


class Value:
    """A number that remembers what it was computed from.

    data          the number, a float
    grad          dL/d(data), known after L.backward()
    _prev         its children, the Values that it was computed from; a leaf has none
    _local_grads  d(data)/d(child.data) for each child, in the same order
    """

    __slots__ = ("data", "grad", "_prev", "_local_grads")

    def __init__(self, data, children=(), local_grads=()):
        self.data = data
        self.grad = 0.0
        self._prev = children
        self._local_grads = local_grads

    def __add__(self, other):
        if isinstance(other, Value):
            return Value(self.data + other.data, (self, other), (1.0, 1.0))
        return Value(self.data + other, (self,), (1.0,))

    def __mul__(self, other):
        if isinstance(other, Value):
            return Value(self.data * other.data, (self, other), (other.data, self.data))
        return Value(self.data * other, (self,), (other,))

    def __pow__(self, exponent):  # the exponent is a plain number
        result = self.data**exponent
        if isinstance(result, complex):
            raise ValueError(f"({self.data}) ** {exponent} is not a real number")
        slope = exponent * self.data ** (exponent - 1) if exponent else 0.0  # x ** 0 is constant
        return Value(result, (self,), (slope,))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + (-other)

    def __truediv__(self, other):
        return self * other**-1.0

    def __radd__(self, other):  # number + Value
        return self + other

    def __rmul__(self, other):  # number * Value
        return self * other

    def __rsub__(self, other):  # number - Value
        return -self + other

    def __rtruediv__(self, other):  # number / Value
        return self**-1.0 * other

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def tanh(self):
        result = math.tanh(self.data)
        return Value(result, (self,), (1.0 - result * result,))

    def exp(self):
        result = math.exp(self.data)
        return Value(result, (self,), (result,))

    def relu(self):
        if self.data <= 0.0:
            return Value(0.0)  # flat here: no gradient goes back, so it is a leaf
        return Value(self.data, (self,), (1.0,))

    def log(self):
        # log(0) does not exist. A number below 1e-10 counts as 1e-10, in the slope, too.
        clamped = max(self.data, 1e-10)
        return Value(math.log(clamped), (self,), (1.0 / clamped,))

    def _backward(self):
        """Give each child its share of this node's gradient, by the chain rule."""
        grad = self.grad
        for child, local_grad in zip(self._prev, self._local_grads):
            child.grad += local_grad * grad  # += because a child may be used more than once

    def backward(self):
        """Compute dL/dv for every Value v that this one, L, was computed from.

        Leaves, such as parameters, add it to the grad they have: clear it before each step.
        """
        # A node, a Value with children, may pass its gradient on only after all nodes that use it
        # have passed on theirs. So list the nodes, each after its children (a topological order),
        # and walk the list from its end. Recursion would make the list like this:
        #
        #     def visit(node):
        #         if node not in visited:
        #             visited.add(node)
        #             for child in node._prev:
        #                 visit(child)
        #             order.append(node)
        #
        # But Python stops recursion at about 1,000 calls, so we keep a stack and pop from its end:
        #     a new node            push it again, then a mark, written |, then its children
        #     a mark                all children of the node before it are listed: pop and list it
        #     a node seen before    nothing is left to do
        #
        # For L = c + d, c = a * b and d = c * a (a and b are leaves, and pass nothing on):
        #
        #     stack                       list      popped is
        #     L                                     L, new: push L, |, c and d
        #     L | c d                               d, new: push d, | and c
        #     L | c d | c                           c, new: push c and |
        #     L | c d | c |                         a mark: pop and list c
        #     L | c d |                   c         a mark: pop and list d
        #     L | c                       c d       c, seen before
        #     L |                         c d       a mark: pop and list L
        #                                 c d L     walk back: L, d, c
        order = []
        visited = set()
        stack = [self] if self._prev else []  # a leaf has nothing to pass on
        while stack:
            node = stack.pop()
            if node is None:  # the mark |
                order.append(stack.pop())
            elif node not in visited:
                visited.add(node)
                node.grad = 0.0  # forget an earlier walk; only leaves keep what they have
                stack.append(node)
                stack.append(None)
                for child in node._prev:
                    if child._prev and child not in visited:
                        stack.append(child)
        self.grad += 1.0  # dL/dL
        for node in reversed(order):
            node._backward()


# --- AUTOGRAD IN THIS SCRIPT ---
# This Value class follows the canonical interface exactly.
# See docs/autograd-interface.md for the full specification.

# (The other scripts of the collection share this class, and that page describes it. You need not
# read it for this file.)
#
# The model will be built from the functions below. A node may stand for any function whose
# derivatives we can write down. The dot product s = a1*b1 + ... + an*bn would take 2n - 1 nodes of
# + and *. As a single node with 2n children it is the same sum with far less bookkeeping:
# ds/d(ai) = bi and ds/d(bi) = ai.
#
# Where no derivative is needed, as in a model that is only used, plain floats will do. So these
# functions give Values for Values and floats for floats. math.fsum rounds a sum only once, which
# makes it the same on every version of Python.


def dot(a, b):
    """The dot product of two equally long lists, of Values (as one node) or of floats."""
    if not isinstance(a[0], Value):
        return math.fsum(map(operator.mul, a, b))
    a_data = [v.data for v in a]
    b_data = [v.data for v in b]
    total = math.fsum(map(operator.mul, a_data, b_data))
    return Value(total, (*a, *b), (*b_data, *a_data))


def vsum(values):
    """The sum of a list, of Values (as one node) or of floats."""
    if not isinstance(values[0], Value):
        return math.fsum(values)
    total = math.fsum([v.data for v in values])
    return Value(total, tuple(values), (1.0,) * len(values))


def exp(x):
    """e to the power of a Value or a float."""
    return x.exp() if isinstance(x, Value) else math.exp(x)


def relu(x):
    """The larger of x and 0, for a Value or a float."""
    return x.relu() if isinstance(x, Value) else max(x, 0.0)


def safe_log(p):
    """log(p) of a probability, a Value or a float, with p below 1e-10 taken as 1e-10."""
    # A probability can round to 0.0, which has no log: without the limit the run would end in an
    # error. With it, no guess costs more than -log(1e-10), about 23. (Large programs compute log
    # and softmax together, in one formula that needs no limit.)
    return p.log() if isinstance(p, Value) else math.log(max(p, 1e-10))


def linear(x, matrix):
    """Matrix times vector: the dot product of each row with x. Gives a number for each row."""
    if not isinstance(x[0], Value):
        return [dot(row, x) for row in matrix]
    # The same for Values. As x stands in every product, its numbers are read only once.
    x_data = [v.data for v in x]
    products = []
    for row in matrix:
        row_data = [v.data for v in row]
        total = math.fsum(map(operator.mul, row_data, x_data))
        products.append(Value(total, (*row, *x), (*x_data, *row_data)))
    return products


def add(x, y):
    """The sum of two equally long vectors, number by number."""
    return [a + b for a, b in zip(x, y)]


def softmax(logits):
    """Turn scores of any size (logits) into probabilities: p_i = exp(x_i) / sum_j exp(x_j)."""
    # Subtracting the same number from all scores changes nothing: it cancels in the fraction. We
    # subtract the largest, so that no exponent is above 0; exp(710) is more than a float can hold.
    largest = max(x.data if isinstance(x, Value) else x for x in logits)
    exps = [exp(x - largest) for x in logits]
    inverse = vsum(exps) ** -1
    return [e * inverse for e in exps]


def rmsnorm(x):
    """Divide a vector by the root of its mean square, so that its numbers are about 1 in size."""
    # Without it, sizes could grow or shrink from layer to layer. 1e-5 avoids a division by 0.
    mean_square = dot(x, x) * (1.0 / len(x))
    scale = (mean_square + 1e-5) ** -0.5
    return [v * scale for v in x]


# ===== 3. Model: the transformer ==================================================================
#
# The model reads a word token by token, and says after each one how likely every token is to come
# next. It describes each position of the word by a vector: a list of N_EMBD numbers. At first these
# come from two tables, one row for each token and one for each position, added up. That is called
# the embedding; its rows start random and are learned like all else. Then each block changes the
# description twice:
#
#     attention   lets a position collect what it needs from all positions so far
#     MLP         works on what one position has collected
#
# At the end a last matrix turns the description into a score for each token, called its logit, and
# softmax (section 2) turns the scores into probabilities. In short:
#
#     token and position  ->  N_EMBD numbers  ->  attention, MLP  ->  N_EMBD numbers  ->  all logits
#
# This is GPT-2 made small and plain. What differs: N_LAYER blocks, where GPT-2 has 12 to 48;
# letters instead of pieces of words; RMSNorm without learned factors instead of LayerNorm, one more
# of it after the embedding and none at the end; relu instead of gelu; no biases, no dropout, the
# same spread of random numbers in all matrices; and lm_head is a matrix of its own, where GPT-2
# uses the token embedding again.


def random_matrix(rows, columns, rng):
    """A matrix of random Values: a list of rows, each a list of as many numbers as columns."""
    return [[Value(rng.gauss(0.0, INIT_STD)) for _ in range(columns)] for _ in range(rows)]


def init_model(vocabulary_size, rng):
    """All matrices of the model by name, filled with random numbers."""
    model = {
        "token_embedding": random_matrix(vocabulary_size, N_EMBD, rng),  # a row for each token
        "position_embedding": random_matrix(BLOCK_SIZE, N_EMBD, rng),  # a row for each position
        "lm_head": random_matrix(vocabulary_size, N_EMBD, rng),  # vector -> a logit for each token
    }
    for i in range(N_LAYER):
        for name in ("query", "key", "value", "output"):
            model[f"layer{i}.{name}"] = random_matrix(N_EMBD, N_EMBD, rng)  # vector -> vector
        model[f"layer{i}.fc1"] = random_matrix(4 * N_EMBD, N_EMBD, rng)  # vector -> hidden units
        model[f"layer{i}.fc2"] = random_matrix(N_EMBD, 4 * N_EMBD, rng)  # hidden units -> vector
    return model


def parameters(model):
    """All parameters of the model, as one flat list of Values."""
    return [p for matrix in model.values() for row in matrix for p in row]


def freeze(model):
    """A copy of the model in plain floats, for reading and writing without derivatives."""
    return {name: [[p.data for p in row] for row in matrix] for name, matrix in model.items()}


class Cache:
    """What a block keeps of the positions that it has read, the newest last."""

    def __init__(self):
        self.keys = []  # a vector for each position
        self.values = []  # a vector for each position
        self.weights = []  # for each position the weights of each head; kept only to be looked at


def new_caches():
    """Empty caches, one for each block, to start reading a word."""
    return [Cache() for _ in range(N_LAYER)]


def attention(x, model, layer, cache):
    """Let the newest position, described by the vector x, collect what it needs. Gives a vector."""
    # From x each position makes three vectors of the same length: a query (what am I looking for?),
    # a key (what is there to be found here?) and a value (what do I hand over? Nothing to do with
    # the class Value). The newest query is compared with each key so far by a dot product; the
    # better they match, the larger the score. softmax turns the scores into weights that add up to
    # 1, and the values are averaged with them.
    #
    # Say the model reads "ma", "a" being the newest, and vectors had 4 numbers. The query of "a" is
    # (2, 0, 1, 0):
    #
    #                    key           product   score   weight   first number of the value
    #     boundary   (0, 1, 0, 2)         0        0      0.09               3
    #     m          (1, 0, 2, 1)         4        2      0.67               1
    #     a          (0, 3, 2, 0)         2        1      0.24               0
    #
    # So the first number that "a" collects is 0.09 * 3 + 0.67 * 1 + 0.24 * 0 = 0.94. A score is the
    # product divided by sqrt(4), the root of the length: a sum of n random products of either sign
    # has a size of about sqrt(n), and with very large scores all weight would fall on one position,
    # where the derivatives of softmax are near 0.
    #
    # All this is done N_HEAD times side by side, each time on another slice of the three vectors,
    # so that one position can look for several things. Each of these is called a head. What the
    # heads have collected is joined to one vector, and the output matrix mixes it.
    #
    # No position can look ahead: later keys are not in the cache yet. (A GPT that reads all of a
    # text at once must hide what is later: the causal mask.) The keys and values in the cache are
    # part of the same graph, so gradients reach the earlier positions through them.
    size = len(x) // N_HEAD
    query = linear(x, model[f"{layer}.query"])  # as long as x
    cache.keys.append(linear(x, model[f"{layer}.key"]))
    cache.values.append(linear(x, model[f"{layer}.value"]))
    collected = []
    weights_of_heads = []
    for start in range(0, len(x), size):
        head = slice(start, start + size)
        scores = [dot(query[head], key[head]) * size**-0.5 for key in cache.keys]
        weights = softmax(scores)
        for j in range(start, start + size):
            number_j_of_values = [value[j] for value in cache.values]
            collected.append(dot(weights, number_j_of_values))  # their weighted mean
        weights_of_heads.append(weights)
    cache.weights.append(weights_of_heads)
    return linear(collected, model[f"{layer}.output"])


def mlp(x, model, layer):
    """Work on the vector x of one position alone. Gives a vector of the same length."""
    # MLP is short for multi-layer perceptron: a matrix (fc1), relu, another matrix (fc2). Each of
    # the 4 * N_EMBD numbers in between, a hidden unit, asks something about x: it is 0, for no, or
    # positive, the more so the clearer the answer. A unit of 0.5 adds 0.5 times its own column of
    # fc2 to the result. Without relu the two matrices would collapse into one.
    hidden = [relu(h) for h in linear(x, model[f"{layer}.fc1"])]
    return linear(hidden, model[f"{layer}.fc2"])


def gpt(model, token, caches):
    """Read one more token. Return the logits, a score for each token as the next one."""
    # x describes the newest position by N_EMBD numbers. Attention and MLP each add something to it
    # and never replace it. Sums pass a gradient on unchanged, so it also reaches what lies far
    # below, which deep models need. x is called the residual stream. It grows with each thing that
    # is added, so attention and MLP read a normalized copy. (For the first attention that changes
    # little, as x has just been normalized.)
    position = len(caches[0].keys)
    x = add(model["token_embedding"][token], model["position_embedding"][position])
    x = rmsnorm(x)
    for i, cache in enumerate(caches):
        x = add(x, attention(rmsnorm(x), model, f"layer{i}", cache))
        x = add(x, mlp(rmsnorm(x), model, f"layer{i}"))
    return linear(x, model["lm_head"])


def log_probs(model, tokens):
    """Let the model read a word. Return log p(next token) at each position, as one list."""
    caches = new_caches()
    result = []
    for token, target in zip(tokens, tokens[1:]):
        probs = softmax(gpt(model, token, caches))
        result.append(safe_log(probs[target]))
    return result


def word_loss(model, *words):
    """The mean of -log p(next token) over all tokens of one or more words, lists of tokens."""
    # If the model gave probability p to the token that really came, it pays -log p: 0 for p = 1,
    # 0.69 for p = 1/2, 3.30 for p = 1/27. Why the logarithm? The probability of a whole word is the
    # product of those of its tokens, and logarithms turn it into a sum. The unit is the nat, as
    # these logarithms are natural ones. The mean is called cross-entropy.
    all_log_probs = []
    for tokens in words:
        all_log_probs += log_probs(model, tokens)
    return vsum(all_log_probs) * (-1.0 / len(all_log_probs))


# ===== 4. Training ================================================================================
#
# A step of training: show the model some examples and compute its loss; walk back through the
# graph for the gradient; move each parameter a little against its derivative. Then the next step.


def adam_step(params, m, v, step, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Move each parameter a little against its gradient. m, v: floats, changed in place."""
    # The plain rule p -= lr * grad leaps where gradients are large and crawls where they are small.
    # Adam (adaptive moments) keeps two running means for each parameter:
    #     m, of its gradient: the direction, with less of the noise of single examples;
    #     v, of its squared gradient: the square of its usual size.
    # A step of lr * m / sqrt(v) has then about the same scale for large and small gradients. Both
    # means start at 0, so early on they are too small by the factor 1 - beta^step; dividing by it
    # corrects them. eps avoids 0/0 for a parameter that has had no gradient yet.
    m_correction = 1.0 - beta1**step
    v_correction = 1.0 - beta2**step
    for i, p in enumerate(params):
        m[i] = beta1 * m[i] + (1.0 - beta1) * p.grad
        v[i] = beta2 * v[i] + (1.0 - beta2) * p.grad * p.grad
        p.data -= lr * (m[i] / m_correction) / ((v[i] / v_correction) ** 0.5 + eps)


def train(model, train_set, steps):
    """Learn from BATCH names a step, in order, and over again at the end of the list."""
    params = parameters(model)
    m = [0.0] * len(params)
    v = [0.0] * len(params)
    start = time.perf_counter()
    for step in range(1, steps + 1):
        first = (step - 1) * BATCH
        words = [train_set[i % len(train_set)] for i in range(first, first + BATCH)]
        loss = word_loss(model, *words)
        for p in params:
            p.grad = 0.0  # forget the step before: gradients would add up
        loss.backward()
        remaining = (steps - step + 1) / steps  # long steps at first, short ones to settle
        adam_step(params, m, v, step, LEARNING_RATE * remaining, ADAM_BETA1, ADAM_BETA2)
        show_progress(f"training, loss {loss.data:.3f}", step, steps, start)
        del loss  # frees this step's graph before the next one is built


# ===== 5. The lesson: choosing the next token =====================================================
#
# ----- What a decoder sees of a model -------------------------------------------------------------
#
# A decoder is whatever turns the probabilities of a model into a word. All that it sees of the
# model is a function: give it the tokens so far, the prefix, and it gives the log of the
# probability of each token as the next one.
#
#     lm(prefix)  ->  [log p(boundary), log p(a), log p(b), ...]
#
# A prefix is a tuple of tokens that starts with 0. So everything below works for any model of words
# of up to BLOCK_SIZE - 1 letters. The work of a search is counted in calls: for how many prefixes
# it asks the model.
#
# The log of the probability of a word is the sum of those of its tokens, its end included. Say the
# model gives
#
#     p(a) = 0.5    p(n after a) = 0.4    p(end after an) = 0.6
#     p(an)  =  0.5 * 0.4 * 0.6  =  0.12,     log p(an)  =  -0.69 - 0.92 - 0.51  =  -2.12
#
# A search wants log p large, or the cost of the word, -log p, small. Costs are never negative and
# add up along a word, like lengths of roads along a way.

START = (0,)


def is_complete(word):
    """Whether a tuple of tokens is a whole word: 0 stands at its start and again at its end."""
    return len(word) > 1 and word[-1] == 0


class RememberingModel:
    """lm(prefix) -> log p of each next token, by a frozen model that remembers its answers."""

    # Decoders ask for the same prefixes again and again. And for a longer prefix, the caches of the
    # one that is a token shorter are there: they are copied, and the model reads one token more.
    #
    # After BLOCK_SIZE - 1 letters we let the end be certain. No name that the model has learned
    # from has more letters, so what it would say beyond is not trained.

    def __init__(self, frozen):
        self.frozen = frozen
        self.answers = {}  # prefix: (caches, log p of each token)

    def __call__(self, prefix):
        if len(prefix) >= BLOCK_SIZE:
            return certain_end(len(self.frozen["lm_head"]))
        return self.answer(prefix)[1]

    def answer(self, prefix):
        """The caches and the log p after a prefix, from memory or from the model."""
        if prefix not in self.answers:
            caches = self.caches_before(prefix)
            logits = gpt(self.frozen, prefix[-1], caches)
            if len(self.answers) == 20000:  # about 60 MB
                self.answers.clear()
            self.answers[prefix] = (caches, log_softmax(logits))
        return self.answers[prefix]

    def caches_before(self, prefix):
        """A copy of the caches of a prefix without its last token."""
        caches = new_caches()
        if len(prefix) > 1:
            before, _ = self.answer(prefix[:-1])
            for cache, old in zip(caches, before):
                cache.keys = list(old.keys)
                cache.values = list(old.values)
        return caches


def certain_end(vocabulary_size):
    """log p of each token where a word cannot go on."""
    return [0.0] + [-math.inf] * (vocabulary_size - 1)


def log_softmax(logits):
    """log(softmax(logits)), for floats: x_i - log(sum_j exp(x_j))."""
    largest = max(logits)  # subtracted before exp, as in softmax; so the sum is 1 or more
    total = math.fsum([math.exp(x - largest) for x in logits])
    return [x - largest - math.log(total) for x in logits]


def cut_short(lm, longest):
    """The lm of shorter words: after so many tokens the end is certain."""

    def short(prefix):
        log_p = lm(prefix)
        return certain_end(len(log_p)) if len(prefix) >= longest else log_p

    return short


# ----- Search: the likeliest letter, again and again ----------------------------------------------


class Found(NamedTuple):
    """What a search found."""

    word: tuple  # tokens, with the boundary on both sides
    cost: float  # -log p of the tokens after the prompt, in nats
    calls: int  # prefixes for which the model was asked


def greedy(lm, prompt):
    """Add the likeliest token until the word ends. The prompt is what the word begins with."""
    # Cheap, and short-sighted: "ka" may be likelier than "jo" at first, and everything that begins
    # with it unlikely in the end. Greedy search never takes back a letter.
    word = prompt
    cost = 0.0
    while not is_complete(word):
        log_p = lm(word)
        token = max(range(len(log_p)), key=log_p.__getitem__)
        word = (*word, token)
        cost -= log_p[token]
    return Found(word, cost, len(word) - len(prompt))


# ----- Search: several prefixes at once -----------------------------------------------------------
#
# Beam search keeps the `width` cheapest prefixes of each length. It lengthens each of them by every
# token, and of all these longer ones it keeps again the cheapest. With a width of 1 it is greedy.
# A wider beam mostly finds better words, but not always: prefixes that turn expensive later can
# push out the very one that a narrower beam would have followed to its end.
#
# A step with a width of 2, from the prefixes "an" (cost 1.6) and "ma" (cost 2.0): each is
# lengthened by 27 tokens. Say the cheapest of the 54 are "ann" (2.4), the whole word "an" (2.6) and
# "mar" (2.7). The first two are kept: "ann" goes on, "an" is a word that has been found, and "mar"
# is lost, with all that begins with it. (So a whole word takes one of the places, too.)
#
# Each token adds to the cost, so short words look cheap. Length normalization compares
#
#     cost / ((5 + n) / 6)^alpha        for a word of n tokens after the prompt
#
# With alpha = 0 nothing is divided. With alpha = 1, a word of 7 tokens is forgiven half its cost,
# against one of a single token.
#
# When can it stop? Say the best word found so far has 2.9 after its division, a prefix has the cost
# 6.0, and for the longest word of all the divisor is 2. The prefix can only become more expensive,
# and in the end it is divided by 2 at most. So it cannot come below 6.0 / 2 = 3.0, and is lost.
# When all are lost, the search is over.


def length_divisor(n_tokens, alpha):
    """What the cost of a word of so many tokens is divided by."""
    return ((5 + n_tokens) / 6) ** alpha


def beam_search(lm, prompt, width, alpha=0.0):
    """The best word that is found if `width` prefixes of each length are kept."""
    if width < 1 or alpha < 0:
        raise ValueError(f"width {width} must be 1 or more, and alpha {alpha} not negative")
    if is_complete(prompt):
        return Found(prompt, 0.0, 0)
    beams = [(0.0, prompt)]
    calls = 0
    best = (math.inf, math.inf, None)  # normalized cost, cost, word
    largest_divisor = length_divisor(BLOCK_SIZE + 1 - len(prompt), alpha)
    while beams:
        calls += len(beams)
        longer = []
        for cost, prefix in beams:
            for token, log_p in enumerate(lm(prefix)):
                if log_p > -math.inf:
                    longer.append((cost - log_p, (*prefix, token)))
        beams = []
        for cost, word in heapq.nsmallest(width, longer):
            if is_complete(word):
                normalized = cost / length_divisor(len(word) - len(prompt), alpha)
                best = min(best, (normalized, cost, word))
            else:
                beams.append((cost, word))
        beams = [(cost, word) for cost, word in beams if cost / largest_divisor < best[0]]
    _, cost, word = best
    return Found(word, cost, calls)


# ----- Search: the most probable word, exactly ----------------------------------------------------
#
# Think of prefixes as places and of costs as lengths of roads. The cheapest word is then a shortest
# way, and Dijkstra's algorithm finds it: always lengthen the cheapest prefix of all that are known.
# Nothing that grows from a prefix is cheaper than the prefix. So if the cheapest of all is a whole
# word, no other word can be cheaper, whether it has been seen or not.
#
# How long does it take? Only prefixes are read that are at least as probable as the best word. If
# that has the probability 0.01, there can be at most 100 of them of each length, as together they
# have a probability of 1 at most. For names that is about as many calls as a wide beam takes. The
# best sentence may have a probability of 0.0000000001, and then there can be very many. (It has
# been done for translation all the same, by searching in depth, with the sentence that a beam finds
# as a bound: arXiv:1908.10090.)


def most_probable(lm, prompt):
    """All words that begin with the prompt, from the most to the least probable: Founds, lazily."""
    queue = [(0.0, prompt)]
    calls = 0
    while queue:
        cost, prefix = heapq.heappop(queue)
        if is_complete(prefix):
            yield Found(prefix, cost, calls)
            continue
        calls += 1
        for token, log_p in enumerate(lm(prefix)):
            if log_p > -math.inf:
                heapq.heappush(queue, (cost - log_p, (*prefix, token)))


# ----- Drawing ------------------------------------------------------------------------------------
#
# To get something typical, and not always the same, draw the next token at random. The odds are
# those of the model, or they are changed a little. The case for a change is that models are good at
# saying what is likely, and too generous to what is not: if each of thousands of bad tokens gets a
# small probability, together they get a large one, and over a long text one will come.
#
# Each rule below takes log p and a setting, and gives a weight for each token. A token is drawn
# with a probability in proportion to its weight. What the rules make of four tokens, in percent,
# where the model is sure of the next one and where it is not:
#
#                              a    b    c    d          a    b    c    d
#     the model               90    6    3    1         31   28   22   19
#     temperature 0.5         99   <1   <1   <1         37   30   19   14
#     top-k, k = 2            94    6    0    0         53   47    0    0
#     nucleus, share 0.8     100    0    0    0         38   35   27    0
#     min-p, share 0.1       100    0    0    0         31   28   22   19


def temperature(log_p, t):
    """Weights p^(1/t).

    Rule      t below 1 makes likely tokens likelier; 1 is the model itself; 0 is greedy.
    Weakness  it never forbids anything: in a long text, even the worst token comes some day.
    Cure      cut off the unlikely tokens, by a rule below. Part 3 asks what that is worth.
    """
    largest = max(log_p)
    if t == 0:
        return [1.0 if i == log_p.index(largest) else 0.0 for i in range(len(log_p))]
    return [math.exp((x - largest) / t) for x in log_p]


def top_k(log_p, k):
    """Only the k likeliest tokens; 0 is off.

    Rule      keep k tokens, whatever their probabilities.
    Weakness  where one token is certain, k - 1 bad ones stay; where 20 are good, most are lost.
    Cure      let the number depend on the probabilities: nucleus, min_p.
    """
    order = sorted(range(len(log_p)), key=lambda i: -log_p[i])
    kept = order[:k] if k else order
    return [math.exp(x) if i in kept else 0.0 for i, x in enumerate(log_p)]


def nucleus(log_p, share):
    """Only the likeliest tokens, as few as have this share of the probability together.

    Rule      go down from the likeliest until the share is reached; always keep one token.
    Weakness  it asks for a share, even if a token far below the others is needed to reach it.
    Cure      compare each token with the likeliest one instead: min_p.
    """
    weights = [0.0] * len(log_p)
    total = 0.0
    for i in sorted(range(len(log_p)), key=lambda i: -log_p[i]):
        if total > 0.0 and total >= share:
            break
        weights[i] = math.exp(log_p[i])
        total += weights[i]
    return weights


def min_p(log_p, share):
    """Only the tokens at least `share` times as likely as the likeliest; 0 is off.

    Rule      keep a token if p is at least `share` times the largest p.
    Weakness  where all are about alike, nothing is cut off, however bad they are.
    Cure      a lower temperature as well; and a look at what comes out.
    """
    largest = max(log_p)
    return [math.exp(x) if math.exp(x - largest) >= share else 0.0 for x in log_p]


def pick(weights, rng):
    """An index, drawn with a probability in proportion to its weight."""
    return rng.choices(range(len(weights)), weights)[0]


def draw_word(lm, rule, setting, rng, prompt=START):
    """Draw a word by a rule. Return it, and -log of the probability that the rule gave to it."""
    word = prompt
    cost = 0.0
    while not is_complete(word):
        weights = rule(lm(word), setting)
        token = pick(weights, rng)
        cost -= math.log(weights[token] / math.fsum(weights))
        word = (*word, token)
    return word, cost


# ----- Speculation: let something cheap guess ahead -----------------------------------------------
#
# A large model is slow because all its parameters come from memory for each token (section 5 of
# microkv.py counts it). Once they are there, the model can say what comes next at five places
# almost as fast as at one: if only it knew the tokens in between. So let something cheap, the
# draft, guess the next k tokens, and let the large model, the target, check all of them in a single
# call. (Here such a call asks for several prefixes, and counts once. The code below asks for them
# one by one, as there is no machine under it that could do them together: so it counts calls, and
# saves no time.)
#
# Checking must not change the odds of any word. At one place, let q be the probabilities of the
# draft and p those of the target. The draft has drawn x from q. Then
#
#     keep x with probability min(1, p(x) / q(x)),
#     otherwise draw from what p has more than q:  max(0, p - q), scaled to sum to 1.
#
# An example with three tokens, where the draft likes a too much:
#
#                      a      b      c
#     p               0.5    0.3    0.2
#     q               0.8    0.1    0.1
#     guessed, kept   0.5    0.1    0.1   together 0.7:  q(x) * min(1, p(x) / q(x)) = min(p, q)
#     max(0, p - q)    0     0.2    0.1   together 0.3:  the share of cases in which x is not kept
#
# The two lines add up to p. That is the proof, and here it is in general. Write
#
#     overlap  =  sum_x min(p(x), q(x))       how often a guess is kept, the acceptance rate
#     1 - overlap  =  sum_x max(0, p(x) - q(x))       as p - min(p, q) = max(0, p - q)
#
# Token x comes out in one of two ways:
#
#     guessed and kept:   q(x) * min(1, p(x) / q(x))   =   min(p(x), q(x))
#     drawn instead:      (1 - overlap) * max(0, p(x) - q(x)) / (1 - overlap)
#                                                      =   max(0, p(x) - q(x))
#     together:           min(p(x), q(x)) + max(0, p(x) - q(x))   =   p(x)
#
# So a bad draft saves fewer calls, and never changes the odds. (1 - overlap is known as the total
# variation distance of p and q.)


def stay_probability(p, q):
    """With which probability a guess stays, if the target gives it p and the draft gave it q."""
    return min(1.0, p / q)


def instead_of(target_p, draft_p):
    """The weights that another token is drawn with, if a guess does not stay."""
    weights = [max(0.0, p - q) for p, q in zip(target_p, draft_p)]
    return weights if any(weights) else target_p  # p and q differ by no more than rounding


class Check(NamedTuple):
    """How a guess is checked. The experiments also try ways that are wrong."""

    stay_probability: object  # a function of p and q
    instead_of: object  # a function of both lists of probabilities


RIGHT_CHECK = Check(stay_probability, instead_of)


class Call(NamedTuple):
    """What came of one call of the target."""

    tested: list  # for each guess that was tested, 1 if it stayed, else 0
    overlaps: list  # for each of these, sum_x min(p(x), q(x))
    n_places: int  # how many prefixes it was asked for: the most tokens that it can give


def probabilities(lm, prefix):
    """The probability of each next token."""
    return [math.exp(x) for x in lm(prefix)]


def draft_ahead(draft, word, k, rng):
    """Up to k guesses of the draft, fewer if the word ends, and the odds of each guess."""
    guesses = ()
    odds = []
    while len(guesses) < k and not is_complete(word + guesses):
        odds.append(probabilities(draft, word + guesses))
        guesses = (*guesses, pick(odds[-1], rng))
    return guesses, odds


def speculate(target, draft, k, rng, check_guess=RIGHT_CHECK):
    """Draw a word with the odds of the target. Return it, and the Calls of the target."""
    word = START
    calls = []
    while not is_complete(word):
        # 1. Draft: guess k tokens, or as many as the word has.
        guesses, draft_odds = draft_ahead(draft, word, k, rng)

        # 2. Verify: ask the target after each of the guesses. This counts as one call.
        prefixes = [word + guesses[:i] for i in range(len(guesses) + 1)]
        target_odds = []
        for prefix in prefixes:
            if not is_complete(prefix):
                target_odds.append(probabilities(target, prefix))

        # 3. Accept the guesses in order. The first that does not stay is replaced, and those after
        # it are dropped, as they were guessed for a word that is not written.
        call = Call([], [], len(target_odds))
        calls.append(call)
        for guess, p, q in zip(guesses, target_odds, draft_odds):
            chance = check_guess.stay_probability(p[guess], q[guess])
            stays = pick([1.0 - chance, chance], rng)  # 1 with this chance, else 0
            call.tested.append(stays)
            call.overlaps.append(math.fsum(map(min, p, q)))
            if not stays:
                word = (*word, pick(check_guess.instead_of(p, q), rng))
                break
            word = (*word, guess)

        # 4. Bonus: if all of them stayed, the target's last answer gives one token more.
        if all(call.tested) and not is_complete(word):
            word = (*word, pick(target_odds[-1], rng))
    return word, calls


# How many tokens does a call give? If each guess stays with probability s, the first token is
# certain, one way or the other. A second one comes if the first guess stays, a third one if two
# stay, and so on:
#
#     1 + s + s^2 + ... + s^k
#
# If the last guess was the end of the word, the target says nothing after it, and the last term is
# missing. With s = 0.5 and k = 2:
#
#     word so far   guesses   the target is asked for   tokens
#     m             a, n      m, ma and man             1 + 0.5 + 0.25 = 1.75
#     m             a, end    m and ma                  1 + 0.5        = 1.5
#
# The formula takes one s for all places, which is not so in truth.


def tokens_by_formula(s, call):
    """How many tokens a call gives on average, if each of its guesses stays with probability s."""
    return math.fsum([s**i for i in range(call.n_places)])


# The draft need not be a network. Here it is a rule that has counted letters in the names to learn
# from, and looks its guesses up: the class CountingRule, in section 6. (In practice it is mostly a
# smaller model, trained on the same texts or to imitate the target. What it costs must then be set
# against what it saves.)


def lm_of_rule(rule, vocabulary_size):
    """lm(prefix) of a counting rule."""
    answers = {}

    def lm(prefix):
        if len(prefix) >= BLOCK_SIZE:
            return certain_end(vocabulary_size)
        if prefix not in answers:
            tokens = range(vocabulary_size)
            answers[prefix] = [math.log(rule.probability(prefix, token)) for token in tokens]
        return answers[prefix]

    return lm


# ===== 6. Experiments =============================================================================
#
# The output has four parts, with a function for each: it measures, prints, and returns its claims.
# A claim is a statement that the run could have refuted; check() marks it as [ok] or [no]. (Part 2
# only shows something, and has none.) Each part that needs chance has a random generator of its
# own, so that a change in it does not change the figures of the others. What only plots stands
# among the tools in section 7.
#
# Figures come with a standard error, written +-: how far off they typically are because only so
# many examples were looked at. Chance alone puts a figure more than two standard errors off about
# once in twenty times. Where a claim says "over 2 x" some figure, that figure is an error.


class Estimate(NamedTuple):
    """A measured figure and its standard error."""

    mean: float
    error: float


def mean_and_error(totals, counts):
    """The Estimate of sum(totals) / sum(counts); each word gives a total and a count."""
    # If all words cost the same per token, each total would be mean * count. How far the totals are
    # from that says how much the mean depends on which words happened to be looked at. As chance
    # moves some up and others down, these deviations are squared before they are added:
    #
    #     error  =  sqrt(sum of (total - mean * count)^2) / sum of counts
    #
    # For example, three words of 4, 4 and 2 tokens cost one model 2, 0 and 1 nats more than
    # another:
    #
    #     mean   =  (2 + 0 + 1) / (4 + 4 + 2)  =  0.3 nats per token
    #     error  =  sqrt((2 - 1.2)^2 + (0 - 1.2)^2 + (1 - 0.6)^2) / 10  =  0.15
    #
    # That another seed also trains another model comes on top, and is not in it.
    n = sum(counts)
    if n == 0:
        return Estimate(math.nan, math.nan)
    mean = math.fsum(totals) / n
    deviations = [total - mean * count for total, count in zip(totals, counts)]
    return Estimate(mean, math.sqrt(math.fsum([d * d for d in deviations])) / n)


def estimate(values):
    """The Estimate of the mean of a list of numbers."""
    return mean_and_error(values, [1] * len(values))


def gap(a, b):
    """By how much an Estimate is above another one that is independent of it."""
    return Estimate(a.mean - b.mean, math.hypot(a.error, b.error))


def n_letters(word):
    """How many letters a whole word has."""
    return len(word) - 2


def show(word, vocabulary):
    """A word as text; "-" stands for the word that has no letter."""
    return "".join([vocabulary[token] for token in word if token]) or "-"


class CountingRule:
    """Guesses the next token by how often each token followed a history in training."""

    # A history is what the rule knows when it guesses, such as the last tokens m, a, r. How often
    # did y follow it? If the history occurred 8 times in training, and y followed twice, 2/8 is a
    # fair guess; but for one that occurred once, such a guess is rash. So it is blended with the
    # guess of a shorter history, and that one again:
    #
    #     p(y)        =  (count(y)      + alpha / (number of tokens)) / (count of all + alpha)
    #     p(y | r)    =  (count(r, y)   + alpha * p(y))               / (count(r)     + alpha)
    #     p(y | ar)   =  (count(ar, y)  + alpha * p(y | r))           / (count(ar)    + alpha)
    #     p(y | mar)  =  (count(mar, y) + alpha * p(y | ar))          / (count(mar)   + alpha)
    #
    # With p(y | ar) = 0.5 and alpha = 2, p(y | mar) is (2 + 2 * 0.5) / (8 + 2) = 0.3. The more
    # often a history occurred, the less the shorter ones count.

    def __init__(self, train_set, vocabulary_size, histories):
        self.vocabulary_size = vocabulary_size
        self.histories = histories  # a function: the tokens so far -> histories, shortest first
        self.alpha = 1.0
        self.history_counts = collections.Counter()
        self.next_counts = collections.Counter()
        for tokens in train_set:
            for i in range(1, len(tokens)):
                for history in histories(tokens[:i]):
                    self.history_counts[history] += 1
                    self.next_counts[history, tokens[i]] += 1

    def probability(self, tokens, target):
        """p(target) as the token that comes after these tokens."""
        p = 1.0 / self.vocabulary_size
        for history in self.histories(tokens):
            count = self.next_counts[history, target]
            p = (count + self.alpha * p) / (self.history_counts[history] + self.alpha)
        return p

    def nats(self, tokens):
        """-log p of a whole word, in nats."""
        log_ps = []
        for i in range(1, len(tokens)):
            log_ps.append(math.log(self.probability(tokens[:i], tokens[i])))
        return -math.fsum(log_ps)

    def choose_alpha(self, held_out):
        """Take the alpha with the smallest loss on these words."""
        losses = {}
        for alpha in (0.1, 0.3, 1.0, 3.0, 10.0, 30.0):
            self.alpha = alpha
            losses[alpha] = math.fsum([self.nats(tokens) for tokens in held_out])
        self.alpha = min(losses, key=losses.get)


def last_tokens(tokens, longest):
    """Histories of up to so many last tokens: (), (r,), (a, r) and (m, a, r)."""
    lengths = range(min(len(tokens), longest) + 1)
    return [tuple(tokens[len(tokens) - length :]) for length in lengths]


class World(NamedTuple):
    """What all parts look at."""

    vocabulary: list
    train_set: list  # words, as tuples of tokens
    held_out: list
    lm: object  # the lm of the GPT
    counting: dict  # counting rules by name


# ----- Part 1: searching --------------------------------------------------------------------------


def prompts_of(held_out):
    """The first N_PROMPTS different prompts of held-out names, of 0, 1 and 2 letters."""
    prompts = []
    for n_tokens in (1, 2, 3):
        for word in held_out:
            prompts.append(word[:n_tokens])
    return list(dict.fromkeys(prompts))[:N_PROMPTS]


def all_searches(lm, prompts):
    """{search: what it found after each prompt}"""
    found = {"greedy": [greedy(lm, prompt) for prompt in prompts]}
    for width in WIDTHS:
        found[f"beam {width}"] = [beam_search(lm, prompt, width) for prompt in prompts]
    found["exact"] = [next(most_probable(lm, prompt)) for prompt in prompts]
    for alpha in ALPHAS:
        label = f"beam {WIDTHS[-1]}, alpha {alpha}"
        found[label] = [beam_search(lm, prompt, WIDTHS[-1], alpha) for prompt in prompts]
    return found


def drawn_after(lm, prompts, rng):
    """A word after each prompt, drawn with the odds of the model, as if it had been found."""
    found = []
    for prompt in prompts:
        word, cost = draw_word(lm, temperature, 1.0, rng, prompt)
        found.append(Found(word, cost, len(word) - len(prompt)))
    return found


def searching(world, seed):
    """Part 1: how near each search comes to the most probable word, and what it costs."""
    prompts = prompts_of(world.held_out)
    found = all_searches(world.lm, prompts)
    found["drawn"] = drawn_after(world.lm, prompts, random.Random(f"{seed} prompts"))
    print(f"\n1. Searching: the most probable word after each of {len(prompts)} prompts\n")
    print("   The prompts are the first 0 to 2 letters of held-out names. log p: of")
    print("   what was added, a mean. Calls: for how many prefixes the model was asked.")
    print("   Letters: of the whole word. Best: for which share the search found the most")
    print("   probable word, which exact search always finds. (With an alpha, a beam looks")
    print("   for something else: the best for its length.)\n")
    print("                        log p   calls  letters    best")
    shares = {}
    for label, results in found.items():
        pairs = zip(results, found["exact"])
        shares[label] = estimate([float(mine.word == exact.word) for mine, exact in pairs])
        log_p = -estimate([result.cost for result in results]).mean
        calls = estimate([result.calls for result in results]).mean
        letters = estimate([n_letters(result.word) for result in results]).mean
        cells = f"{log_p:8.3f} {calls:7.1f} {letters:8.2f} {shares[label].mean:7.0%}"
        print(f"   {label:18} {cells}  {'#' * round(20 * shares[label].mean)}".rstrip())
    print_examples(found, prompts, world.vocabulary)
    return claims_of_part_1(found, shares)


def print_examples(found, prompts, vocabulary):
    """What some of the searches found after some of the prompts."""
    labels = ["greedy", "exact", f"beam {WIDTHS[-1]}, alpha {ALPHAS[-1]}", "drawn"]
    print("\n   after   " + "".join([f"{label:19}" for label in labels]).rstrip())
    for i in range(1, len(prompts), max(1, len(prompts) // 6)):
        words = [show(found[label][i].word, vocabulary) for label in labels]
        cells = "".join([f"{word:19}" for word in words])
        print(f"   {show(prompts[i], vocabulary):8}{cells}".rstrip())


def claims_of_part_1(found, shares):
    """The claims of part 1."""
    widest = f"beam {WIDTHS[-1]}"
    of_beam = shares[widest]
    of_greedy = shares["greedy"]
    shorter = estimate(
        [
            n_letters(drawn.word) - n_letters(exact.word)
            for drawn, exact in zip(found["drawn"], found["exact"])
        ]
    )
    return [
        check(
            of_beam.mean - 2 * of_beam.error > 0.6,
            f"{widest} finds the most probable word for {of_beam.mean:.0%} +- {of_beam.error:.0%}:"
            " over 60%",
        ),
        check(
            of_greedy.mean + 2 * of_greedy.error < 0.5,
            f"greedy finds it for {of_greedy.mean:.0%} +- {of_greedy.error:.0%}: under half",
        ),
        check(
            shorter.mean > 2 * shorter.error,
            f"the most probable has {shorter.mean:.2f} letters less than a drawn one,"
            f" over 2 x {shorter.error:.2f}",
        ),
    ]


# ----- Part 2: what the most probable words are like ----------------------------------------------


def cost_of(lm, word):
    """-log p of a whole word, in nats."""
    return -math.fsum([lm(word[:i])[word[i]] for i in range(1, len(word))])


def most_probable_words(world, seed):
    """Part 2: the most probable words, beside drawn ones and real names."""
    best = []
    for found in most_probable(world.lm, START):
        best.append(found)
        if len(best) == 100:
            break
    rng = random.Random(f"{seed} part 2")
    drawn = [draw_word(world.lm, temperature, 1.0, rng)[1] for _ in range(N_SAMPLES)]
    names = [cost_of(world.lm, word) for word in world.held_out]
    together = math.fsum([math.exp(-found.cost) for found in best])
    print("\n2. What the most probable words are like\n")
    print("   The first of all words, with their log p (- is the word without a letter):\n")
    for i in range(0, 12, 6):
        words = [show(found.word, world.vocabulary) for found in best[i : i + 6]]
        cells = [f"{word:6}{-found.cost:5.1f}" for word, found in zip(words, best[i : i + 6])]
        print("   " + "  ".join(cells))
    print(f"\n   The first 100 have {together:.1%} of the probability together. The rest is spread")
    print("   over very many words of which each is less likely. Of 100 words, how many")
    print("   have log p in which range? < the most probable word, * words drawn at")
    print("   random, o held-out names.\n")
    draw_bars(best[0].cost, drawn, names)
    print(f"\n   Mean log p: drawn {-estimate(drawn).mean:.1f}, names {-estimate(names).mean:.1f},")
    print(f"   the most probable word {-best[0].cost:.1f}.")


# ----- Part 3: ways of drawing --------------------------------------------------------------------


class Sampled(NamedTuple):
    """Words drawn in one way."""

    words: list
    costs: list  # -log of the probability that the way of drawing gave to each
    judged: Estimate  # -log p per token by the judge
    entropy: Estimate  # the mean of the costs
    distinct: float  # the share of different words


def judge(counting, words):
    """-log p per token of words by a counting rule: the less, the more regular they are."""
    nats = [counting.nats(word) for word in words]
    return mean_and_error(nats, [len(word) - 1 for word in words])


def sampled(words, costs, judging):
    """The words with what is measured of them."""
    distinct = len(set(words)) / len(words)
    return Sampled(words, costs, judge(judging, words), estimate(costs), distinct)


def draw_in_all_ways(world, seed):
    """{(rule, setting): Sampled}"""
    settings = {
        temperature: TEMPERATURES,
        top_k: TOP_KS,
        nucleus: NUCLEI,
        min_p: MIN_PS,
    }
    result = {}
    for rule, values in settings.items():
        start = time.perf_counter()
        for i, value in enumerate(values):
            rng = random.Random(f"{seed} {rule.__name__} {value}")
            drawn = [draw_word(world.lm, rule, value, rng) for _ in range(N_SAMPLES)]
            words = [word for word, _ in drawn]
            costs = [cost for _, cost in drawn]
            result[rule.__name__, value] = sampled(words, costs, world.counting["fours"])
            show_progress(f"drawing, {rule.__name__}", i + 1, len(values), start)
    return result


def ways_of_drawing(world, seed):
    """Part 3: what each way of drawing gains and gives up."""
    ways = draw_in_all_ways(world, seed)
    names = judge(world.counting["fours"], world.held_out)
    print(f"\n3. Ways of drawing, {N_SAMPLES} words each\n")
    print("   Judged: -log p per token by another model, runs of four letters counted in")
    print("   the names to learn from. Words with less than the held-out names are more")
    print("   regular than names, words with more are stranger. Entropy: the mean -log p of")
    print("   a word by its way of drawing: 4.61 = log 100 for 100 equally likely words.")
    print("   Distinct: the share of different words. New: of words that are no name to")
    print("   learn from.\n")
    print("                       judged           entropy      distinct   new  letters")
    for (rule, setting), way in ways.items():
        print_way(f"{rule:11} {setting:5}", way, world.train_set)
    print(f"   {'held-out names':17} {names.mean:6.3f} +- {names.error:.3f}")
    print("\n   Judged over entropy; more regular words stand higher. t temperature, P plain,")
    print("   that is a temperature of 1, k top-k, n nucleus, m min-p; - is where held-out")
    print("   names are. (One mark may hide another.)\n")
    draw_plane(ways, names.mean)
    print_at_equal_entropy(ways)
    plain = ways["temperature", 1.0]
    cut = ways["nucleus", NUCLEI[-1]]
    leads = at_equal_entropy(ways)
    at_most = max([lead.mean + 2 * lead.error for lead in leads.values()])
    stranger = gap(plain.judged, names)
    better = gap(plain.judged, cut.judged)
    return [
        check(
            stranger.mean > 2 * stranger.error,
            f"plain words are judged {stranger.mean:.3f} above held-out names,"
            f" over 2 x {stranger.error:.3f}",
        ),
        check(
            better.mean > 2 * better.error,
            f"nucleus {NUCLEI[-1]} is judged {better.mean:.3f} below plain,"
            f" over 2 x {better.error:.3f}",
        ),
        check(
            at_most < 0.15,
            f"at equal entropy cuts lead by {at_most:.3f} at most (two errors), under 0.15",
        ),
    ]


def print_way(label, way, train_set):
    """A row of the table in part 3."""
    new = estimate([float(word not in train_set) for word in way.words]).mean
    letters = estimate([n_letters(word) for word in way.words]).mean
    cells = f"{way.judged.mean:6.3f} +- {way.judged.error:.3f}"
    cells += f"  {way.entropy.mean:6.2f} +- {way.entropy.error:.2f}"
    print(f"   {label} {cells} {way.distinct:9.3f} {new:6.2f} {letters:7.2f}")


def at_equal_entropy(ways):
    """{(rule, setting): by how much the words of a cut are judged below those of temperature}"""
    leads = {}
    for rule, settings in (("top_k", TOP_KS), ("nucleus", NUCLEI), ("min_p", MIN_PS)):
        for setting in settings:
            way = ways[rule, setting]
            leads[rule, setting] = gap(temperature_judged_at(ways, way.entropy.mean), way.judged)
    return leads


def print_at_equal_entropy(ways):
    """The ways that cut off against the temperatures between which their entropy lies."""
    print("\n   Are words more regular (+) or stranger (-) if unlikely tokens are cut off")
    print("   than with a lower temperature, at the same entropy? (Temperature at that")
    print("   entropy is taken from a line between its two settings next to it.)\n")
    for (rule, setting), lead in at_equal_entropy(ways).items():
        print(f"   {rule:7} {setting:5} {lead.mean:+.3f} +- {lead.error:.3f}")


def temperature_judged_at(ways, entropy):
    """How temperature is judged at this entropy, on a line between two settings: an Estimate."""
    # Over entropy the curve of temperature bends upwards, so a line between two of its points lies
    # above it, and makes temperature look a little worse than it is. (That chance moves entropies,
    # too, is left out of the error.)
    settings = [ways["temperature", t] for t in TEMPERATURES]
    upper = 1
    while upper < len(settings) - 1 and settings[upper].entropy.mean < entropy:
        upper += 1
    a = settings[upper - 1]
    b = settings[upper]
    share = (entropy - a.entropy.mean) / max(b.entropy.mean - a.entropy.mean, 1e-9)
    mean = (1.0 - share) * a.judged.mean + share * b.judged.mean
    return Estimate(mean, math.hypot((1.0 - share) * a.judged.error, share * b.judged.error))


# ----- Part 4: speculation ------------------------------------------------------------------------


class Speculated(NamedTuple):
    """What came of speculation with one draft and one number of guesses."""

    kept: Estimate  # the share of tested guesses that stayed
    overlap: float  # the mean of sum_x min(p(x), q(x)) where they were tested
    per_call: Estimate  # tokens that a call of the target gave
    formula: float  # the same, foretold


def foretell(target, draft, words):
    """How often a guess should stay: the overlap of both at the places of independent words."""
    overlaps = []
    for word in words:
        for i in range(1, len(word)):
            p = probabilities(target, word[:i])
            q = probabilities(draft, word[:i])
            overlaps.append(math.fsum(map(min, p, q)))
    return estimate(overlaps)


def speculate_often(target, draft, k, foretold, rng):
    """Speculated, of N_SAMPLES words."""
    words = []
    for _ in range(N_SAMPLES):
        words.append(speculate(target, draft, k, rng))
    n_calls = [len(calls) for _, calls in words]
    kept = []
    overlaps = []
    terms = []
    for _, calls in words:
        for call in calls:
            kept.append(call.tested)
            overlaps += call.overlaps
            terms.append(tokens_by_formula(foretold, call))
    return Speculated(
        mean_and_error([sum(tested) for tested in kept], [len(tested) for tested in kept]),
        estimate(overlaps).mean,
        mean_and_error([len(word) - 1 for word, _ in words], n_calls),
        estimate(terms).mean,
    )


def speculation(world, seed):
    """Part 4: how many calls are saved, and whether the odds stay as they are."""
    rng = random.Random(f"{seed} independent words")
    words = [draw_word(world.lm, temperature, 1.0, rng)[0] for _ in range(N_SAMPLES)]
    print("\n4. Speculation: tokens for a call of the GPT\n")
    print("   A draft guesses k tokens ahead of the GPT.\n")
    print("   stay       the share of tested guesses that stayed")
    print("   overlap    of the odds of draft and GPT at these places: foretells stay")
    print("   foretold   the overlap over words that were drawn without speculation")
    print("   formula    that of section 5, from what was foretold\n")
    print("   draft     k       stay       overlap  foretold   tokens a call   by formula")
    off_by = []
    best = Estimate(0.0, 0.0)
    for name, rule in world.counting.items():
        draft = lm_of_rule(rule, len(world.vocabulary))
        foretold = foretell(world.lm, draft, words)
        for k in GUESSES_AHEAD:
            rng = random.Random(f"{seed} {name} {k}")
            result = speculate_often(world.lm, draft, k, foretold.mean, rng)
            off_by.append(result.per_call.mean / result.formula - 1.0)
            best = max(best, result.per_call)
            cells = f"{result.kept.mean:.3f} +- {result.kept.error:.3f}  {result.overlap:.3f}"
            cells += f"    {foretold.mean:.3f}"
            cells += f"    {result.per_call.mean:.3f} +- {result.per_call.error:.3f}"
            print(f"   {name:8} {k:2}  {cells}  {result.formula:8.3f}")
    n_more = sum([off > 0.0 for off in off_by])
    print(f"\n   In {n_more} of {len(off_by)} rows more came out than by the formula.")
    largest = max([abs(off) for off in off_by])
    return [
        check(
            best.mean - 2 * best.error > 2.0,
            f"the best draft gives {best.mean:.2f} +- {best.error:.2f} tokens a call: over 2",
        ),
        check(
            largest < 0.15,
            f"tokens a call are {largest:.1%} off the formula at most, in all rows: under 15%",
        ),
        *test_the_odds(world, seed),
    ]


class ChiSquare(NamedTuple):
    """How far the counts of words are from their probabilities."""

    statistic: float
    limit: float  # exceeded once in 1,000 times if the odds are right


def chi_square(words, lm):
    """Compare drawn words with the probabilities of lm: Pearson's test, as a ChiSquare."""
    # Say three words are expected 50, 30 and 20 times, and seen 56, 27 and 17 times: the statistic
    # is 36/50 + 9/30 + 9/20 = 1.47. Here, too, (seen - expected)^2 / expected is added up, for each
    # word that is expected 10 times or more, and once for all other words together. If the odds are
    # right, the sum is about its degrees of freedom, one less than there are terms. By Wilson and
    # Hilferty, the cube root of sum / freedom is nearly normal, with the mean 1 - v and the
    # variance v = 2 / (9 * freedom); a normal number is over 3.09 standard deviations once in 1,000
    # times.
    seen = collections.Counter(words)
    n = len(words)
    terms = []
    n_rest = n
    expected_rest = float(n)
    for found in most_probable(lm, START):
        expected = n * math.exp(-found.cost)
        if expected < 10.0:
            break
        terms.append((seen[found.word] - expected) ** 2 / expected)
        n_rest -= seen[found.word]
        expected_rest -= expected
    if expected_rest > 1.0:
        terms.append((n_rest - expected_rest) ** 2 / expected_rest)
    freedom = max(1, len(terms) - 1)
    v = 2.0 / (9.0 * freedom)
    limit = freedom * (1.0 - v + 3.09 * math.sqrt(v)) ** 3
    return ChiSquare(math.fsum(terms), limit)


def test_the_odds(world, seed):
    """The second table of part 4: does speculation keep the odds, and would the test notice?"""
    target = cut_short(world.lm, TEST_LETTERS + 1)
    draft = lm_of_rule(world.counting["letters"], len(world.vocabulary))
    draft = cut_short(draft, TEST_LETTERS + 1)
    ways = {
        "as in section 5": RIGHT_CHECK,
        "wrong: else draw from p": RIGHT_CHECK._replace(instead_of=lambda p, q: p),
        "wrong: every guess stays": RIGHT_CHECK._replace(stay_probability=lambda p, q: 1.0),
    }
    print(
        f"\n   Are the odds still the GPT's? {N_TESTED:,} words of at most {TEST_LETTERS} letters,"
    )
    print("   guessed by letters, k = 2. Chi-square is how far their counts are from the")
    print("   exact probabilities; with the right odds it is over the limit once in 1,000")
    print("   times.\n")
    print(f"   {'':28} chi-square    limit")
    results = {}
    for label, way in ways.items():
        rng = random.Random(f"{seed} {label}")
        words = [speculate(target, draft, 2, rng, way)[0] for _ in range(N_TESTED)]
        results[label] = chi_square(words, target)
        print(f"   {label:28} {results[label].statistic:10,.1f} {results[label].limit:8.1f}")
    right, *wrong = results.values()
    least = min([result.statistic / result.limit for result in wrong])
    return [
        check(
            right.statistic < right.limit,
            f"speculation: no other odds seen, chi-square {right.statistic:.1f}"
            f" under {right.limit:.1f}",
        ),
        check(least > 1.0, f"the test finds out both wrong ways: {least:.1f} times the limit"),
    ]


# ===== 7. Run =====================================================================================


def main(args):
    """The whole experiment, from the names to the claims."""
    data = split_data(random.Random(args.seed))
    print(f"{len(data.train_set)} names to learn from, {len(data.held_out)} held out.")
    world = make_world(data, args.steps, args.seed)
    print_losses(world)
    claims = searching(world, args.seed)
    most_probable_words(world, args.seed)
    claims += ways_of_drawing(world, args.seed)
    claims += speculation(world, args.seed)
    print_claims(claims, args.steps)


def make_world(data, steps, seed):
    """Train the GPT, and count letters."""
    model = init_model(len(data.vocabulary), random.Random(f"{seed} model"))
    train(model, data.train_set, steps)
    counting = {}
    for name, longest in (("letters", 0), ("pairs", 1), ("fours", 3)):
        counting[name] = counting_rule(data, longest)
    train_set = [tuple(tokens) for tokens in data.train_set]
    held_out = [tuple(tokens) for tokens in data.held_out]
    return World(data.vocabulary, train_set, held_out, RememberingModel(freeze(model)), counting)


def counting_rule(data, longest):
    """A rule that knows so many last tokens. Its alpha is the best for the held-out names."""
    rule = CountingRule(
        data.train_set, len(data.vocabulary), lambda tokens: last_tokens(tokens, longest)
    )
    rule.choose_alpha(data.held_out)
    return rule


def print_losses(world):
    """The loss of the GPT on held-out names, beside those of counting."""
    counts = [len(word) - 1 for word in world.held_out]
    nats = [cost_of(world.lm, word) for word in world.held_out]
    loss = mean_and_error(nats, counts)
    print("Loss on these, in nats per token (counting is set to suit them best):")
    print(f"   the GPT {loss.mean:.3f} +- {loss.error:.3f};", end="")
    losses = {name: judge(rule, world.held_out).mean for name, rule in world.counting.items()}
    cells = [f"{name} {loss:.3f}" for name, loss in losses.items()]
    print(f" counted {', '.join(cells)}.")


# ----- Try this -----------------------------------------------------------------------------------
#
# Means of the seeds 42, 1 and 2, with the lowest and the highest of them:
#
# - WIDTHS = (2, 4, 8, 64): the widest beam finds the most probable word for 99% of the prompts
#   (98% to 100%), where a beam of 16 does for 84% (78% to 90%). It asks for 54 prefixes (48 to 59)
#   for that, exact search for 42 (39 to 45).
# - GUESSES_AHEAD = (1, 2, 8): with 8 guesses by pairs, a call gives 2.96 tokens (2.90 to 3.01).
#   With 4 it is 2.71 (2.67 to 2.73), and most names have no more than 7 tokens.
# - In stay_probability(), return float(p >= q): a guess stays only if the GPT likes it at least as
#   much as the draft. That sounds careful, and it makes the odds wrong: chi-square is 5,100 (4,200
#   to 6,300), where 262 is the limit.
#
# ----- What came of it ----------------------------------------------------------------------------
#
# Over the seeds 100 to 119, greedy search found the most probable word for 15% of the prompts
# (from 2% to 33%), a beam of 4 for 38% (18% to 68%), and a beam of 16 for 88% (78% to 97%). That
# beam asked for 30 prefixes on average, exact search for 34 (26 to 46). The most probable words
# had 3.2 letters, words that were drawn after the same prompts 5.5.
#
# At all twenty seeds, the most probable of all words was the one without a letter. The model gives
# it 0.3% (log p -5.8, from -6.4 to -5.1), though it never occurs in training: a small mistake. But
# a word of six letters has to multiply seven probabilities, and none comes near it. Drawn words had
# -14.5 and held-out names -15.2 on average. In translation the most probable sentence is often the
# empty one, too, and a beam, which does not find it, gives better ones (arXiv:1908.10090).
#
# At the same entropy, words that were drawn with a cut were as regular as those drawn with a lower
# temperature, or a little less: with nucleus 0.9 by 0.008 (from -0.030 to 0.050), with min-p 0.1 by
# 0.021 (-0.036 to 0.063), with nucleus 0.5 by 0.062 (-0.003 to 0.147), with top-k 3 by 0.075 (0.014
# to 0.166). By another measure of variety it is the other way round: nucleus 0.7 had 94% distinct
# words, and temperature 0.5 had 89%, at about the same entropy and nearly as regular (2.135 and
# 2.101). (And the measure may favour temperature: among all ways with the same entropy at a place,
# it is the one with the highest mean log p by the model, and the judge has learned the same names.)
# So it depends on what is asked for, and the differences are small. A name has about seven tokens.
# In a text of hundreds, where one bad token can spoil all that follows, cutting may matter more:
# this file does not show it.
#
# By pairs, with k = 4, a call gave 2.71 tokens (2.64 to 2.79), and by runs of four 2.45 (2.38 to
# 2.69), although these have the smaller loss on names: 2.202, where pairs have 2.408 and the GPT
# 2.277. What counts for a draft is not how good it is, but how much it agrees with the target. In
# all nine rows, at all twenty seeds, more tokens came out than by the formula, by some percent. It
# takes all places to be alike, and foretells from all places of a word how often guesses stay. At
# the places where they were tested they stayed a little more often, even with k = 1.
#
# Next in this collection: microkv.py, on why a call of a large model is dear, and what it keeps.
#
# This is the end of the tutorial. Below are tools, for whoever wants to change something, and the
# names.

# ----- Tools of this script: drawing --------------------------------------------------------------


def draw_bars(best, drawn, names, width=30):
    """Print, for ranges of 2 nats, how many of 100 words have log p in it. All are costs."""
    rows = 15
    shares = []
    for costs in (drawn, names):
        counts = [0] * rows
        for cost in costs:
            counts[min(rows - 1, int(cost / 2))] += 1
        shares.append([100 * count / len(costs) for count in counts])
    scale = min(1.0, width / max(shares[0] + shares[1]))
    if scale < 1.0:
        print(f"   (A mark stands for {1 / scale:.1f} of 100.)\n")
    first = 0 if shares[0][0] + shares[1][0] > 0 else 1
    for row in range(first, rows):
        here = "<" if row == int(best / 2) else " "
        stars = "*" * round(shares[0][row] * scale)
        circles = "o" * round(shares[1][row] * scale)
        above = "  and less" if row == rows - 1 else ""
        label = f"{-2 * row} to {-2 * row - 2}"
        print(f"   {label:>10} {here} {stars:{width}} {circles}{above}".rstrip())


def draw_plane(ways, level, width=60, height=16):
    """Plot how words are judged over their entropy, and a horizontal line at this level."""
    points = [(way.entropy.mean, way.judged.mean) for way in ways.values()]
    right = max([x for x, _ in points] + [1.0])
    low = min([y for _, y in points] + [level])
    high = max([y for _, y in points] + [level + 0.001])

    def row_of(judged):
        return round((judged - low) / (high - low) * (height - 1))

    canvas = [[" "] * (width + 1) for _ in range(height)]
    canvas[row_of(level)] = ["-"] * (width + 1)
    letters = {"temperature": "t", "top_k": "k", "nucleus": "n", "min_p": "m"}
    for (rule, setting), way in ways.items():
        mark = "P" if (rule, setting) == ("temperature", 1.0) else letters[rule]
        canvas[row_of(way.judged.mean)][round(way.entropy.mean / right * width)] = mark
    for row, cells in enumerate(canvas):
        judged = low + (high - low) * row / (height - 1)
        print(f"   {judged:6.2f} |{''.join(cells)}".rstrip())
    print("          +" + "-" * (width + 1))
    print(f"           0{'entropy, nats':^{width - 6}}{right:6.1f}")


# ----- Tools of all scripts: claims, progress, the command line -----------------------------------


def check(holds, statement):
    """A claim as a line of text: [ok] if it holds, else [no]."""
    return f"[{'ok' if holds else 'no'}] {statement}"


def print_claims(claims, steps):
    """The last part of the output: what was claimed, and whether it came out so."""
    print("\nclaims")
    if steps < STEPS:
        print(f"(They are meant for {STEPS:,} steps. After fewer, a [no] is no surprise.)")
    for claim in claims:
        print(claim)


def completes_part(step, steps, parts):
    """Whether this step completes one more of so many equal parts of all steps."""
    return step * parts // steps > (step - 1) * parts // steps


def show_progress(phase, step, steps, start):
    """Report on stderr. On a terminal one line rewrites itself; in a file, a line each tenth."""
    if reader_has_gone():
        raise BrokenPipeError
    on_terminal = sys.stderr.isatty()
    if on_terminal or completes_part(step, steps, 10):
        elapsed = time.perf_counter() - start
        left = elapsed / step * (steps - step)
        text = f"{phase}  {step}/{steps}  {elapsed:.0f} s, {left:.0f} s left"
        end = "\r" if on_terminal and step < steps else "\n"
        print(f"{text:58}", end=end, file=sys.stderr, flush=True)


def reader_has_gone():
    """Whether stdout is a pipe that nobody reads any more, as after | head -1."""
    if not hasattr(select, "poll"):  # as on Windows
        return False
    poll = select.poll()
    poll.register(1, 0)
    return any([event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)])


def whole_number(text):
    """A whole number from the command line."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def number_of_steps(text):
    """The value of --steps."""
    steps = whole_number(text)
    if not 1 <= steps <= 10**9:
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to 1,000,000,000")
    return steps


def run(**more_options):
    """Read the command line, run main, and end quietly when interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    steps_help = f"how many steps to train (default {STEPS})"
    parser.add_argument(
        "--steps", type=number_of_steps, default=STEPS, metavar="N", help=steps_help
    )
    seed_help = "where all randomness starts (default 42)"
    parser.add_argument("--seed", type=whole_number, default=42, metavar="N", help=seed_help)
    for name, settings in more_options.items():
        parser.add_argument(f"--{name}", **settings)
    args = parser.parse_args()
    sys.stderr = sys.stderr or open(os.devnull, "w")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    if sys.implementation.name == "cpython":
        gc.disable()  # graphs have no cycles, so searching them for cycles would only take time
    start = time.perf_counter()
    try:
        main(args)
        print(f"{time.perf_counter() - start:.1f} s in all", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: stopped", file=sys.stderr)
        os._exit(130)
    except OSError as error:  # the output cannot be written
        if not isinstance(error, BrokenPipeError):  # that one is somebody's | head: end quietly
            print(f"{parser.prog}: {error}", file=sys.stderr)
        os._exit(1)


# ===== 8. The names ===============================================================================

# Given names, US Census Bureau, name frequencies of 1990 (public domain)
NAMES = """mary james patricia john linda robert barbara michael elizabeth william jennifer david
maria richard susan charles margaret joseph dorothy thomas lisa christopher nancy daniel karen paul
betty mark helen donald sandra george donna kenneth carol steven ruth edward sharon brian michelle
ronald laura anthony sarah kevin kimberly jason deborah matthew jessica gary shirley timothy cynthia
jose angela larry melissa jeffrey brenda frank amy scott anna eric rebecca stephen virginia andrew
kathleen raymond pamela gregory martha joshua debra jerry amanda dennis stephanie walter carolyn
patrick christine peter marie harold janet douglas catherine henry frances carl ann arthur joyce
ryan diane roger alice joe julie juan heather jack teresa albert doris jonathan gloria justin evelyn
terry jean gerald cheryl keith mildred samuel katherine willie joan ralph ashley lawrence judith
nicholas rose roy janice benjamin kelly bruce nicole brandon judy adam christina harry kathy fred
theresa wayne beverly billy denise steve tammy louis irene jeremy jane aaron lori randy rachel
howard marilyn eugene andrea carlos kathryn russell louise bobby sara victor anne martin jacqueline
ernest wanda phillip bonnie todd julia jesse ruby craig lois alan tina shawn phyllis clarence norma
sean paula philip diana chris annie johnny lillian earl emily jimmy robin antonio peggy danny
crystal bryan gladys tony rita luis dawn mike connie stanley florence leonard tracy nathan edna dale
tiffany manuel carmen rodney rosa curtis cindy norman grace allen wendy marvin victoria vincent
edith glenn kim jeffery sherry travis sylvia jeff josephine chad thelma jacob shannon lee sheila
melvin ethel alfred ellen kyle elaine francis marjorie bradley carrie jesus charlotte herbert monica
frederick esther ray pauline joel emma edwin juanita don anita eddie rhonda ricky hazel troy amber
randall eva barry debbie alexander april bernard leslie mario clara leroy lucille francisco jamie
marcus joanne micheal eleanor theodore valerie clifford danielle miguel megan oscar alicia jay
suzanne jim michele tom gail calvin bertha alex darlene jon veronica ronnie jill bill erin lloyd
geraldine tommy lauren leon cathy derek joann warren lorraine darrell lynn jerome sally floyd regina
leo erica alvin beatrice tim dolores wesley bernice gordon audrey dean yvonne greg annette jorge
june dustin samantha pedro marion derrick dana dan stacy lewis ana zachary renee corey ida herman
vivian maurice roberta vernon holly roberto brittany clyde melanie glen loretta hector yolanda shane
jeanette ricardo laurie sam katie rick kristen lester vanessa brent alma ramon sue charlie elsie
tyler beth gilbert jeanne gene vicki marc carla reginald tara ruben rosemary brett eileen angel
terri nathaniel gertrude rafael lucy tonya edgar ella milton stacey raul wilma ben gina chester
kristin cecil jessie duane natalie franklin agnes andre vera elmer brad charlene gabriel bessie ron
delores mitchell melinda roland pearl arnold arlene harvey maureen jared colleen adrian allison karl
tamara cory joy claude georgia erik constance darryl lillie claudia neil jackie marcia christian
tanya javier nellie fernando minnie clinton marlene ted heidi mathew glenda tyrone lydia darren
viola lonnie courtney lance marian cody stella julio caroline dora kurt jo allan vickie nelson
mattie guy clayton maxine hugh irma max mabel dwayne marsha dwight myrtle armando lena felix christy
jimmie deanna everett patsy jordan hilda ian gwendolyn wallace jennie ken nora bob margie jaime nina
casey cassandra alfredo leah alberto penny dave kay ivan priscilla johnnie naomi sidney carole byron
brandy julian olga isaac billie morris dianne clifton tracey willard leona daryl jenny ross felicia
virgil sonia andy miriam marshall velma salvador becky perry bobbie kirk violet sergio kristina toni
misty seth mae kent shelly terrance daisy rene ramona eduardo sherri terrence erika enrique katrina
freddie claire wade lindsey austin lindsay stuart geneva fredrick guadalupe arturo"""


if __name__ == "__main__":
    run()
