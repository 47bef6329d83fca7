"""The networks and training steps of microtwin's generators in PyTorch, as its users write them.

Weights and random numbers can be taken over from JAX, so that both do the very same step.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

MOMENTUM, EPSILON = 0.01, 1e-3  # Keras's batch normalisation
ADAM_EPSILON = 1e-7
LOCAL, COMMON = 48, {2: 16, 3: 8}  # channels of the latent
FORMATS = {
    2: {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last},
    3: {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last_3d},
}


class ThesisGenerator(nn.Module):
    def __init__(self, size, layout):
        super().__init__()
        self.base, self.layout = size // 32, layout
        self.dense = nn.Linear(64, self.base**2 * 64)
        self.ups = nn.ModuleList([nn.ConvTranspose2d(64, 64, 2, 2) for _ in range(5)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(64, EPSILON, MOMENTUM) for _ in range(5)])
        # A transposed convolution of stride 1 is a plain one, which is faster here.
        self.project = nn.Conv2d(64, 1, 2)

    def forward(self, latent, keep):
        x = _dropout(self.dense(latent), keep).view(-1, self.base, self.base, 64)
        x = x.permute(0, 3, 1, 2).contiguous(memory_format=self.layout)
        for up, norm in zip(self.ups, self.norms, strict=True):
            x = F.leaky_relu(norm(up(x)), 0.3, inplace=True)
        return torch.tanh(self.project(F.pad(x, (1, 0, 1, 0))))

    def take(self, weights):
        """Take the weights of the same network in JAX."""
        _dense(self.dense, weights["dense"])
        for i, (up, norm) in enumerate(zip(self.ups, self.norms, strict=True)):
            up.weight.copy_(_tensor(weights["doublings"][i]["kernel"]).permute(3, 2, 0, 1))
            up.bias.copy_(_tensor(weights["doublings"][i]["bias"]))
            _norm(norm, weights["norms"][i])
        kernel = _tensor(weights["project"]["kernel"]).permute(2, 3, 0, 1)
        self.project.weight.copy_(kernel.flip(2, 3))
        self.project.bias.copy_(_tensor(weights["project"]["bias"]))


class ThesisCritic(nn.Module):
    def __init__(self):
        super().__init__()
        plan = [(1, 1, 8, 1), (1, 16, 8, 2), (16, 32, 4, 2), (32, 64, 2, 2), (64, 128, 2, 2)]
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(c_in, c_out, size, stride, padding=(size - stride) // 2)
                if stride > 1
                else nn.Conv2d(c_in, c_out, size)
                for c_in, c_out, size, stride in plan
            ]
        )
        self.norms = nn.ModuleList([nn.BatchNorm2d(c, EPSILON, MOMENTUM) for _, c, _, _ in plan])
        self.hidden, self.out = nn.Linear(128, 128), nn.Linear(128, 1)

    def forward(self, images, keep):
        x = F.pad(images, (3, 4, 3, 4))
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.leaky_relu(norm(conv(x)), 0.3, inplace=True)
        x = F.leaky_relu(self.hidden(x.amax((2, 3))), 0.3)
        return self.out(_dropout(x, keep))[:, 0]

    def take(self, weights):
        """Take the weights of the same network in JAX."""
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            _conv(conv, weights["convs"][i])
            _norm(norm, weights["norms"][i])
        _dense(self.hidden, weights["hidden"])
        _dense(self.out, weights["out"])


class TextureGenerator(nn.Module):
    def __init__(self, axes, layout, *, latent, channels=(96, 64, 48, 32, 16)):
        super().__init__()
        self.axes, self.layout = axes, layout
        self.conv, self.mode = (F.conv2d, "bilinear") if axes == 2 else (F.conv3d, "trilinear")
        self.pool = F.avg_pool2d if axes == 2 else F.avg_pool3d
        widths = (latent, *channels)
        taps = (3,) * axes
        self.kernels = nn.ParameterList(
            [torch.empty(o, i, *taps) for i, o in zip(widths, channels, strict=False)]
        )
        self.strengths = nn.ParameterList([torch.empty(1, c, *(1,) * axes) for c in channels])
        self.biases = nn.ParameterList([torch.empty(1, c, *(1,) * axes) for c in channels])
        pointwise = nn.Conv2d if axes == 2 else nn.Conv3d
        self.mix = pointwise(channels[-1], channels[-1], 1)
        self.out = pointwise(channels[-1], 1, 1)

    def forward(self, field, noises):
        x = field.contiguous(memory_format=self.layout)
        inner = (..., *[slice(1, -1)] * self.axes)
        last = len(noises) - 1
        for i, noise in enumerate(noises):
            if i:
                x = F.interpolate(x, scale_factor=2, mode=self.mode, align_corners=False)[inner]
            x = self.conv(x, self.kernels[i])
            if i == last:  # twice the mean of two neighbours: weights 1, 2, 1
                x = self.pool(self.pool(x, 2, 1), 2, 1)
            x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-6)
            x = torch.addcmul(x + self.biases[i], noise, self.strengths[i])
            x = (F.leaky_relu(x, 0.2, inplace=True) - 0.319) * 1.6
        x = F.leaky_relu(self.mix(x), 0.2)
        return torch.tanh(self.out(x))

    def take(self, weights):
        """Take the weights of the same network in JAX."""
        for i, (kernel, strength, bias) in enumerate(
            zip(self.kernels, self.strengths, self.biases, strict=True)
        ):
            stage = weights["stages"][i]
            kernel.copy_(_kernel(stage["kernel"]))
            strength.copy_(_tensor(stage["strength"]).view_as(strength))
            bias.copy_(_tensor(stage["bias"]).view_as(bias))
        for layer, name in ((self.mix, "mix"), (self.out, "out")):
            layer.weight.copy_(_tensor(weights[name]["kernel"]).T.reshape(layer.weight.shape))
            layer.bias.copy_(_tensor(weights[name]["bias"]))


class TextureCritic(nn.Module):
    def __init__(self, *, channels=(32, 64, 128)):
        super().__init__()
        last = channels[-1]
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(c_in, c_out, 4, 2, padding=1)
                for c_in, c_out in zip((1, *channels), channels, strict=False)
            ]
            + [nn.Conv2d(last, last, 3, padding=1)]
        )
        self.window = nn.Conv2d(last, 1, 1)
        self.hidden, self.whole = nn.Linear(2 * last, last // 2), nn.Linear(last // 2, 1)

    def forward(self, images):
        x = images
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.2, inplace=True)
        spread = torch.sqrt(x.var((2, 3), unbiased=False) + 1e-6)
        hidden = F.leaky_relu(self.hidden(torch.cat([x.mean((2, 3)), spread], 1)), 0.2)
        windows = self.window(x).flatten(1)
        whole = self.whole(hidden).expand(-1, windows.shape[1] // 2)
        return torch.cat([windows, whole], 1)

    def take(self, weights):
        """Take the weights of the same network in JAX."""
        for i, conv in enumerate(self.convs[:-1]):
            _conv(conv, weights["convs"][i])
        _conv(self.convs[-1], weights["mix"])
        self.window.weight.copy_(_tensor(weights["window"]["kernel"]).T[:, :, None, None])
        self.window.bias.copy_(_tensor(weights["window"]["bias"]))
        _dense(self.hidden, weights["hidden"])
        _dense(self.whole, weights["whole"])


class Classic:
    """Binary cross-entropy with noisy labels; fake is 1."""

    def __init__(self, preset, layout):
        self.preset, self.layout = preset, FORMATS[2][layout]
        self.generator = ThesisGenerator(preset.size, self.layout)
        self.critic = ThesisCritic()
        _place(self, self.layout)
        self.size = self.generator.base**2 * 64

    def draw(self):
        n, of = self.preset.batch, torch.empty
        return {
            "latent": torch.randn(n, 64),
            "keep": of(n, self.size).bernoulli_(0.7),
            "labels": self.preset.label_noise * torch.rand(2 * n),
            "keep_critic": of(2 * n, 128).bernoulli_(0.7),
            "latent_2": torch.randn(n, 64),
            "keep_2": of(n, self.size).bernoulli_(0.7),
            "keep_judge": of(n, 128).bernoulli_(0.7),
        }

    def look(self, real, drawn):
        """Return what is generated, and the logits of it beside the real."""
        with torch.no_grad():
            fake = self.generator(drawn["latent"], drawn["keep"])
            return fake, self.critic(torch.cat([fake, real]), drawn["keep_critic"])

    def step(self, real, drawn=None):
        drawn = drawn or self.draw()
        n = len(real)
        with torch.no_grad():
            fake = self.generator(drawn["latent"], drawn["keep"])
        labels = drawn["labels"].clone()
        labels[:n] += 1
        logits = self.critic(torch.cat([fake, real]), drawn["keep_critic"])
        d_loss = F.binary_cross_entropy_with_logits(logits, labels)
        self.critic_adam.zero_grad()
        d_loss.backward()
        self.critic_adam.step()

        self.critic.requires_grad_(False)
        fake = self.generator(drawn["latent_2"], drawn["keep_2"])
        g_loss = F.softplus(self.critic(fake, drawn["keep_judge"])).mean()
        self.generator_adam.zero_grad()
        g_loss.backward()
        self.generator_adam.step()
        self.critic.requires_grad_(True)
        return d_loss.item(), g_loss.item()


class Penalised:
    """The relativistic game with a penalty on slopes, by a difference; fakes are made once."""

    def __init__(self, preset, layout, *, probe=0.05):
        self.preset, self.probe = preset, probe
        self.layout = FORMATS[2][layout]
        self.common = COMMON[preset.axes]
        self.generator = TextureGenerator(
            preset.axes, FORMATS[preset.axes][layout], latent=LOCAL + self.common
        )
        self.critic = TextureCritic()
        _place(self, self.layout, FORMATS[preset.axes][layout])
        self.averaged = [p.detach().clone() for p in self.generator.parameters()]
        self.taken = 0

    def draw(self):
        n, axes, size = self.preset.batch, self.preset.axes, self.preset.size
        side = size // 16 + 6
        local = torch.randn(n, LOCAL, *(side,) * axes)
        common = torch.randn(n, self.common, *(1,) * axes).expand(-1, -1, *(side,) * axes)
        noises = []
        for level in range(5):
            side = side - 2 if level == 0 else 2 * side - 4
            side -= 2 * (level == 4)
            noises.append(torch.randn(n, 1, *(side,) * axes))
        apart = size // self.preset.slices if self.preset.slices else 1
        return {
            "field": torch.cat([local, common], 1),
            "noises": noises,
            "corner": np.array(torch.randint(side - size + 1, (axes,))),
            "first": int(torch.randint(apart, ())),
            "probe": torch.randn(self._half() * 2, 1, size, size),
        }

    def _half(self):
        return max(self.preset.patches // 2, 1)

    def _fakes(self, drawn):
        made = self.generator(drawn["field"], drawn["noises"])
        size, count = self.preset.size, self.preset.slices
        made = made[(..., *(slice(c, c + size) for c in drawn["corner"]))]
        if count:  # slices normal to z, y and x, as (volume, place, axis)
            first, apart = int(drawn["first"]), size // count
            volumes = made[:, 0]
            along = [volumes.movedim(1 + a, 1)[:, first::apart] for a in range(3)]
            made = torch.stack(along, 2).reshape(-1, 1, size, size)
        return made.contiguous(memory_format=self.layout)

    def look(self, real, drawn):
        """Return what is generated, and the logits of it beside the real."""
        with torch.no_grad():
            fake = self._fakes(drawn)
            return fake, self.critic(torch.cat([fake, real]))

    def step(self, real, drawn=None):
        drawn = drawn or self.draw()
        n, half = len(real), self._half()
        fake = self._fakes(drawn)
        seen = fake.detach()
        probed = torch.cat([real[:half], seen[:half]])
        probed = torch.add(probed, drawn["probe"], alpha=self.probe)
        of_real, of_fake, of_probed = self.critic(torch.cat([real, seen, probed])).split(
            [n, n, 2 * half]
        )
        d_loss = F.softplus(of_fake - of_real).mean()
        change = of_probed - torch.cat([of_real[:half], of_fake[:half]])
        cost = (change.mean(1) / self.probe).square().mean()
        self.critic_adam.zero_grad()
        (d_loss + self.preset.penalty * cost).backward()
        self.critic_adam.step()

        self.critic.requires_grad_(False)
        seen.requires_grad_(True)
        g_loss = F.softplus(of_real.detach() - self.critic(seen)).mean()
        (wish,) = torch.autograd.grad(g_loss, seen)
        self.generator_adam.zero_grad()
        fake.backward(wish)
        self.generator_adam.step()
        self.critic.requires_grad_(True)

        keep = min(self.preset.average, (1 + self.taken) / (10 + self.taken))
        with torch.no_grad():
            torch._foreach_lerp_(self.averaged, list(self.generator.parameters()), 1 - keep)
        self.taken += 1
        return d_loss.item(), g_loss.item()


RECIPES = {"classic": Classic, "penalised": Penalised}


def from_jax(array, layout="contiguous"):
    """Bring images (n, *sides, c) into PyTorch's order."""
    tensor = torch.from_numpy(np.array(array))
    axes = tensor.ndim - 2
    tensor = tensor.permute(0, axes + 1, *range(1, axes + 1))
    return tensor.contiguous(memory_format=FORMATS[axes][layout])


@torch.no_grad()
def take(model, generator, critic):
    """Give both networks of a model the weights of those in JAX."""
    model.generator.take(generator)
    model.critic.take(critic)
    if hasattr(model, "averaged"):
        model.averaged = [p.clone() for p in model.generator.parameters()]


def _place(model, layout, generator_layout=None):
    """Bring weights into a layout and make the optimisers."""
    preset = model.preset
    model.generator.to(memory_format=generator_layout or layout)
    model.critic.to(memory_format=layout)
    for name in ("generator", "critic"):
        adam = torch.optim.Adam(
            getattr(model, name).parameters(),
            getattr(preset, f"{name}_rate"),
            (preset.momentum, preset.memory),
            ADAM_EPSILON,
            fused=True,
        )
        setattr(model, f"{name}_adam", adam)


def _tensor(array):
    return torch.from_numpy(np.array(array))


def _kernel(array):
    """Turn (*sides, in, out) into (out, in, *sides)."""
    tensor = _tensor(array)
    axes = tensor.ndim - 2
    return tensor.permute(axes + 1, axes, *range(axes))


def _conv(layer, weights):
    layer.weight.copy_(_kernel(weights["kernel"]))
    layer.bias.copy_(_tensor(weights["bias"]))


def _dense(layer, weights):
    layer.weight.copy_(_tensor(weights["kernel"]).T)
    layer.bias.copy_(_tensor(weights["bias"]))


def _norm(layer, weights):
    layer.weight.copy_(_tensor(weights["scale"]))
    layer.bias.copy_(_tensor(weights["bias"]))


def _dropout(x, keep):
    return x * keep * (1 / 0.7)
