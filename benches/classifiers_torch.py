"""Classifiers of Fashion-MNIST in PyTorch, as its users write them; weights come from JAX."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from generators_torch import EPSILON, MOMENTUM, _conv, _dense, _norm, _tensor

ADAM_EPSILON = 1e-7  # Keras's


class Cnn(nn.Module):
    layout = torch.channels_last

    def __init__(self):
        super().__init__()
        widths = (1, 32, 32, 64, 64, 128, 128)
        self.convs = nn.ModuleList([nn.Conv2d(i, o, 3, padding=1) for i, o in pairwise(widths)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(c, EPSILON, MOMENTUM) for c in widths[1:]])
        self.drops = nn.ModuleList([nn.Dropout(rate) for rate in (0.2, 0.3, 0.4)])
        self.hidden, self.norm = nn.Linear(1152, 16), nn.BatchNorm1d(16, EPSILON, MOMENTUM)
        self.drop, self.out = nn.Dropout(0.5), nn.Linear(16, 10)

    def forward(self, x):
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = norm(torch.tanh(conv(x)))
            if i % 2:
                x = self.drops[i // 2](F.max_pool2d(x, 2))
        x = x.permute(0, 2, 3, 1).flatten(1)
        return self.out(self.drop(self.norm(F.relu(self.hidden(x)))))

    def pairs(self, weights):
        """Tell for each parameter here where it is there, and how it is turned."""
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            yield _conv, conv, weights["convs"][i]
            yield _norm, norm, weights["norms"][i]
        yield _dense, self.hidden, weights["hidden"]
        yield _norm, self.norm, weights["norm"]
        yield _dense, self.out, weights["out"]


class Rnn(nn.Module):
    layout = torch.contiguous_format

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.RNN(i, o, nonlinearity="relu", batch_first=True)
                for i, o in ((28, 256), (256, 128), (128, 64))
            ]
        )
        self.norm, self.out = nn.BatchNorm1d(64, EPSILON, MOMENTUM), nn.Linear(64, 10)

    def forward(self, x):
        x = x[:, 0]
        for layer in self.layers:
            x, _ = layer(x)
        return self.out(self.norm(x[:, -1]))

    def pairs(self, weights):
        for i, layer in enumerate(self.layers):
            yield _recurrent, (layer, ""), weights["layers"][i]
        yield _norm, self.norm, weights["norm"]
        yield _dense, self.out, weights["out"]


class BiLstm(nn.Module):
    layout = torch.contiguous_format

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.LSTM(i, o, batch_first=True, bidirectional=True)
                for i, o in ((28, 256), (512, 128))
            ]
        )
        self.hidden = nn.ModuleList([nn.Linear(256, 256), nn.Linear(256, 128)])
        self.drops = nn.ModuleList([nn.Dropout(0.3), nn.Dropout(0.3)])
        self.out = nn.Linear(128, 10)

    def forward(self, x):
        x, _ = self.layers[0](x[:, 0])
        _, (last, _) = self.layers[1](x)
        x = torch.cat([last[0], last[1]], 1)
        for dense, drop in zip(self.hidden, self.drops, strict=True):
            x = drop(F.relu(dense(x)))
        return self.out(x)

    def pairs(self, weights):
        for i, layer in enumerate(self.layers):
            yield _recurrent, (layer, ""), weights["layers"][i]["forward"]
            yield _recurrent, (layer, "_reverse"), weights["layers"][i]["backward"]
        for i, dense in enumerate(self.hidden):
            yield _dense, dense, weights["hidden"][i]
        yield _dense, self.out, weights["out"]


NETWORKS = {"fashion-cnn": Cnn, "fashion-rnn": Rnn, "fashion-bilstm": BiLstm}


class Model:
    """A network and its training step.

    PyTorch gives recurrent layers a second bias, which is zero here and stays so in what is
    compared; it costs an addition.
    """

    def __init__(self, name, weights, optimiser, rate):
        self.network = NETWORKS[name]()
        with torch.no_grad():
            for put, layer, there in self.network.pairs(weights):
                put(layer, there)
        self.network.to(memory_format=self.network.layout)
        of, parameters = torch.optim, self.network.parameters()
        self.descent = {
            "adam": lambda: of.Adam(parameters, rate, eps=ADAM_EPSILON, fused=True),
            "rmsprop": lambda: of.RMSprop(parameters, rate, 0.9, ADAM_EPSILON),
            "sgd": lambda: of.SGD(parameters, rate, fused=True),
        }[optimiser]()

    def place(self, images):
        """Bring images (n, y, x, 1) into PyTorch's order."""
        return _tensor(images).permute(0, 3, 1, 2).contiguous(memory_format=self.network.layout)

    def step(self, x, labels):
        self.descent.zero_grad()
        loss = F.cross_entropy(self.network(x), labels)
        loss.backward()
        self.descent.step()
        return loss.item()

    def look(self, x, labels, gradients):
        """Return logits, loss and how far gradients are from those given, without dropout.

        In float64: PyTorch's batch normalisation of channels-last images in float32 is further from
        that than JAX is. The network is of no use afterwards.
        """
        self.network.double()
        x = x.double()
        for module in self.network.modules():
            if isinstance(module, nn.Dropout):
                module.eval()
        logits = self.network(x)
        loss = F.cross_entropy(logits, labels)
        self.descent.zero_grad()
        loss.backward()
        with torch.no_grad():  # gradients take the places of weights, to be turned like them
            for parameter in self.network.parameters():
                parameter.copy_(parameter.grad)
        found = []
        with torch.no_grad():
            for put, layer, there in self.network.pairs(gradients):
                found.append(_taken(put, layer, there))
        return logits.detach().numpy(), loss.item(), found


def _recurrent(place, weights):
    layer, suffix = place
    getattr(layer, f"weight_ih_l0{suffix}").copy_(_tensor(weights["kernel"]).T)
    getattr(layer, f"weight_hh_l0{suffix}").copy_(_tensor(weights["recurrent_kernel"]).T)
    getattr(layer, f"bias_ih_l0{suffix}").copy_(_tensor(weights["bias"]))
    getattr(layer, f"bias_hh_l0{suffix}").zero_()


def _taken(put, layer, there):
    """Return how far a layer is from what `put` would make of it, in units of its largest."""
    suffix = ""
    names = ["weight", "bias"]
    place = layer
    if put is _recurrent:
        layer, suffix = place
        names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0"]
    found = [getattr(layer, name + suffix) for name in names]
    before = [each.clone() for each in found]
    put(place, there)
    apart = max(float((b - a).abs().max()) for b, a in zip(before, found, strict=True))
    return apart / max(float(each.abs().max()) for each in found)
