"""A language model climbs a reward that was learned, and stays near where it can be trusted.

    python microppo.py        about 30 seconds; nothing to install, nothing to download

The steps of InstructGPT, made small. A GPT learns given names, where InstructGPT learns text and
then good answers: the reference. A reward model learns a hidden taste in words, from labels which
say which of two words is better. And PPO (proximal policy optimization) trains a copy of the
reference, the policy, to write words that the reward model likes. You will see how good the reward
model is and where it is blind; how the policy learns, beside picking the best of several words; and
what the two brakes are for, PPO's clip and the price for distance from the reference: without the
price the policy cheats.

When to use it: if outputs can get points by a model or a rule while training, however rough, and
what counts is the whole output and not the single token. When not: if picking the best of several
outputs is affordable; or if preferences on pairs are all there is, as DPO is simpler (microdpo.py;
no run here compares the two).

Read it from top to bottom. You need Python and school calculus; what machine learning adds is
explained on the way. If you know microgpt.py, read section 1, and go on at section 5: what comes
before is the same there but for clip() of section 2, log_prob() of section 3, and thaw(), Optimizer
and train_reference() of section 4, all short. Section 5 is the lesson, section 6 measures it.
Section 7 has main(), and things to try: there the tutorial ends. Below are tools and the names.

Papers: InstructGPT, arXiv:2203.02155; PPO, arXiv:1707.06347; its advantages (GAE),
arXiv:1506.02438; climbing a reward too far, arXiv:2210.10760; the best of n, arXiv:2401.01879;
labels as noisy comparisons, Bradley and Terry 1952; RMSNorm, arXiv:1910.07467; Adam,
arXiv:1412.6980.
"""

import argparse
import collections
import gc
import math
import operator
import os
import random
import select
import sys
import time
from typing import NamedTuple

# The data, section 1.
N_HELD_OUT = 100  # names that the reference does not learn from
VOWELS = "aeiouy"  # "y" too: in "lery" vowels and consonants take turns
PENALTY = 5  # points that a clash costs, and a letter in excess
SCALE = 0.4  # how sure a label is: sigmoid(SCALE * difference in points)
N_PAIRS = 1000  # pairs that the reward model learns from
N_TEST_PAIRS = 300  # pairs that it does not learn from

# The model. What these words mean is said in section 3.
N_LAYER = 1  # transformer blocks, one after the other
N_EMBD = 8  # each position of a word is described by this many numbers
N_HEAD = 2  # attention heads of a block; N_EMBD must be a multiple of it
BLOCK_SIZE = 12  # the longest sequence of tokens that the model can read
INIT_STD = 0.08  # standard deviation of the random numbers that the model starts from

# The training of the reference, section 4.
STEPS = 500  # steps in which the reference learns names, two names each
REFERENCE_RATE = 0.014  # how far a parameter moves in an early step; falls almost to 0
ADAM_BETA1, ADAM_BETA2 = 0.9, 0.99  # the optimizer averages over about 10 and 100 steps

# The reward model and PPO, section 5.
PASSES = 20  # times that the reward model learns from each pair
REWARD_RATE = 0.1  # of its plain gradient steps; falls almost to 0
DECAY = 0.02  # how strongly its weights are pulled to 0
ITERATIONS = 10  # of PPO; in each the policy writes a batch of words and learns from it
NO_PRICE_ITERATIONS = 14  # instead of 10, to see where a policy ends that pays no price
BATCH = 32  # words
EPOCHS = 3  # times that it learns from each of them
MINIBATCH = 8  # words in a step of learning, so that an iteration has 12 steps
POLICY_RATE = 0.008  # how far a parameter of the policy moves in a step
NO_CLIP_RATE = 0.002  # the same without the clip, where it does best
# (Tried at four other seeds: with the clip 0.002, 0.004 and 0.008 came out alike; without it, 0.001
# and 0.004 were worse than 0.002.)
VALUE_RATE = 0.1  # the share of its error that the value function corrects
CLIP = 0.2  # beyond 0.8 and 1.2 times its old probability, a token has nothing more to gain
KL_PRICE = 0.4  # what a nat of distance from the reference costs in reward (beta in microdpo.py)
GAE_LAMBDA = 0.95  # 0: advantages trust the value function; 1: they trust what came

# The experiments, section 6.
N_SAMPLES = 300  # words of each policy that it is judged by
N_BEST = 16  # the rival: the best of so many words of the reference


# ===== 1. Data: names, and which of two words is better ===========================================
#
# The names stand at the end of the file: mary, james, patricia ... A model sees no letters, only
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
# A model that has learned names can also write: draw a token by these probabilities, let it read
# that, draw the next one.
#
# Somebody has a taste in words: vowels and consonants should take turns, and no letter should come
# a third time. Two neighbours in a word, a vowel and a consonant, earn a point. Two of one kind, a
# clash, cost 5, and so does each letter in excess:
#
#     nora      3 turns                                     3 points
#     anna      2 turns, a clash (n-n)            2 - 5 =  -3
#     banana    5 turns, a letter in excess (a)   5 - 5 =   0
#
# No model is told this rule. All there is are pairs of words with a label, which says which of the
# two was preferred. And labels are noisy, as with people: the better word is not always chosen, but
# the more often, the more points it is ahead. With d points more, it is chosen with the probability
#
#     sigmoid(0.4 * d)      where sigmoid(x) = 1 / (1 + exp(-x)), a number between 0 and 1
#
# "nora" against "anna": d = 6, and sigmoid(2.4) = 0.92. Of 100 such pairs, 8 have the wrong label.
#
# The second half of the taste is a trap, set on purpose. The reward model of this file looks at
# pairs of neighbours only, so it cannot see a letter in excess. In the words of the reference that
# hardly matters: part 3 of the output counts them. What matters is what a policy makes of it.

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
    held_out: list  # the reference does not learn from these


def split_data(rng):
    """Shuffle the names and hold out N_HELD_OUT of them."""
    names = [name for name in NAMES.split() if len(name) < BLOCK_SIZE]
    rng.shuffle(names)
    vocabulary = make_vocabulary(names)
    tokens = [tokenize(name, vocabulary) for name in names]
    return Data(vocabulary, tokens[N_HELD_OUT:], tokens[:N_HELD_OUT])


def tokenize_written(word, vocabulary):
    """The tokens of a word that a model wrote: without an end, if it had no room for one."""
    # After BLOCK_SIZE letters the model can read no more. Such a word has no end: it stands for all
    # words that begin so, and its probability is theirs together.
    return tokenize(word, vocabulary)[: BLOCK_SIZE + 1]


def n_clashes(word):
    """How many neighbours in a word are of one kind, two vowels or two consonants."""
    return sum([(a in VOWELS) == (b in VOWELS) for a, b in zip(word, word[1:])])


def n_in_excess(word):
    """How many letters of a word have come twice before."""
    return sum([word[:i].count(letter) > 1 for i, letter in enumerate(word)])


def points(word):
    """The taste: a point for neighbours that take turns, minus PENALTY for each fault."""
    n_neighbours = max(0, len(word) - 1)
    n_turns = n_neighbours - n_clashes(word)
    return n_turns - PENALTY * (n_clashes(word) + n_in_excess(word))


def sigmoid(x):
    """1 / (1 + exp(-x)) of a float: S-shaped, from 0 to 1, and 1/2 at 0."""
    e = math.exp(-abs(x))  # at most 1, so nothing overflows
    return (1.0 if x >= 0.0 else e) / (1.0 + e)


class Pair(NamedTuple):
    """Two words of the reference, of which one was preferred."""

    chosen: str
    rejected: str
    p_label: float  # the probability that the label came out as it did


def make_pairs(reference, vocabulary, n, rng):
    """n pairs of different words that the reference writes, each with a label."""
    pairs = []
    while len(pairs) < n:
        a = sample(reference, vocabulary, 1.0, rng)
        b = sample(reference, vocabulary, 1.0, rng)
        if a == b:
            continue
        p_a = sigmoid(SCALE * (points(a) - points(b)))
        if rng.random() < p_a:
            pairs.append(Pair(a, b, p_a))
        else:
            pairs.append(Pair(b, a, 1.0 - p_a))
    return pairs


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

    def clip(self, low, high):
        # The nearest number in the range. A NaN stays one: the variable comes first in max and min.
        inside = low <= self.data <= high
        return Value(min(max(self.data, low), high), (self,), (1.0 if inside else 0.0,))

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


# --- AUTOGRAD DIFFERENCES IN THIS SCRIPT ---
# This Value class follows the canonical interface (see docs/autograd-interface.md)
# with the following additions/modifications:
# - clip(): Required for PPO ratio clipping (derivative 1 inside the bounds, 0 outside)
# Base operations (add, mul, tanh, exp, relu, pow, backward) are identical
# to the canonical spec.

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


# From the logits to log p is one function here. (Most scripts of this collection take the logarithm
# of softmax's p, and cut it off below 1e-10. PPO makes small probabilities smaller still, and has
# to keep count of them, with their gradients.)


def log_prob(logits, target):
    """log softmax(logits)[target], of Values (as one node) or of floats."""
    # log p = x_target - log(sum of exp(x_j)). The derivative by x_i is -p_i, and one more for the
    # target. Subtracting the largest logit first changes nothing and keeps exp() small; in one
    # formula, no p can round to 0 before its logarithm is taken.
    are_values = isinstance(logits[0], Value)
    numbers = [x.data for x in logits] if are_values else logits
    largest = max(numbers)
    exps = [math.exp(x - largest) for x in numbers]
    total = math.fsum(exps)
    result = numbers[target] - largest - math.log(total)
    if not are_values:
        return result
    slopes = [-e / total for e in exps]
    slopes[target] += 1.0
    return Value(result, tuple(logits), tuple(slopes))


def log_probs(model, tokens):
    """Let the model read a word. Return log p(next token) at each position, as one list."""
    caches = new_caches()
    result = []
    for token, target in zip(tokens, tokens[1:]):
        result.append(log_prob(gpt(model, token, caches), target))
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


def next_token(logits, temperature, rng):
    """Draw a token at random, with the probabilities that the logits (floats) stand for."""
    # Dividing the logits by a temperature below 1 widens the gaps between them: likely tokens
    # become likelier still. Towards 0 only the likeliest is left.
    if temperature == 0:
        return logits.index(max(logits))
    probs = softmax([logit / temperature for logit in logits])
    return rng.choices(range(len(probs)), probs)[0]


def sample(frozen, vocabulary, temperature, rng):
    """Let a frozen model write a word: draw a token, let the model read it, draw the next one."""
    caches = new_caches()
    token = 0
    word = ""
    while len(word) < BLOCK_SIZE:
        logits = gpt(frozen, token, caches)
        token = next_token(logits, temperature, rng)
        if token == 0:
            break
        word += vocabulary[token]
    return word


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


def thaw(frozen):
    """A model of Values from a frozen one: the opposite of freeze()."""
    return {name: [[Value(p) for p in row] for row in matrix] for name, matrix in frozen.items()}


class Optimizer:
    """Adam for the parameters of a model, with its memory."""

    def __init__(self, model):
        self.params = parameters(model)
        self.m = [0.0] * len(self.params)
        self.v = [0.0] * len(self.params)
        self.step = 0

    def descend(self, loss, rate):
        """Take a step against the gradient of a loss."""
        for p in self.params:
            p.grad = 0.0  # forget the step before: gradients would add up
        loss.backward()
        self.step += 1
        adam_step(self.params, self.m, self.v, self.step, rate, ADAM_BETA1, ADAM_BETA2)


def train_reference(data, steps, seed):
    """The frozen model that has learned names, two a step."""
    model = init_model(len(data.vocabulary), random.Random(f"{seed} reference"))
    optimizer = Optimizer(model)
    start = time.perf_counter()
    for step in range(1, steps + 1):
        words = [data.train_set[i % len(data.train_set)] for i in (2 * step - 2, 2 * step - 1)]
        loss = word_loss(model, *words)
        remaining = (steps - step + 1) / steps  # long steps at first, short ones to settle
        optimizer.descend(loss, REFERENCE_RATE * remaining)
        show_progress(f"reference, loss {loss.data:.3f}", step, steps, start)
        del loss  # frees this step's graph before the next one is built
    return freeze(model)


# ===== 5. The lesson: a reward that is learned, and a policy that climbs it =======================
#
# ----- The reward model ---------------------------------------------------------------------------
#
# Nobody can read each word that a policy will write. So we first learn to guess what would be
# preferred: a reward r(y) for each word y. As in step 3 of microdpo.py, the chosen word w of a pair
# is taken to be preferred to the rejected word l with the probability sigmoid(r(w) - r(l)) (Bradley
# and Terry). We look for the r that makes the labels likely, with the loss
#
#     L  =  -log sigmoid(r(w) - r(l))
#
# In InstructGPT, r is a large language model with one number as its output. Here it is a sum of
# weights, one for each pair of neighbours in the word, its boundaries included:
#
#     r(nora)  =  weight(<>n) + weight(no) + weight(or) + weight(ra) + weight(a<>)
#
# With so simple a model the derivative takes no graph. With p = sigmoid(r(w) - r(l)), dL/d(weight)
# is -(1 - p) times how often the pair of neighbours is in w more than in l.
#
# The labels fix only differences of r: the same number more for all words changes nothing. So we
# shift r to have mean 0 over the words that it has learned from. We also divide it to have the
# standard deviation 1, so that KL_PRICE, which is in units of r, means the same for every reward
# model.


def count_neighbours(word):
    """{(a, b): how often b follows a}, for a word with its boundaries."""
    marked = [BOUNDARY, *word]
    if len(word) < BLOCK_SIZE:  # else it was cut off, and has no end
        marked.append(BOUNDARY)
    return collections.Counter(zip(marked, marked[1:]))


class RewardModel:
    """A guess at how much a word is liked, learned from pairs."""

    def __init__(self, pairs):
        self.weights = collections.defaultdict(float)
        for i in range(PASSES):
            rate = REWARD_RATE * (PASSES - i) / PASSES
            for pair in pairs:
                self.learn(pair, rate)
        words = [word for pair in pairs for word in (pair.chosen, pair.rejected)]
        raw = [self.raw_score(word) for word in words]
        self.mean = mean_of(raw)
        self.std = max(math.sqrt(variance_of(raw)), 1e-9)

    def raw_score(self, word):
        """The sum of weights; neighbours that were never seen count 0."""
        counts = count_neighbours(word)
        return math.fsum([self.weights.get(key, 0.0) * n for key, n in counts.items()])

    def gradient(self, pair):
        """{neighbours: derivative of L by their weight}."""
        p = sigmoid(self.raw_score(pair.chosen) - self.raw_score(pair.rejected))
        difference = count_neighbours(pair.chosen)
        difference.subtract(count_neighbours(pair.rejected))
        return {key: -(1.0 - p) * n for key, n in difference.items()}

    def learn(self, pair, rate):
        """A step against the gradient; DECAY pulls the weights of the pair towards 0."""
        for key, slope in self.gradient(pair).items():
            self.weights[key] -= rate * (slope + DECAY * self.weights[key])

    def score(self, word):
        """The reward r of a word: 0 for an average one, 1 for one standard deviation above."""
        return (self.raw_score(word) - self.mean) / self.std

    def scores_so_far(self, word):
        """What the letters of a word have brought before each of them and before its end."""
        scores = [0.0]
        for a, b in zip([BOUNDARY, *word], word):
            scores.append(scores[-1] + self.weights.get((a, b), 0.0) / self.std)
        return scores


def mean_of(values):
    """The mean of a list of floats."""
    return math.fsum(values) / len(values)


def variance_of(values):
    """The mean squared distance of some floats from their mean."""
    mean = mean_of(values)
    return mean_of([(value - mean) * (value - mean) for value in values])


# ----- What the policy is to do -------------------------------------------------------------------
#
# A policy is a model that writes words. pi(y) is the probability that it writes y. We want a high
# mean of the reward over its words, at a small distance from the reference, pi_ref:
#
#     maximize   the mean, over words y of pi, of   R(y) = r(y) - KL_PRICE * log(pi(y) / pi_ref(y))
#
# (microdpo.py has the same in its step 1, with beta for KL_PRICE.) The mean of the logarithm is the
# KL divergence of pi from pi_ref, measured in nats: 0 if the two are the same, else positive. It is
# there because r has learned from words of the reference, and is a guess elsewhere.
#
# ----- The derivative of a draw -------------------------------------------------------------------
#
# A step of training needs the derivative of that mean by each parameter. But words are drawn, and a
# draw has no derivative. The way out: the mean is a sum over all words, and in it the probabilities
# have derivatives. Take two words, a of reward 3 and b of reward 1, and pi(a) = sigmoid(t) with one
# parameter t, which is 0. So
#
#     the mean of R            =  3 pi(a) + 1 pi(b)  =  1 + 2 sigmoid(t)
#     its derivative by t      =  2 * sigmoid'(0)    =  2 * 0.25  =  0.5
#
# There are too many words to add up. Write d for the derivative by a parameter. That of log pi is
# d pi / pi, so d pi = pi * d(log pi), and the derivative that we want is a mean, too,
#
#     d (the mean of R)  =  sum over y of R(y) * d pi(y)  =  the mean of  R(y) * d(log pi(y))
#
# and a mean can be estimated from words that are drawn. In the example d(log pi(a)) is 0.25 / 0.5 =
# 0.5, and d(log pi(b)) is -0.5. Half of the draws are a and say 3 * 0.5 = 1.5. The others are b and
# say 1 * -0.5 = -0.5. The mean is 0.5, as above. This is the policy gradient (REINFORCE). It makes
# each word that was drawn likelier, the more so the higher its reward (and less likely, if the
# reward is negative).
#
# (The pi in R: the derivative of that term adds the mean of -KL_PRICE * d(log pi(y)), which is 0,
# since probabilities always add up to 1: in the example, 0.5 * 0.5 - 0.5 * 0.5 = 0.)
#
# ----- The advantage, and what V is for -----------------------------------------------------------
#
# Single draws said 1.5 and -0.5, where 0.5 was right: such estimates are noisy. Subtract from R
# what was to be expected, here 2. That changes nothing in the mean, again because d(log pi) has
# mean 0. Now a says (3 - 2) * 0.5 = 0.5, and b says (1 - 2) * -0.5 = 0.5: in an example as
# even as this, no noise is left. What is left of the reward is called the advantage: how much
# better it went than expected.
#
# A word is written token by token, and what is expected changes on the way. So a reward is given to
# each token, its own share of the cost of distance, and the last one also gets r(y). V(s), the
# value function, guesses from the state s before a token how much reward is still to come. In
# InstructGPT it starts as a copy of the reward model. Here it knows the last token, the position,
# and what the reward model has counted so far:
#
#     V(s)  =  weight(last token) + weight(position) + weight * (score so far)
#
# Say a word has three tokens, with the rewards -0.1, -0.2 and 0.8, and V says 0.2, 0.4 and 0.7
# before each of them. How well did the first token do? If we trust V, it brought
#
#     -0.1 + 0.4 - 0.2                      =  0.1      its reward, and V after it less V before
#
# If we trust only what came, it brought
#
#     -0.1 - 0.2 + 0.8 - 0.2                =  0.3      all rewards from there on, less V before
#
# The first is quiet but as wrong as V, the second is right on average but noisy. GAE (generalized
# advantage estimation) lies between them. With delta_t = reward_t + V_(t+1) - V_t for each token,
# by how much V was off there,
#
#     A_t  =  delta_t + GAE_LAMBDA * delta_(t+1) + GAE_LAMBDA^2 * delta_(t+2) + ...
#
# where 0 gives the first and 1 the second. Here all three delta are 0.1, and with 0.95 the first
# token has the advantage 0.1 + 0.095 + 0.090 = 0.285. V learns to guess A_t + V_t.


def token_rewards(log_ratios, score, kl_price):
    """The reward of each token, from log(pi / pi_ref) of each and the reward of the word."""
    rewards = [-kl_price * log_ratio for log_ratio in log_ratios]
    rewards[-1] += score
    return rewards


def gae(rewards, values, gae_lambda):
    """The advantage of each token. After the last one nothing is to come: V is 0 there."""
    advantages = []
    next_value = 0.0
    next_advantage = 0.0
    for reward, value in zip(reversed(rewards), reversed(values)):
        delta = reward + next_value - value
        next_advantage = delta + gae_lambda * next_advantage
        next_value = value
        advantages.append(next_advantage)
    return advantages[::-1]


def states_of(word, tokens, reward_model):
    """What V knows before each token that is to be guessed: {feature: number}."""
    # Of "nora" it knows before the n: the boundary, position 0, and 0.0; before the o: n, position
    # 1, and the score of <>n; and so on, and at last before the end: a, and position 4.
    states = []
    for i, so_far in enumerate(reward_model.scores_so_far(word)[: len(tokens) - 1]):
        states.append({("last token", tokens[i]): 1.0, ("position", i): 1.0, "so far": so_far})
    return states


class ValueFunction:
    """V(s), a guess at the reward to come: a weighted sum of what is known of the state s."""

    def __init__(self):
        self.weights = collections.defaultdict(float)

    def guess(self, state):
        """V of one state."""
        return math.fsum([self.weights[feature] * x for feature, x in state.items()])

    def learn(self, state, target):
        """Correct a share of the error."""
        # Half of the squared error has the derivative -error * x by the weight of x. A step of
        # share * error / (sum of x * x) against it makes the error smaller by just this share.
        error = target - self.guess(state)
        squares = math.fsum([x * x for x in state.values()])
        for feature, x in state.items():
            self.weights[feature] += VALUE_RATE * error * x / squares


# ----- Several steps from one batch, and the clip -------------------------------------------------
#
# Words are dear: the policy has to write them. It would be a waste to take one short step and throw
# them away. But after the first step the policy, pi, is no longer the one that wrote them, pi_old.
# The mean of A for pi can still be had from them, if each token counts by how much likelier it has
# become:
#
#     ratio  =  pi(token) / pi_old(token)
#     the mean of A, with tokens drawn by pi  =  the mean of ratio * A, with tokens drawn by pi_old
#
# (This is exact for one token after the same beginning. The beginnings remain those that pi_old
# wrote, which is nearly right while the two are close.) At ratio = 1 the derivative of ratio * A is
# A * d(log pi), the policy gradient.
#
# If steps go on like that, ratios may get far from 1, and the batch says little about a policy so
# far away. So PPO takes away what there is to gain beyond 0.8 and 1.2. It maximizes
#
#     min(ratio * A,  clip(ratio, 0.8, 1.2) * A)
#
#                              ratio < 0.8          0.8 to 1.2     ratio > 1.2
#     A > 0, a good token      called back up       pushed up      enough: slope 0
#     A < 0, a bad token       enough: slope 0      pushed down    called back down
#
# Take a good token, A = 1. At the ratio 1.3 the minimum is that of 1.3 and 1.2: 1.2, which does not
# change with the ratio, so the slope is 0. At 0.7 it is that of 0.7 and 0.8: 0.7, and its slope
# calls the token back up. So only gain is cut. clip(x) gives the nearest number from 0.8 to 1.2,
# and its slope is 1 inside and 0 outside.


def surrogate(new_log_p, old_log_p, advantage, clip):
    """The clipped gain of one token, a Value; new_log_p is a Value, the others are floats."""
    log_ratio = (new_log_p - old_log_p).clip(-20.0, 20.0)  # exp(710) is more than a float can hold
    ratio = log_ratio.exp()
    plain = ratio * advantage
    clipped = ratio.clip(1.0 - clip, 1.0 + clip) * advantage
    return plain if plain.data <= clipped.data else clipped


# ----- PPO ----------------------------------------------------------------------------------------
#
# The loop that puts it together. (What larger runs add and is left out here: a bonus for
# randomness, the entropy; sometimes a discount for what comes later; and, in InstructGPT, some
# steps on ordinary text.)


class World(NamedTuple):
    """What PPO learns in, and from."""

    vocabulary: list
    reference: dict  # frozen
    reward_model: RewardModel


class Settings(NamedTuple):
    """One way to run PPO."""

    label: str
    kl_price: float
    clip: float  # infinity: no clip
    rate: float  # how far a parameter moves in a step
    iterations: int


class Episode(NamedTuple):
    """A word that the policy wrote, and what is known of it, with a number for each token."""

    word: str
    tokens: list
    old_log_probs: list  # by the policy that wrote it
    log_ratios: list  # log(pi_old / pi_ref)
    score: float  # the reward of the whole word
    states: list  # what V knew before each token
    values: list  # what V guessed
    advantages: list


def write_episode(policy, value_function, world, settings, rng):
    """Let a frozen policy write a word, and judge each token."""
    word = sample(policy, world.vocabulary, 1.0, rng)
    tokens = tokenize_written(word, world.vocabulary)
    old = log_probs(policy, tokens)
    log_ratios = [a - b for a, b in zip(old, log_probs(world.reference, tokens))]
    score = world.reward_model.score(word)
    states = states_of(word, tokens, world.reward_model)
    values = [value_function.guess(state) for state in states]
    rewards = token_rewards(log_ratios, score, settings.kl_price)
    advantages = gae(rewards, values, GAE_LAMBDA)
    return Episode(word, tokens, old, log_ratios, score, states, values, advantages)


def normalized_advantages(batch):
    """The advantages of each Episode, shifted and scaled to mean 0 and variance 1 over all."""
    # So the better tokens are pushed up and the worse ones down, whatever the size of the rewards.
    every = [a for episode in batch for a in episode.advantages]
    mean = mean_of(every)
    std = math.sqrt(variance_of(every) + 1e-8)
    return [[(a - mean) / std for a in episode.advantages] for episode in batch]


class Update(NamedTuple):
    """What happened to one token in one step of learning."""

    log_ratio: float  # log(pi / pi_old) before the step
    is_cut: bool  # whether the clip set its slope to 0


def learn_from(batch, policy, optimizer, value_function, settings, rng):
    """EPOCHS times over a batch, MINIBATCH words a step. Return a list of Updates per epoch."""
    advantages = normalized_advantages(batch)
    updates = []
    for _ in range(EPOCHS):
        order = rng.sample(range(len(batch)), len(batch))
        updates.append([])
        for first in range(0, len(order), MINIBATCH):
            terms = []
            for k in order[first : first + MINIBATCH]:
                terms += terms_of(batch[k], advantages[k], policy, settings.clip, updates[-1])
                for state, value, a in zip(batch[k].states, batch[k].values, batch[k].advantages):
                    value_function.learn(state, value + a)
            loss = vsum(terms) * (-1.0 / len(terms))
            optimizer.descend(loss, settings.rate)
            del loss, terms
    return updates


def terms_of(episode, advantages, policy, clip, updates):
    """The surrogate of each token of a word; what happens to them is added to updates."""
    new = log_probs(policy, episode.tokens)
    terms = []
    for new_log_p, old_log_p, advantage in zip(new, episode.old_log_probs, advantages):
        terms.append(surrogate(new_log_p, old_log_p, advantage, clip))
        log_ratio = new_log_p.data - old_log_p
        updates.append(Update(log_ratio, is_cut(log_ratio, advantage, clip)))
    return terms


def is_cut(log_ratio, advantage, clip):
    """Whether a token is beyond the clip on the side where it would gain: its slope is 0."""
    ratio = math.exp(min(log_ratio, 20.0))
    return ratio > 1.0 + clip if advantage > 0.0 else ratio < 1.0 - clip


class Record(NamedTuple):
    """What is known of one iteration: of the batch as the policy wrote it, and of the learning."""

    reward: float  # means over the words
    points: float
    points_error: float
    kl: float
    explained: float  # the share of the variance of A + V that V had foreseen
    cut: float  # the share of updates that the clip cut
    step_kl: float  # in nats a token: how far the policy is from the one that wrote the batch


def ppo(world, settings, iterations, seed):
    """Train a copy of the reference. Return it, frozen, and a Record for each iteration."""
    policy = thaw(world.reference)
    optimizer = Optimizer(policy)
    value_function = ValueFunction()
    rng = random.Random(f"{seed} ppo")
    records = []
    start = time.perf_counter()
    for iteration in range(1, iterations + 1):
        frozen = freeze(policy)
        batch = [write_episode(frozen, value_function, world, settings, rng) for _ in range(BATCH)]
        updates = learn_from(batch, policy, optimizer, value_function, settings, rng)
        records.append(make_record(batch, updates))
        reward = records[-1].reward
        show_progress(f"{settings.label}, reward {reward:.2f}", iteration, iterations, start)
    return freeze(policy), records


def make_record(batch, updates):
    """The Record of an iteration."""
    # A + V, what V is to learn, is nearly what came. But with GAE_LAMBDA below 1 it contains later
    # guesses of V, so the share that V foresaw flatters it a little. And step_kl is a mean over the
    # steps of the last epoch, each before it is taken: after the last one it is a little more.
    all_points = estimate([points(episode.word) for episode in batch])
    advantages = [a for episode in batch for a in episode.advantages]
    returns = [v + a for episode in batch for v, a in zip(episode.values, episode.advantages)]
    in_last_epoch = [update.log_ratio for update in updates[-1]]
    return Record(
        reward=mean_of([episode.score for episode in batch]),
        points=all_points.mean,
        points_error=all_points.error,
        kl=mean_of([math.fsum(episode.log_ratios) for episode in batch]),
        explained=1.0 - variance_of(advantages) / max(variance_of(returns), 1e-9),
        cut=mean_of([update.is_cut for epoch in updates for update in epoch]),
        step_kl=mean_of([kl_term(log_ratio) for log_ratio in in_last_epoch]),
    )


def kl_term(log_ratio):
    """What a token adds to the KL divergence of pi_old from pi: on average -log(ratio)."""
    # ratio - 1 has mean 0 over tokens of pi_old. Added, it takes much of the chance out, and no
    # term is below 0: for the ratio 1.2, -log is -0.18, and 0.02 is left.
    return math.exp(min(log_ratio, 20.0)) - 1.0 - log_ratio


# ===== 6. Experiments =============================================================================
#
# The output has four parts, with a function for each: it prints, and returns its claims if it has
# any. A claim is a statement that the run could have refuted; check() marks it as [ok] or [no].
# What is drawn has a random generator of its own, so that a change in one place does not change the
# figures of another. (The runs of PPO all start from the same one.) What only plots stands among
# the tools in section 7.
#
# Figures come with a standard error, written +-: how far off they typically are because only so
# many examples were looked at. Chance alone puts a figure more than two standard errors off about
# once in twenty times. Where a claim says "over 2 x" some figure, that figure is an error.


class Estimate(NamedTuple):
    """A measured figure and its standard error."""

    mean: float
    error: float


def estimate(values):
    """The Estimate of the mean of a list of floats."""
    # The variance is the mean of the squared deviations. (They are divided by n - 1 and not by n:
    # taken from the mean of the same values, they come out a little too small.) The variance of the
    # mean of n values is n times smaller. That another seed also trains another model comes on top,
    # and is not in it.
    n = len(values)
    mean = mean_of(values)
    variance = math.fsum([(value - mean) * (value - mean) for value in values]) / (n - 1)
    return Estimate(mean, math.sqrt(variance / n))


def difference(a, b):
    """By how much the list a is above b on average, item by item: an Estimate."""
    return estimate([x - y for x, y in zip(a, b)])


def gap(a, b):
    """By how much an Estimate is above another one that is independent of it."""
    return Estimate(a.mean - b.mean, math.hypot(a.error, b.error))


# ----- Part 1: the reward model -------------------------------------------------------------------


def agreement(score_of, pairs):
    """For each pair, the expected share of new labels that a ranking by score gets right."""
    # For each pair we know how likely its label was, so the luck of this one label can be left out.
    # Say "nora" was chosen over "anna", which is the label in 0.92 of all cases: a rule that
    # prefers "nora" counts 0.92, and one that prefers "anna" 0.08. Equal scores count half.
    shares = []
    for pair in pairs:
        chosen, rejected = score_of(pair.chosen), score_of(pair.rejected)
        if chosen > rejected:
            shares.append(pair.p_label)
        elif chosen < rejected:
            shares.append(1.0 - pair.p_label)
        else:
            shares.append(0.5)
    return shares


def minus_length(word):
    """The score of a rule that prefers the shorter word."""
    return -len(word)


def what_the_reward_model_knows(world, data, pairs, test_pairs):
    """Part 1: how well the reward model foresees labels, and where it is blind."""

    def likelihood(word):
        tokens = tokenize_written(word, world.vocabulary)
        return math.fsum(log_probs(world.reference, tokens))

    loss = word_loss(world.reference, *data.held_out)
    print("\n1. The reward model\n")
    print(f"   The reference has a loss of {loss:.3f} nats per token on held-out names. The")
    print(f"   reward model has learned from {len(pairs):,} pairs of its words.", end=" ")
    print(f"For {len(test_pairs)} others,")
    print("   the expected share of new labels that are guessed right by always saying\n")
    rules = {
        "the shorter word": minus_length,
        "what is likelier in the reference": likelihood,
        "what the reward model scores higher": world.reward_model.score,
        "the word with more points": points,
    }
    agreed = {}
    for name, score_of in rules.items():
        agreed[name] = agreement(score_of, test_pairs)
        share = estimate(agreed[name])
        print(f"   {name:37} {share.mean:.3f} +- {share.error:.3f}")
    print("\n   The last is the most that anybody can have: the rest is noise in the labels.")
    print("   Some words, with their points and what the reward model gives them:\n")
    for word in ("nora", "anna", "banana", "nanananana"):
        print(f"   {word:12} {points(word):4} points {world.reward_model.score(word):7.2f}")
    print("\n   It counts neighbours, and cannot see a letter that comes too often.")
    by_length, by_likelihood, by_model, _ = agreed.values()
    lead = difference(by_model, max(by_length, by_likelihood, key=mean_of))
    statement = f"reward model ranks {lead.mean:.3f} more right than a simple rule"
    return [check(lead.mean > 2 * lead.error, f"{statement}, over 2 x {lead.error:.3f}")]


# ----- Part 2: the policy learns ------------------------------------------------------------------


class Writing(NamedTuple):
    """N_SAMPLES words of a policy after its training, with a number for each."""

    words: list
    rewards: list
    points: list
    log_ratios: list  # log(pi / pi_ref); their mean is the KL divergence

    def aims(self):
        """What PPO maximizes, for each word."""
        return [r - KL_PRICE * a for r, a in zip(self.rewards, self.log_ratios)]


def write(policy, world, label, seed):
    """Let a frozen policy write, and measure it."""
    rng = random.Random(f"{seed} writing, {label}")
    writing = Writing([], [], [], [])
    start = time.perf_counter()
    for i in range(N_SAMPLES):
        word = sample(policy, world.vocabulary, 1.0, rng)
        tokens = tokenize_written(word, world.vocabulary)
        log_pi = math.fsum(log_probs(policy, tokens))
        writing.words.append(word)
        writing.rewards.append(world.reward_model.score(word))
        writing.points.append(points(word))
        writing.log_ratios.append(log_pi - math.fsum(log_probs(world.reference, tokens)))
        show_progress(f"writing, {label}", i + 1, N_SAMPLES, start)
    return writing


class Best(NamedTuple):
    """What the best of N_BEST words of the reference come to, on average."""

    reward: float
    points: Estimate
    kl_at_most: float


def best_of_n(writing, n):
    """The Best of n words by the reward model, estimated from words of the reference."""
    # Of N words in order of reward, the k-th is the best of n drawn ones if all n are among the
    # first k but not all among the first k - 1: with the probability (k/N)^n - ((k-1)/N)^n. With
    # three words and n = 2, these are 1/9, 3/9 and 5/9. Words of equal reward share theirs. The KL
    # divergence of this way to write is at most log(n) - (n - 1) / n (arXiv:2401.01879).
    size = len(writing.words)
    n_with = collections.Counter(writing.rewards)
    n_below = 0
    weight_of = {}
    for reward in sorted(n_with):
        n_up_to = n_below + n_with[reward]
        p = (n_up_to / size) ** n - (n_below / size) ** n
        weight_of[reward] = p / n_with[reward]
        n_below = n_up_to
    weights = [weight_of[reward] for reward in writing.rewards]
    mean_points = dot(weights, writing.points)
    squares = [w * w * (x - mean_points) ** 2 for w, x in zip(weights, writing.points)]
    best = Estimate(mean_points, math.sqrt(math.fsum(squares)))
    return Best(dot(weights, writing.rewards), best, math.log(n) - (n - 1) / n)


def the_policy_learns(records, before, after, best):
    """Part 2: PPO, iteration by iteration; and its words in the end, beside the best of n."""
    print(f"\n2. The policy learns: {len(records)} iterations of {BATCH} words\n")
    print("   In each, the words that the policy wrote before it learned from them: means")
    print("   of the reward and of true points, the KL divergence from the reference, which")
    print("   share of the variance of what was to come V foresaw, and the share of the")
    print("   updates of tokens that the clip cut.\n")
    print("         reward        points         KL    V foresaw   cut")
    for number, record in enumerate(records, 1):
        cells = f"{record.reward:7.2f} {record.points:8.2f} +- {record.points_error:.2f}"
        cells += f" {record.kl:9.2f} {record.explained:10.0%} {record.cut:9.0%}"
        print(f"   {number:3} {cells}")
    print("\n   Words of the reference, and of the policy after all it has learned; and the")
    print(f"   best of {N_BEST} words of the reference by the reward model, which has to score")
    print(f"   {N_BEST} for each that is kept. Aim: what PPO maximizes, reward - {KL_PRICE} KL.\n")
    print("                     reward         points           KL              aim")
    print(f"   reference       {row_of_writing(before)}")
    print(f"   PPO             {row_of_writing(after)}")
    cells = f"{best.reward:8.2f} {best.points.mean:11.2f} +- {best.points.error:.2f}"
    aim = best.reward - KL_PRICE * best.kl_at_most
    print(f"   best of {N_BEST:<8}{cells}   < {best.kl_at_most:.2f}          > {aim:.2f}")
    start, end = estimate(before.points), estimate(after.points)
    # (Start and best are of the same words, so taking them as independent is a little rough.)
    error = math.hypot(start.error, best.points.error) / 2
    halfway = Estimate((start.mean + best.points.mean) / 2, error)
    above = gap(end, halfway)
    statement = f"PPO: {above.mean:.2f} points past half the way to the best of {N_BEST}"
    return [check(above.mean > 2 * above.error, f"{statement}, over 2 x {above.error:.2f}")]


def row_of_writing(writing):
    """Reward, points and KL of what a policy writes."""
    cells = "{:8.2f}".format(mean_of(writing.rewards))
    cells += "{:12.2f} +- {:.2f}".format(*estimate(writing.points))
    cells += "{:9.2f} +- {:.2f}".format(*estimate(writing.log_ratios))
    return f"{cells} {mean_of(writing.aims()):10.2f}"


# ----- Part 3: without one of the brakes ----------------------------------------------------------


def n_different_pairs(words):
    """How many different pairs of neighbours there are in some words."""
    return len({pair for word in words for pair in zip(word, word[1:])})


def without_the_brakes(runs, writings):
    """Part 3: PPO without the clip, and without a price for distance."""
    print("\n3. Without one of the brakes\n")
    print("   PPO; the same without the clip, and at the slower rate that is best without;")
    print("   and with the clip, but with no price for distance, for", end=" ")
    print(f"{NO_PRICE_ITERATIONS} iterations.")
    print("   Excess: letters of a word that came twice before. Variety: how many different")
    print(
        f"   pairs of neighbours there are in {N_SAMPLES} words. Step: about how far an iteration"
    )
    print("   moved the policy, in nats of KL for a token.\n")
    print("                  reward        points       KL     aim  excess variety   step")
    for label, writing in writings.items():
        print(row_of_part_3(label, writing, runs.get(label)))
    print("\n   Reward (R, r) and true points (T, t) over the root of KL, both in standard")
    print("   deviations of the reference's words. Capital: PPO; small: no price. (One mark")
    print("   may hide another.)\n")
    draw_plane(runs, writings["reference"])
    return claims_of_part_3(writings)


def row_of_part_3(label, writing, records):
    """A row of the table of part 3."""
    all_points = estimate(writing.points)
    row = f"   {label:13} {mean_of(writing.rewards):7.2f}"
    row += f" {all_points.mean:8.2f} +- {all_points.error:.2f}"
    row += f" {mean_of(writing.log_ratios):7.2f} {mean_of(writing.aims()):7.2f}"
    excess = mean_of([n_in_excess(word) for word in writing.words])
    row += f" {excess:7.2f} {n_different_pairs(writing.words):7}"
    if records:
        row += f" {mean_of([record.step_kl for record in records]):6.3f}"
    return row


def claims_of_part_3(writings):
    """What the clip is good for, and what a policy does without a price for distance."""
    tuned, free = writings["PPO"], writings["no price"]
    lead = gap(estimate(tuned.aims()), estimate(writings["no clip"].aims()))
    excess = [estimate([n_in_excess(word) for word in w.words]) for w in (free, tuned)]
    more = gap(*excess)
    variety = [n_different_pairs(writing.words) for writing in (free, tuned)]
    lower = f"no clip, same rate: aim {lead.mean:.2f} lower, over 2 x {lead.error:.2f}"
    longer = f"no price, {NO_PRICE_ITERATIONS} iterations"
    cheats = f"{longer}: {more.mean:.2f} more letters in excess, over 2 x {more.error:.2f}"
    fewer = f"{longer}: {variety[0]} different pairs of neighbours, under 0.7 x {variety[1]}"
    return [
        check(lead.mean > 2 * lead.error, lower),
        check(more.mean > 2 * more.error, cheats),
        check(variety[0] < 0.7 * variety[1], fewer),
    ]


# ----- Part 4: words ------------------------------------------------------------------------------


def print_words(writings):
    """Part 4: the first words of each policy."""
    print("\n4. Words (* without a fault)\n")
    for label, writing in writings.items():
        row = f"   {label:14}"
        for word, number in zip(writing.words, writing.points):
            faultless = len(word) > 1 and number == len(word) - 1
            marked = f" {word or '(empty)'}{'*' if faultless else ''}"
            if len(row) + len(marked) > 78:
                break
            row += marked
        print(row)


# ===== 7. Run =====================================================================================


def main(args):
    """The whole experiment, from the names to the claims."""
    data = split_data(random.Random(args.seed))
    print(f"{len(data.train_set)} names to learn from, {len(data.held_out)} held out.")
    reference = train_reference(data, args.steps, args.seed)
    rng = random.Random(f"{args.seed} pairs")
    pairs = make_pairs(reference, data.vocabulary, N_PAIRS, rng)
    rng = random.Random(f"{args.seed} test pairs")
    test_pairs = make_pairs(reference, data.vocabulary, N_TEST_PAIRS, rng)
    world = World(data.vocabulary, reference, RewardModel(pairs))
    claims = what_the_reward_model_knows(world, data, pairs, test_pairs)
    writings = {"reference": write(reference, world, "reference", args.seed)}
    runs = {}
    for settings in all_settings():
        iterations = min(settings.iterations, args.steps)
        policy, records = ppo(world, settings, iterations, args.seed)
        runs[settings.label] = records
        writings[settings.label] = write(policy, world, settings.label, args.seed)
    best = best_of_n(writings["reference"], N_BEST)
    claims += the_policy_learns(runs["PPO"], writings["reference"], writings["PPO"], best)
    claims += without_the_brakes(runs, writings)
    print_words(writings)
    print_claims(claims, args.steps)


def all_settings():
    """PPO, and PPO without one of its brakes."""
    return [
        Settings("PPO", KL_PRICE, CLIP, POLICY_RATE, ITERATIONS),
        Settings("no clip", KL_PRICE, math.inf, POLICY_RATE, ITERATIONS),
        Settings("no clip, slow", KL_PRICE, math.inf, NO_CLIP_RATE, ITERATIONS),
        Settings("no price", 0.0, CLIP, POLICY_RATE, NO_PRICE_ITERATIONS),
    ]


# ----- Try this -----------------------------------------------------------------------------------
#
# What PPO comes to in the end: true points, its aim, and which share V foresaw in the last four
# iterations. Means of the seeds 42, 1 and 2, with the lowest and the highest of them, first as the
# file stands, then with one line changed:
#
#                                points                aim                   foreseen
#   as it stands                 2.37 (1.98 to 2.75)   0.57 (0.51 to 0.68)   64% (60% to 66%)
# - VALUE_RATE = 0.0             1.40 (1.20 to 1.64)   0.34 (0.29 to 0.39)   0%
# - V without "so far"           2.28 (1.99 to 2.60)   0.37 (0.24 to 0.50)   12% (2% to 16%)
# - N_PAIRS = 100                0.18 (-0.54 to 1.07)  0.49 (0.39 to 0.57)   71% (68% to 76%)
#
# Without V, what is above or below the mean of a batch stands for what went well or badly, and PPO
# comes less far. (The reward at the end then also counts a little less for early tokens, by
# GAE_LAMBDA.) Most of what V foresees it reads off what the reward model has counted so far:
# without that feature in states_of() it foresees little, and the aim is about what it is without V,
# though the points are not. With 100 pairs the reward model ranks 0.569 of new labels right (0.543
# to 0.589) instead of 0.716. PPO climbs it all the same, and the points come about half as far up
# from those of the reference.
#
# ----- What came of it ----------------------------------------------------------------------------
#
# Over the seeds 100 to 119, the reward model ranked 0.722 of new labels right (from 0.690 to
# 0.747), where the taste itself ranks 0.830 right. The words of the reference had -2.7 points, and
# PPO came to 2.40 (1.67 to 3.24). The best of 16 words by the same reward model had 2.64 (1.78 to
# 3.73), and more of what PPO maximizes: an aim of 0.82 at least (0.62 to 0.98), where PPO had 0.48
# (0.28 to 0.76). So picking does better than a PPO that has seen 320 words, even by PPO's own
# measure. What PPO gives is a policy that needs no 16 words and no reward model for each word that
# it writes.
#
# Without the clip, at the same rate, the aim fell to -0.14 (-1.21 to 0.28). But at a quarter of the
# rate it was 0.52 (0.35 to 0.63), as good as with the clip. So the clip is not what makes it work.
# It is what forgives a rate that is too high.
#
# Without a price for distance, in 14 iterations, the reward rose to 5.94 (3.82 to 8.09). True
# points rose in the first iterations, and at 19 of the 20 seeds they ended below those of PPO; the
# mean of all 20 is -14.4 (-28.8 to 6.7). A word had 5.0 letters in excess (0.85 to 7.9), where the
# reference has 0.06. (At the default seed the points fall, rise once more, and end at -0.83: below
# PPO, and above the reference.) That this can happen is the trap of section 1. What was not planted
# is that variety goes as well: in 300 words of the reference there were 288 different pairs of
# neighbours, in those of PPO 202 (156 to 245), and without a price 35 (3 to 100). A policy that
# only climbs ends with a few words that the reward model likes very much, most of them cut off at
# 12 letters.
#
# Next in this collection: micromoe.py, on experts that are asked only now and then.
#
# This is the end of the tutorial. Below are tools, for whoever wants to change something, and the
# names.

# ----- Tools of this script: drawing --------------------------------------------------------------


def draw_plane(runs, reference, width=60, height=16):
    """Plot reward and true points of each iteration over the root of KL."""
    mean = mean_of(reference.points)
    std = max(math.sqrt(variance_of(reference.points)), 1e-9)
    marks = []
    for label, letters in (("no price", "rt"), ("PPO", "RT")):
        for record in runs[label]:
            x = math.sqrt(max(0.0, record.kl))
            marks.append((x, (record.points - mean) / std, letters[1]))
            marks.append((x, record.reward, letters[0]))
    right = max([x for x, _, _ in marks] + [0.01])
    high = max([y for _, y, _ in marks] + [0.01])
    low = min([y for _, y, _ in marks] + [0.0])

    def row_of(y):
        return round((high - y) / (high - low) * (height - 1))

    canvas = [[" "] * (width + 1) for _ in range(height)]
    canvas[row_of(0.0)] = ["-"] * (width + 1)
    for x, y, mark in marks:
        canvas[row_of(y)][round(x / right * width)] = mark
    for row, cells in enumerate(canvas):
        y = high - (high - low) * row / (height - 1)
        label = 0.0 if row == row_of(0.0) else y
        print(f"   {label:6.2f} |{''.join(cells)}".rstrip())
    print("          +" + "-" * (width + 1))
    print(f"           0{'the root of KL':^{width - 6}}{right:6.2f}")


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
