"""Modules of PyTorch of every kind that becomes layers."""

import torch
from torch import nn
from torch.nn import functional as F

# Modules, and the shape of a row.
MODULES = {
    "mlp": (lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3), nn.Softmax(-1)), (6,)),
    "cnn": (
        lambda: nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)),
            nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2),
            nn.Flatten(),
            nn.Linear(6 * 2 * 3, 5),
        ),
        (3, 8, 10),
    ),
    "steps": (
        lambda: nn.Sequential(
            nn.Conv1d(4, 6, 3, dilation=2, padding="same"),
            nn.BatchNorm1d(6),
            nn.AvgPool1d(2, padding=1),
            nn.ConvTranspose1d(6, 5, 3, stride=2, padding=1, output_padding=1),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
        ),
        (4, 9),
    ),
    "images_transposed": (lambda: nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1), (2, 4, 5)),
    "video": (lambda: nn.Sequential(nn.Conv3d(2, 3, 2), nn.MaxPool3d(2), nn.AdaptiveMaxPool3d(1)), (2, 5, 6, 4)),
    "normalized": (
        lambda: nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.BatchNorm1d(8), nn.PReLU()),
        (5,)[:0] or (6,),
    ),
    "groups": (lambda: nn.Sequential(nn.GroupNorm(2, 4), nn.PReLU(4), nn.Dropout2d(0.5)), (4, 3, 5)),
    "tokens": (lambda: nn.Sequential(nn.Embedding(11, 4), nn.Flatten(), nn.Linear(28, 2)), (7,)),
    "lstm": (lambda: nn.LSTM(4, 3, num_layers=2, batch_first=True, bidirectional=True), (5, 4)),
    "gru": (lambda: nn.GRU(4, 3, batch_first=True), (5, 4)),
    "rnn": (lambda: nn.RNN(4, 3, nonlinearity="relu", bias=False, batch_first=True), (5, 4)),
    "activations": (
        lambda: nn.Sequential(
            nn.LeakyReLU(0.1),
            nn.ELU(0.7),
            nn.SELU(),
            nn.GELU(),
            nn.GELU("tanh"),
            nn.SiLU(),
            nn.Mish(),
            nn.Hardtanh(),
            nn.Hardsigmoid(),
            nn.Hardswish(),
            nn.ReLU6(),
            nn.Softplus(),
            nn.Softsign(),
            nn.Tanh(),
            nn.LogSigmoid(),
            nn.Tanhshrink(),
            nn.Sigmoid(),
            nn.Identity(),
            nn.LogSoftmax(-1),
        ),
        (6,),
    ),
    "float64": (lambda: nn.Sequential(nn.Linear(6, 2), nn.Tanh()).double(), (6,)),
    "root_mean_squares": (lambda: nn.Sequential(nn.RMSNorm(6), nn.RMSNorm(6, 1e-3, elementwise_affine=False)), (4, 6)),
    "instances": (lambda: nn.Sequential(nn.InstanceNorm2d(4, affine=True), nn.InstanceNorm2d(4)), (4, 3, 5)),
    "stem": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 4, 7, 2, 3),
            nn.MaxPool2d(3, 2, 1),
            nn.AdaptiveAvgPool2d((2, None)),
            nn.MaxPool2d(2, 2, 0, 1, False, True),
        ),
        (3, 16, 15),
    ),
    "more_places": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 8, 3, padding=1),
            nn.PixelShuffle(2),
            nn.Upsample(scale_factor=(2, 1)),
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.PixelUnshuffle(2),
        ),
        (2, 3, 4),
    ),
    "other_places": (
        lambda: nn.Sequential(
            nn.Upsample((5, 9), mode="bilinear"),
            nn.Upsample((4, 6), mode="nearest-exact"),
            nn.ZeroPad2d((1, 2, 0, 1)),
            nn.ConstantPad2d((-1, 0, 1, -2), 0),
            nn.Unflatten(1, (2, 1)),
            nn.Flatten(2, 3),
        ),
        (2, 3, 4),
    ),
    "more_steps": (lambda: nn.Upsample(scale_factor=3), (2, 4)),
    "more_activations": (
        lambda: nn.Sequential(
            nn.CELU(0.7),
            nn.Hardshrink(0.2),
            nn.Softshrink(0.1),
            nn.Threshold(0.1, 0.5),
            nn.Softplus(2.0),
            nn.Softmin(-1),
        ),
        (6,),
    ),
    "encoder": (
        lambda: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, nn.LayerNorm(8), enable_nested_tensor=False
        ),
        (5, 8),
    ),
    "encoder_layer": (
        lambda: nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", norm_first=True, batch_first=True),
        (5, 8),
    ),
}


class Net(nn.Module):
    """As tutorials write networks: functions between modules."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3)
        self.fc1, self.fc2 = nn.Linear(6 * 4 * 4, 10), nn.Linear(10, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.relu(self.conv2(x))
        x = F.dropout(x, 0.5, training=self.training)
        x = x.view(x.size(0), -1)
        return F.log_softmax(self.fc2(torch.tanh(self.fc1(x))), dim=1)


class Residual(nn.Module):
    """Branches, a shared module, arithmetic and a recurrent module's last step."""

    def __init__(self):
        super().__init__()
        self.lstm, self.same = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 6)

    def forward(self, x):
        h, _ = self.lstm(x)
        last = h[:, -1]
        one = self.same(torch.relu(self.same(last))) + last
        return torch.cat([one * 2 - 1, -last, h.mean(1)], dim=1)


class Block(nn.Module):
    """A block of a transformer."""

    def __init__(self, **options):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True, **options)
        self.one, self.other = nn.LayerNorm(8), nn.LayerNorm(8)
        self.dense = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))

    def forward(self, x):
        h = self.one(x)
        x = x + self.attention(h, h, h, need_weights=False)[0]
        return x + self.dense(self.other(x))


class Causal(nn.Module):
    """Attention as language models write it: one product for queries, keys and values, heads by views."""

    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24, bias=False), nn.Linear(8, 8)

    def forward(self, x):
        rows, steps, size = x.shape
        q, k, v = self.qkv(x).split(size, dim=2)
        q, k, v = (part.view(rows, steps, 2, size // 2).transpose(1, 2) for part in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).contiguous().view(rows, steps, size))


class Moves(nn.Module):
    """Functions that move numbers."""

    def forward(self, x):
        one, other = torch.chunk(F.pad(x, (1, 0, 0, 2)).permute(0, 2, 3, 1), 2, dim=3)
        both = torch.stack([one.squeeze(-1), other.squeeze(3)], dim=1).unsqueeze(2)
        return F.interpolate(both.flatten(1, 2), scale_factor=2)


class Buffered(nn.Module):
    """Buffers: statistics of the data, and places that are added to steps."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("mean", torch.tensor([1.0, -2.0, 0.5, 0.0]))
        self.register_buffer("deviation", torch.tensor([0.5, 2.0, 1.0, 3.0]))
        self.register_buffer("places", torch.sin(torch.arange(40.0)).reshape(1, 10, 4))
        self.register_buffer("factor", torch.tensor(0.7))

    def forward(self, x):
        x = (x - self.mean) / self.deviation
        return self.linear(self.factor * x + self.places[:, :6]) * self.deviation


class Convolved(nn.Module):
    """A residual block of a ResNet."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3, 2, 1, bias=False), nn.Conv2d(6, 6, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(6), nn.BatchNorm2d(6)
        self.shortcut = nn.Sequential(nn.Conv2d(3, 6, 1, 2, bias=False), nn.BatchNorm2d(6))
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))
        return self.head(torch.flatten(F.adaptive_avg_pool2d(y, 1), 1))


MODULES |= {"net": (Net, (1, 14, 14)), "residual": (Residual, (5, 4)), "resnet_block": (Convolved, (3, 8, 8))}
MODULES |= {"causal": (Causal, (5, 8)), "moves": (Moves, (2, 3, 4)), "buffers": (Buffered, (6, 4))}
MODULES |= {"transformer_block": (Block, (5, 8)), "attention_without_bias": (lambda: Block(bias=False), (5, 8))}
