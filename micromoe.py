"""An expert that is not asked costs room but no work: more parameters for the same work.

Run it: python micromoe.py (40 seconds). In a mixture of experts (MoE) four small networks stand
side by side and a fifth, the router, picks two of them. Here such a mixture sees the letters of six
words, in any order, and predicts another word of their kind, letter by letter; which kind that is
it is not told. The script prints what the mixture saves, and what it gains over layers without a
router ("dense": all of it always works); what the router does when nothing keeps it fair; and which
expert took what. It also shows a gradient that gets through plain floats.
Read microgpt.py first. Papers: top-k mixtures arXiv:1701.06538; load balancing as here, Switch
arXiv:2101.03961; experts for a whole text or task at a time arXiv:2110.03742.
"""
import argparse, collections, gc, math, operator, os, random, sys, time
STEPS = 3000              # training steps of one word each, for each model
LEARNING_RATE = 0.02      # falls to ~0; best of 0.01, 0.02, 0.04 for mixture and dense of its work
BETA1, BETA2 = 0.9, 0.99  # memory of Adam: about 10 and 100 steps
N_EXPERT, TOP_K = 4, 2    # experts, and how many of them work on a word
N_HINTS = 6               # words of the same kind that are shown before
N_EMBD, N_BAG = 8, 8      # numbers for the last letter; for the hints together
N_STREAM, N_HIDDEN = 12, 8  # numbers that go into an expert and come out; its hidden units
SHARPNESS = 3.0           # factor on the router's scores: a step of Adam moves them 3 times as far
BALANCE = 0.3             # weight of balance_loss()
MEMORY = 0.99             # the load of each expert is a running mean over about 100 words

# ===== 1. Data: words of four kinds, listed by hand; the model is never told which is which =======
KINDS = {
    # Given names, US Census Bureau, name frequencies of 1990 (public domain): the first 300
    "name": """mary james patricia john linda robert barbara michael elizabeth william jennifer
david maria richard susan charles margaret joseph dorothy thomas lisa christopher nancy daniel karen
paul betty mark helen donald sandra george donna kenneth carol steven ruth edward sharon brian
michelle ronald laura anthony sarah kevin kimberly jason deborah matthew jessica gary shirley
timothy cynthia jose angela larry melissa jeffrey brenda frank amy scott anna eric rebecca stephen
virginia andrew kathleen raymond pamela gregory martha joshua debra jerry amanda dennis stephanie
walter carolyn patrick christine peter marie harold janet douglas catherine henry frances carl ann
arthur joyce ryan diane roger alice joe julie juan heather jack teresa albert doris jonathan gloria
justin evelyn terry jean gerald cheryl keith mildred samuel katherine willie joan ralph ashley
lawrence judith nicholas rose roy janice benjamin kelly bruce nicole brandon judy adam christina
harry kathy fred theresa wayne beverly billy denise steve tammy louis irene jeremy jane aaron lori
randy rachel howard marilyn eugene andrea carlos kathryn russell louise bobby sara victor anne
martin jacqueline ernest wanda phillip bonnie todd julia jesse ruby craig lois alan tina shawn
phyllis clarence norma sean paula philip diana chris annie johnny lillian earl emily jimmy robin
antonio peggy danny crystal bryan gladys tony rita luis dawn mike connie stanley florence leonard
tracy nathan edna dale tiffany manuel carmen rodney rosa curtis cindy norman grace allen wendy
marvin victoria vincent edith glenn kim jeffery sherry travis sylvia jeff josephine chad thelma
jacob shannon lee sheila melvin ethel alfred ellen kyle elaine francis marjorie bradley carrie jesus
charlotte herbert monica frederick esther ray pauline joel emma edwin juanita don anita eddie rhonda
ricky hazel troy amber randall eva barry debbie alexander april bernard leslie mario clara leroy
lucille francisco jamie marcus joanne micheal eleanor theodore valerie clifford danielle miguel""",
    # Common Japanese surnames, in Latin letters
    "surname": """sato suzuki takahashi tanaka watanabe ito yamamoto nakamura kobayashi kato yoshida
yamada sasaki yamaguchi matsumoto inoue kimura hayashi shimizu saito mori abe ikeda hashimoto
yamashita ishikawa nakajima maeda fujita goto ogawa okada hasegawa murakami kondo ishii sakamoto
endo aoki fujii nishimura fukuda ota miura okamoto matsuda nakagawa nakano harada fujiwara ono
tamura takeuchi kaneko wada nakayama ishida ueda morita hara shibata sakai kudo yokoyama miyazaki
miyamoto uchida takagi ando taniguchi ohno maruyama imai kono fujimoto murata takeda ueno sugiyama
masuda sugawara hirano kojima otsuka chiba kubo matsui iwasaki sakurai kinoshita noguchi matsuo
nomura kikuchi sano onishi sugimoto arai hamada ichikawa furukawa mizuno komatsu shimada koyama
kawaguchi yamanaka nishida kitamura igarashi higuchi kawamura yamazaki adachi nagata kawasaki iida
nishikawa hirata nakata honda tsuchiya azuma aoyama iwata kuroda nagai kawai hoshino tsuji ishihara
okabe kawakami matsuoka tanabe sekiguchi nakanishi shinohara matsubara iwamoto hattori tsukamoto
kurihara kataoka toyoda asano yoshikawa morimoto hirai nagashima oshima kamata horiguchi kishimoto
sakaguchi nishiyama ogata tominaga nagao araki yano kuriyama haraguchi matsushita matsunaga ishiguro
miyata kawashima kitagawa fukushima okazaki minami hotta iwai shirai takano kasahara yasuda nakai
tsuda kurata hayakawa kagawa kawano asai uemura uchiyama takashima tokunaga mochizuki nagasawa ozawa
ozaki koizumi kuwabara nishio tada tokuda yagi yokota yoshimura yoshioka muramatsu mizutani miyake
miyagawa mitsui mikami matsumura kuroki kumagai kobori katayama kamiya izumi iwase inagaki imamura
ikeuchi hosokawa horiuchi horikawa hori hirose hirayama hayami hanada fukui fujioka fujikawa ebihara
doi""",
    # Spanish verbs
    "verb": """hablar comer vivir tener hacer poder decir querer saber llegar pasar deber poner
parecer quedar creer llevar dejar seguir encontrar llamar venir pensar salir volver tomar conocer
sentir tratar mirar contar empezar esperar buscar existir entrar trabajar escribir perder producir
ocurrir entender pedir recibir recordar terminar permitir aparecer conseguir comenzar servir sacar
necesitar mantener resultar leer caer cambiar presentar crear abrir considerar acabar convertir
ganar formar traer partir morir aceptar realizar suponer comprender lograr explicar preguntar tocar
reconocer estudiar alcanzar nacer dirigir correr utilizar pagar ayudar gustar jugar escuchar cumplir
ofrecer descubrir levantar intentar usar acercar andar armar arrancar asegurar atender avisar bailar
bajar barrer batir beber borrar brillar brincar caminar cansar cantar cargar casar cazar cenar
cerrar cocer cocinar coger colgar colocar comprar conducir contestar copiar coser costar crecer
cruzar cubrir cuidar dar decidir dedicar defender depender desear despertar destruir detener
devolver dibujar discutir disfrutar doblar doler dormir dudar durar echar elegir empujar encender
enfadar engordar enojar entregar enviar envolver errar escapar esconder evitar exigir fabricar
faltar firmar freir fumar funcionar girar gobernar golpear gritar guardar guiar haber herir hervir
huir imaginar impedir imprimir incluir indicar insistir invitar lanzar lavar limpiar llenar llorar
llover luchar mandar manejar marcar medir mejorar mentir mezclar molestar montar morder mostrar
mover nadar navegar negar nevar notar obedecer obligar obtener odiar oler olvidar opinar ordenar
parar pegar peinar pelear pescar pesar picar pintar pisar planchar plantar practicar preferir
preparar prestar probar prohibir prometer proponer proteger quejar quemar quitar rascar recoger
recorrer regalar regar regresar reir repetir responder reunir rezar robar rodear romper saltar
saludar secar sembrar separar soltar sonar sonreir soplar subir sufrir sugerir temblar temer tejer
tirar torcer toser traducir tragar unir vencer vender ver vestir viajar vigilar visitar volar votar
zurcir""",
    # Genera of animals, plants, fungi, bacteria and other single cells
    "genus": """canis felis ursus equus bos ovis capra sus lepus mus rattus sciurus castor vulpes
lynx panthera acinonyx hyaena giraffa loxodonta elephas hippopotamus cervus alces rangifer bison
camelus lama macaca papio gorilla pongo homo lemur talpa sorex erinaceus vespertilio balaena
delphinus orcinus phoca lutra mustela meles corvus pica turdus passer sturnus hirundo apus falco
aquila buteo accipiter bubo strix columba gallus anas anser cygnus ciconia ardea larus struthio
crocodylus python vipera natrix lacerta testudo rana bufo hyla salamandra triturus salmo esox
cyprinus anguilla gadus thunnus apis bombus vespa formica papilio pieris musca culex quercus fagus
betula pinus abies picea larix salix populus acer tilia ulmus fraxinus juglans corylus malus pyrus
prunus rubus fragaria ribes vitis ficus olea citrus solanum nicotiana lavandula mentha salvia thymus
ocimum origanum primula viola ranunculus anemone clematis papaver brassica raphanus sinapis
trifolium medicago pisum phaseolus lathyrus vicia lupinus acacia eucalyptus myrtus hedera aralia
daucus apium petroselinum foeniculum allium lilium tulipa narcissus iris crocus hyacinthus galanthus
orchis ophrys zea triticum hordeum avena secale oryza poa festuca lolium carex juncus typha musa
cocos phoenix cedrus cupressus juniperus taxus ginkgo cycas equisetum pteridium sphagnum amanita
boletus agaricus penicillium aspergillus saccharomyces escherichia salmonella streptococcus
staphylococcus bacillus clostridium vibrio plasmodium amoeba paramecium euglena hydra aurelia
asterias echinus helix limax octopus sepia loligo nautilus mytilus ostrea pecten homarus cancer
daphnia artemia limulus araneus lycosa scorpio ixodes periplaneta blatta mantis locusta gryllus
cicada aphis cimex pediculus carabus lucanus scarabaeus coccinella tenebrio drosophila aedes
anopheles glossina bombyx danaus vanessa manta raja squalus carcharodon acipenser clupea engraulis
perca xiphias hippocampus danio carassius silurus iguana varanus chamaeleo boa naja alligator
gavialis chelonia aptenodytes spheniscus diomedea pelecanus sula fregata phalacrocorax grus rallus
fulica vanellus sterna cuculus tyto upupa alcedo merops picus alauda parus sitta troglodytes
fringilla carduelis loxia emberiza tachyglossus macropus phascolarctos didelphis dasypus"""}
KINDS = {kind: words.split() for kind, words in KINDS.items()}

def encode(word, vocab):
    """Number the letters by their index in vocab, and mark start and end by 0, the boundary."""
    return [vocab.index(letter) for letter in f"\n{word}\n"]  # vocab[0] is "\n": it is in no word

def letter_shares(words, vocab):
    """For each token its share in the words, the end of each word included."""
    count = collections.Counter("\n".join(words) + "\n")
    return [count[letter] / sum(count.values()) for letter in vocab]

def make_doc(word, peers, usual, vocab, rng):
    """(excess, tokens): each letter's share in N_HINTS other words less its usual one; the word."""
    hints = [other for other in rng.sample(peers, N_HINTS + 1) if other != word][:N_HINTS]
    shares = letter_shares(hints, vocab)  # twice, to suit the size of the other inputs
    return [2.0 * (share - mean) for share, mean in zip(shares, usual)], encode(word, vocab)

# ===== 2. Autograd ================================================================================
class Value:
    """A number that remembers what it was computed from, for backward(). See microgpt.py."""
    __slots__ = ("data", "grad", "_prev", "_local_grads")
    def __init__(self, data, children=(), local_grads=()):
        self.data, self.grad = data, 0.0
        self._prev, self._local_grads = children, local_grads
    def __add__(self, other):
        if isinstance(other, Value):
            return Value(self.data + other.data, (self, other), (1.0, 1.0))
        return Value(self.data + other, (self,), (1.0,))
    def __mul__(self, other):
        if isinstance(other, Value):
            return Value(self.data * other.data, (self, other), (other.data, self.data))
        return Value(self.data * other, (self,), (other,))
    def __pow__(self, exponent):
        out = self.data ** exponent  # and x ** 0 is constant: its derivative is 0, at x = 0 too
        if isinstance(out, complex): raise ValueError(f"({self.data}) ** {exponent} is not real")
        return Value(out, (self,), (exponent * self.data ** (exponent - 1) if exponent else 0.0,))
    def __neg__(self): return self * -1.0
    def __sub__(self, other): return self + -other
    def __truediv__(self, other): return self * other ** -1
    __radd__, __rmul__ = __add__, __mul__                     # number + Value, number * Value
    def __rsub__(self, other): return -self + other           # number - Value
    def __rtruediv__(self, other): return self ** -1 * other  # number / Value
    def __repr__(self): return f"Value(data={self.data}, grad={self.grad})"
    def tanh(self): out = math.tanh(self.data); return Value(out, (self,), (1.0 - out * out,))
    def exp(self): out = math.exp(self.data); return Value(out, (self,), (out,))
    def relu(self): return Value(max(self.data, 0.0), (self,), (1.0 if self.data > 0 else 0.0,))
    def log(self):
        clamped = max(self.data, 1e-10)
        return Value(math.log(clamped), (self,), (1.0 / clamped,))

    def _backward(self):
        grad = self.grad
        for child, local_grad in zip(self._prev, self._local_grads):
            child.grad += local_grad * grad

    def backward(self):
        """Add dL/dv to v.grad for each leaf v (a Value without children) that this L depends on."""
        self.grad = 1.0 if self._prev else self.grad + 1.0  # dL/dL
        topo, visited, stack = [], {self}, [(self, iter(self._prev))]
        while stack:
            for child in stack[-1][1]:
                if child._prev and child not in visited:
                    child.grad = 0.0
                    visited.add(child)
                    stack.append((child, iter(child._prev)))
                    break
            else:  # no break: all children are in the list, so now the node itself
                topo.append(stack.pop()[0])
        for node in reversed(topo): node._backward()

# --- AUTOGRAD IN THIS SCRIPT ---
# This Value class follows the canonical interface exactly.
# See docs/autograd-interface.md for the full specification.

def dot(a, b):
    """The dot product of two equally long sequences of Values, as one node."""
    a_data, b_data = [v.data for v in a], [v.data for v in b]
    return Value(math.fsum(map(operator.mul, a_data, b_data)), (*a, *b), (*b_data, *a_data))
def vsum(values):
    """The sum of a sequence of Values, as one node."""
    return Value(math.fsum([v.data for v in values]), (*values,), (1.0,) * len(values))
def linear(x, w):
    """The matrix product w x: the dot product of x with each row of w."""
    return [dot(row, x) for row in w]

def softmax(logits):
    """Turn logits, scores x of any size, into probabilities p_i = exp(x_i) / sum_j exp(x_j)."""
    max_val = max(v.data for v in logits)
    exp_vals = [(v - max_val).exp() for v in logits]
    inverse = vsum(exp_vals) ** -1
    return [e * inverse for e in exp_vals]

def cross_entropy(logits, target):
    """-log softmax(logits)[target] = log(sum_j exp(x_j)) - x_target, in nats, as one node."""
    high = max(v.data for v in logits)  # shifted as in softmax, lest exp overflow; log meets no 0
    exps = [math.exp(v.data - high) for v in logits]
    total = math.fsum(exps)
    slopes = [e / total - (i == target) for i, e in enumerate(exps)]  # p_i; less 1 at the target
    return Value(math.log(total) + high - logits[target].data, (*logits,), (*slopes,))

# ===== 3. Model ===================================================================================
# Before a word the model sees N_HINTS others of its kind, but only their letters in any order: for
# each letter its share in the hints, less its share in all words. A learned vector for each letter,
# weighted by this and summed, makes the bag. The bag and the last letter are mixed into h, N_STREAM
# numbers; then comes the layer this script is about, h + layer(h); and last the logits of the next
# letter. In a dense model the layer is one MLP, w_out tanh(w_in h). In the mixture it is
#     y = sum over the chosen e of g_e expert_e(h),      g = softmax of the scores of the chosen,
# where expert_e is such an MLP, only smaller. The router scores all experts, s = 3 W bag, once in
# a word, and the TOP_K best are chosen. Real models have many such layers, and most of them route
# each token anew, by h. Dense layers know the bag too, but only as a term of h: what they lack here
# is not size (see the output) but another function for each kind of bag.
#
# The router is made of Values. An expert is plain floats with a way back written by hand: hence no
# graph is built for it, and one that is not chosen is not computed, neither forward nor back.
# (Adam, which is not counted below, still moves it a little, by the memory of earlier gradients.)

# Multiplications in the layer, by part, counted where they are done; the router's, which the graph
# does, are added beside its calls. Not counted: softmax, SHARPNESS, tanh's slope, balancing, Adam.
work = collections.Counter()

def dot_floats(part, a, b):
    """The dot product of two lists of floats."""
    work[part] += len(a)
    return math.fsum(map(operator.mul, a, b))

def scaled(part, k, row):
    """k times each number of a row of floats."""
    work[part] += len(row)
    return [k * a for a in row]

def init_model(vocab_size, n_expert, n_hidden, rng):
    """Parameters {name: rows of Values}. With n_expert = 1 it is dense: there is no router."""
    def matrix(rows, columns, std):
        return [[Value(rng.gauss(0.0, std)) for _ in range(columns)] for _ in range(rows)]
    model = {"wte": matrix(vocab_size, N_EMBD, 0.5), "bag": matrix(vocab_size, N_BAG, 1.0),
             "mixer": matrix(N_STREAM, N_EMBD, 0.36),
             "mixer_bag": matrix(N_STREAM, N_BAG + 1, 0.36),        # + 1: constants to add (biases)
             "lm_head": matrix(vocab_size, N_STREAM + 1, 0.3)}      # are weights of an input of 1
    for e in range(n_expert):  # Values only so that adam_step finds .data and .grad
        model[f"in{e}"] = matrix(n_hidden, N_STREAM + 1, (N_STREAM + 1) ** -0.5)
        model[f"out{e}"] = matrix(N_STREAM, n_hidden, 0.5 * n_hidden ** -0.5)
    if n_expert > 1:  # biases of 0, and small weights: at first no expert is much preferred
        model["router"] = [row + [Value(0.0)] for row in matrix(n_expert, N_BAG, 0.1)]
    return model

def expert_forward(w_in, w_out, x):
    """(hidden, output) of an expert: tanh(w_in x) and w_out hidden, all floats."""
    hidden = [math.tanh(dot_floats("experts", row, x)) for row in w_in]
    return hidden, [dot_floats("experts", row, hidden) for row in w_out]

def expert_backward(leaves, weights, x, hidden, d_out):
    """From d_out = dL/d(output) add dL/dw to the grad of each leaf, and return dL/dx."""
    # The chain rule in reverse: output_i = sum_j w_out[i][j] hidden_j, so dL/dw_out[i][j] is
    # d_out_i hidden_j and dL/dhidden_j is sum_i d_out_i w_out[i][j]; times the slope of tanh, which
    # is 1 - tanh^2; and then the same for w_in.
    d_x = [0.0] * len(x)
    for row, d in zip(leaves[1], d_out): add_grads(row, scaled("experts", d, hidden))
    for j, column in enumerate(zip(*weights[1])):
        d = dot_floats("experts", column, d_out) * (1.0 - hidden[j] * hidden[j])
        add_grads(leaves[0][j], scaled("experts", d, x))
        d_x = list(map(operator.add, d_x, scaled("experts", d, weights[0][j])))
    return d_x

def add_grads(row, grads):
    """Add to the gradients of a row of Values."""
    for p, grad in zip(row, grads): p.grad += grad

def make_bag(model, excess):
    """The bag, for router and h: sum_i excess[i] bag_i over the letters i; and a 1."""
    return [Value(math.fsum(map(operator.mul, excess, [v.data for v in column])), column,
                  (*excess,)) for column in zip(*model["bag"])] + [Value(1.0)]

def route(model, bag):
    """(chosen, gates, scores): TOP_K experts, best first, their weights, and the scores of all."""
    if "router" not in model: return [0], [Value(1.0)], None
    work["router"] += sum(map(len, model["router"]))
    scores = [s * SHARPNESS for s in linear(bag, model["router"])]
    chosen = sorted(range(N_EXPERT), key=lambda e: -scores[e].data)[:TOP_K]
    return chosen, softmax([scores[e] for e in chosen]), scores

# What the way back needs. Of the word: chosen, gates, scores, weights. In visits, of each letter:
# h, the (hidden, output) of each chosen expert, and y.
Tape = collections.namedtuple("Tape", "chosen gates scores weights visits")

def expert_leaves(model):
    """[(in, out), ...]: the matrices of each expert."""
    return [(w, model["out" + name[2:]]) for name, w in model.items() if name.startswith("in")]

def forward(model, doc):
    """Nats per token of a document (excess, tokens), and its Tape for the way back."""
    # The graph is cut here: y is made of fresh leaves, which remember nothing of how they came.
    (excess, tokens), leaves, one = doc, expert_leaves(model), Value(1.0)
    bag = make_bag(model, excess)
    chosen, gates, scores = route(model, bag)
    weights = [[[[p.data for p in row] for row in w] for w in leaves[e]] for e in chosen]
    losses, visits, from_bag = [], [], linear(bag, model["mixer_bag"])
    for token, target in zip(tokens, tokens[1:]):
        h = list(map(operator.add, linear(model["wte"][token], model["mixer"]), from_bag))
        x = [v.data for v in h] + [1.0]
        ran = [expert_forward(*w, x) for w in weights]  # those of the chosen: no other one runs
        y = ran[0][1]
        if scores: y = [dot_floats("mixing", [g.data for g in gates], outs)
                        for outs in zip(*[out for _, out in ran])]
        y = [Value(a) for a in y]
        losses.append(cross_entropy(linear([*map(operator.add, h, y), one], model["lm_head"]),
                                    target))
        visits.append((h, ran, y))
    return vsum(losses) * (1 / len(losses)), Tape(chosen, gates, scores, weights, visits)

def backward(model, loss, tape, extra=None):
    """Add the gradients of loss, and of extra if it is there, to all parameters."""
    # The seam. loss.backward() ends at the leaves y (by h + y it also goes down h to the bottom:
    # those gradients stay, and ours are added to them). By hand we go on through the experts. As
    # y = sum_e g_e out_e, a gate gets dL/dg_e = dL/dy . out_e: what more of this expert would do.
    # From L the router learns nothing else, and so nothing about an expert that it did not choose.
    # Expert e gets dL/d(out_e) = g_e dL/dy. Below the seam the graph takes over again:
    # `seam` is a node whose children are the gates and the h, and whose local gradients are the
    # dL/d(child) found by hand. Its own gradient is 1, so it hands each child just that.
    loss.backward()
    children, grads, leaves = [], [], expert_leaves(model)
    if tape.scores: work["router"] += 2 * sum(map(len, model["router"]))  # each product's 2 slopes
    for h, ran, y in tape.visits:
        d_y, d_x, x = [v.grad for v in y], [0.0] * (N_STREAM + 1), [v.data for v in h] + [1.0]
        for e, gate, weights, (hidden, out) in zip(tape.chosen, tape.gates, tape.weights, ran):
            d_out = d_y
            if tape.scores:
                children.append(gate)
                grads.append(dot_floats("mixing", d_y, out))
                d_out = scaled("mixing", gate.data, d_y)
            more = expert_backward(leaves[e], weights, x, hidden, d_out)
            d_x = list(map(operator.add, d_x, more))
        children += h
        grads += d_x[:-1]  # the last is that of the 1
    seam = Value(0.0, (*children,), (*grads,))  # no one reads its data
    (seam if extra is None else seam + extra).backward()

def balance_loss(scores, load):
    """N sum_e f_e P_e, with f = load and P the router's probabilities: 1 if f is even."""
    # Nothing so far makes the router fair, and if each expert has a device of its own, all wait for
    # the busiest. Hence this loss, at some cost in the main one (Switch, eq. 4; there f and P are
    # means over many tokens). f_e, the share of choices that fell on e, is a count, without
    # derivative. The slope in P_e is N f_e; in the score s_e it is N P_e (f_e - sum_j P_j f_j). So
    # experts busier than this mean of f, weighted by P, are pushed down, and the others up.
    return vsum([p * (N_EXPERT * f) for f, p in zip(load, softmax(scores))])

# ===== 4. Training ================================================================================
def adam_step(params, m, v, step, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Move params downhill. m, v: lists of 0.0 at first, updated in place; step counts from 1."""
    m_share, v_share = 1.0 - beta1 ** step, 1.0 - beta2 ** step
    for i, p in enumerate(params):
        m[i] = m_i = beta1 * m[i] + (1.0 - beta1) * p.grad
        v[i] = v_i = beta2 * v[i] + (1.0 - beta2) * p.grad * p.grad
        p.data -= lr * (m_i / m_share) / ((v_i / v_share) ** 0.5 + eps)

def progress(phase, step, steps, loss, start):
    """Report on stderr: a line that rewrites itself on a terminal, elsewhere a line each tenth."""
    terminal, passed = sys.stderr.isatty(), time.perf_counter() - start
    if terminal or step * 10 % steps < 10:
        print(f"{phase} {step}/{steps}  loss {loss:.3f}  {passed:.0f} s, "
              f"{passed / step * (steps - step):.0f} s left".ljust(58), file=sys.stderr,
              end="\r" if terminal and step < steps else "\n", flush=True)

def train(phase, model, docs, balance):
    """A step of Adam per document. Return for each step the experts chosen, as 0 or 1 for each."""
    params, start, steps = parameters(model), time.perf_counter(), len(docs)
    m, v, choices, load = [0.0] * len(params), [0.0] * len(params), [], [1 / N_EXPERT] * N_EXPERT
    for step, doc in enumerate(docs, 1):
        loss, tape = forward(model, doc)
        extra = None
        if "router" in model:
            choices.append([int(e in tape.chosen) for e in range(N_EXPERT)])
            load = [MEMORY * f + (1.0 - MEMORY) * n / TOP_K for f, n in zip(load, choices[-1])]
            if balance: extra = balance_loss(tape.scores, load) * balance
        for p in params: p.grad = 0.0
        backward(model, loss, tape, extra)
        adam_step(params, m, v, step, LEARNING_RATE * (steps - step + 1) / steps, BETA1, BETA2)
        progress(phase, step, steps, loss.data, start)
        del loss, tape, extra
    return choices

def parameters(model):
    """All parameters of a model as one list."""
    return [p for w in model.values() for row in w for p in row]

def word_nats(model, docs):
    """Nats of the word of each document, the sum over its tokens."""
    return [forward(model, doc)[0].data * (len(doc[1]) - 1) for doc in docs]

# ===== 5. The lesson: who works on what ===========================================================
def loads(choices):
    """The share of all choices that fell on each expert; with TOP_K = 2 at most 1/2."""
    totals = [sum(column) for column in zip(*choices)]
    return [total / sum(totals) for total in totals]

def draw_loads(columns, rows=10):
    """Stacked bars {title: choices}: a row per tenth of training, a letter per 1/32 of the load."""
    print("   " + "".join(f"{title:36}" for title in columns).rstrip())
    for i in range(rows):
        line = "   "
        for choices in columns.values():
            part, ends, bar = choices[i * len(choices) // rows:][:-(-len(choices) // rows)], 0.0, ""
            for e, share in enumerate(loads(part)):
                ends += share
                bar += "ABCD"[e] * (round(32 * ends) - len(bar))
            line += f"{bar:36}"
        print(line.rstrip())

def choices_of(model, docs):
    """For each document the experts that the router puts first, second ...: their numbers."""
    # An untrained router sorts bags along random directions, and so tells something of kinds too.
    return [route(model, make_bag(model, excess))[0] for excess, _ in docs]

def count_table(firsts, labels):
    """{label: words per expert}, from the first choice for each word and the word's label."""
    table = {label: [0] * N_EXPERT for label in KINDS}
    for e, label in zip(firsts, labels): table[label][e] += 1
    return table

def mutual_information(table):
    """Bits that the column tells of the row: the mean of log2(p(row given column) / p(row))."""
    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table)]
    return math.fsum(n / sum(rows) * math.log2(n * sum(rows) / (rows[i] * columns[e]))
                     for i, row in enumerate(table) for e, n in enumerate(row) if n)

# ===== 6. Run =====================================================================================
def run(main, doc, **more):
    """Parse the options, those in more ({name: type}) too, and call main with them."""
    sys.stdout, sys.stderr = [s or open(os.devnull, "w") for s in (sys.stdout, sys.stderr)]
    getattr(sys.stdout, "reconfigure", dict)(line_buffering=True, errors="backslashreplace")
    parser = argparse.ArgumentParser(description=doc)
    parser.error = lambda s: parser.exit(2, f"{parser.prog}: {' '.join(s.split())}; see --help\n")
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps, 1 or more")
    parser.add_argument("--seed", type=int, default=42, help="where all randomness starts")
    for name, kind in more.items(): parser.add_argument(f"--{name}", type=kind, help=kind.__doc__)
    args, start = parser.parse_args(), time.perf_counter()
    if not 0 < args.steps <= 1e9: parser.error(f"argument --steps: {args.steps} is not 1 to 1e9")
    try:
        main(args)
        print(f"{time.perf_counter() - start:.1f} s in all", file=sys.stderr)
    except KeyboardInterrupt: os._exit(130)  # Ctrl-C
    except OSError: os._exit(1)  # nobody reads stdout any more, as in | head

def main(args):
    if sys.implementation.name == "cpython": gc.disable()  # graphs have no cycles to look for
    rng, kind_of = random.Random(args.seed), {w: kind for kind, ws in KINDS.items() for w in ws}
    words = list(kind_of)
    rng.shuffle(words)
    n_held_out, vocab = len(words) // 6, "\n" + "".join(sorted(set("".join(words))))
    train_words, test_words = words[n_held_out:], words[:n_held_out]
    print(f"{len(train_words)} words of {len(KINDS)} kinds to train on, {n_held_out} held out; "
          f"{N_HINTS} hints for each")
    usual, steps = letter_shares(train_words, vocab), args.steps
    def documents(some, n):  # n words out of some, each once before any comes again
        turns = [word for _ in range(0, n, len(some)) for word in rng.sample(some, len(some))][:n]
        return turns, [make_doc(word, [w for w in some if kind_of[w] == kind_of[word]], usual,
                                vocab, rng) for word in turns]
    tested, held_out = documents(test_words, min(n_held_out, 20 + steps))  # fewer in a short try
    labels, n_tokens = [kind_of[word] for word in tested], sum(len(word) + 1 for word in tested)
    print("\n1. Held-out loss in nats per token; parameters and multiplications per token are\n"
          "   those of the layer alone. Gain: of the mixture over this one, +- its standard\n"
          "   error over words (another training may differ). Dense sizes are rounded up\n\n"
          "                    parameters  multiplications      nats   gain\n"
          "                                forward  training")
    cost = N_STREAM + 1 + N_STREAM  # parameters and multiplications of a hidden unit
    router = N_EXPERT * (N_BAG + 1)  # runs once a word; dense gets this much more for each letter
    same_work = -(-(TOP_K * N_HIDDEN * cost + router + TOP_K * N_STREAM) // cost)  # rounded up
    same_size = -(-(N_EXPERT * N_HIDDEN * cost + router) // cost)
    turns, docs = documents(train_words, steps)  # the same for all models
    models, nats, forwards, both, choices, before = {}, {}, {}, {}, {}, []
    for name, n_expert, n_hidden, balance in (
            ("mixture", N_EXPERT, N_HIDDEN, BALANCE), ("dense, same work", 1, same_work, 0.0),
            ("dense, same size", 1, same_size, 0.0), ("unbalanced", N_EXPERT, N_HIDDEN, 0.0)):
        models[name] = model = init_model(len(vocab), n_expert, n_hidden, random.Random(args.seed))
        if balance: before = choices_of(model, held_out)  # with or without, both start like this
        work.clear()
        choices[name] = train(name, model, docs, balance)
        both[name] = sum(work.values()) / sum(len(word) + 1 for word in turns)
        work.clear()
        nats[name] = word_nats(model, held_out)
        forwards[name] = sum(work.values()) / n_tokens
        layer = sum(len(row) for key, w in model.items() for row in w
                    if key not in ("wte", "bag", "mixer", "mixer_bag", "lm_head"))
        gaps = list(map(operator.sub, nats[name], nats["mixture"]))
        mean = math.fsum(gaps) / len(gaps)  # for the error: words are independent, variances add
        error = math.fsum((gap - mean) * (gap - mean) for gap in gaps) ** 0.5 / n_tokens
        print(f"   {name:16} {layer:10}  {forwards[name]:7.0f} {both[name]:9.0f}   "
              f"{math.fsum(nats[name]) / n_tokens:10.3f}"
              + f"   {math.fsum(gaps) / n_tokens:+.3f} +- {error:.3f}" * (name != "mixture"))
    means = {name: math.fsum(ys) / n_tokens for name, ys in nats.items()}
    print("\n2. The load of experts A, B, C, D: a row for each tenth of training, where 32\n"
          "   letters are all choices, so 8 a fair share and 16 the most\n")
    draw_loads({"with the balancing loss": choices["mixture"], "without": choices["unbalanced"]})
    even, uneven = [loads(choices[name][steps * 3 // 4:]) for name in ("mixture", "unbalanced")]
    start = loads([[int(e in chosen) for e in range(N_EXPERT)] for chosen in before])
    print(f"\n   The largest share before training, on held-out words: {max(start):.2f}; in the "
          f"last\n   quarter of training with the loss {max(even):.2f}, without {max(uneven):.2f}")
    print("\n3. The first and the second choice for some held-out words of each kind\n")
    picked = choices_of(models["mixture"], held_out)
    for kind in KINDS:
        some = [i for i, label in enumerate(labels) if label == kind][:5]
        print(f"   {kind:7}" + "".join(f"  {''.join('ABCD'[e] for e in picked[i])} {tested[i]:9.9}"
                                       for i in some).rstrip())
    firsts, chance = [chosen[0] for chosen in picked], []
    print("\n   First choices as shares:       A       B       C       D")
    for kind, row in count_table(firsts, labels).items():
        print(f"   {kind:24}" + "".join(f"{n / max(1, sum(row)):8.2f}" for n in row))
    bits, at_first = [mutual_information(count_table(chosen, labels).values())
                      for chosen in (firsts, [chosen[0] for chosen in before])]
    for _ in range(99):
        rng.shuffle(labels)
        chance.append(mutual_information(count_table(firsts, labels).values()))
    print(f"\n   The first choice tells {bits:.3f} bits of the kind, of 2; before training "
          f"{at_first:.3f};\n   with the kinds shuffled over the words, 99 times, at most "
          f"{max(chance):.3f}")
    saved = forwards["mixture"] / forwards["dense, same size"]
    print("\nclaims")
    for ok, claim in (
            (means["mixture"] < means["dense, same work"],
             f"held out: the mixture {means['mixture']:.3f} < {means['dense, same work']:.3f}, "
             "dense with the same work"),
            (saved <= 0.6,
             f"counted: {100 * saved:.0f}% <= 60% of the multiplications of dense with its size"),
            (min(even) >= 0.15, f"last quarter, balanced: least share {min(even):.2f} >= 0.15"),
            (max(uneven) >= max(even) + 0.1,
             f"largest share {max(even):.2f}; without balancing {max(uneven):.2f}, >= 0.10 more"),
            (bits > max(*chance, at_first), f"choices tell {bits:.3f} bits of kinds, untrained "
                                            f"{at_first:.3f}, kinds shuffled {max(chance):.3f}")):
        print(f"[{'ok' if ok else 'no'}] {claim}")

# Try this, one line at a time (seed 42; the mixture gains 0.051 over dense with its work):
# - N_HINTS = 0: there is nothing to route by, and nothing is gained: -0.014.
# - TOP_K = 1: -0.022. The gate is always 1, and L teaches nothing (Switch's softmax is over all).
# - TOP_K = 4: 0.049. All experts work, 853 multiplications in place of 429, and gain no more.
if __name__ == "__main__": run(main, __doc__)
