"""torch_steps.py NETS.json NET MODE SECONDS BATCH: steps of PyTorch on one thread; MODE is float, channelsLast or qat.

qat is its own eager quantization-aware training: prepare_qat with the default configuration of fbgemm, convolution, norm and
relu fused. Prints one line of JSON, as timeSteps.mjs does.
"""
import json
import sys
import time
import warnings

warnings.filterwarnings('ignore')
import torch
import torch.ao.quantization as quantization
from torch import nn
from torch.nn import functional

BATCH_STEPS_WARM = 5


class Residual(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.first = convolution(channels, filters, 3, stride, 'norm', relu=True)
        self.second = convolution(filters, filters, 3, 1, 'norm')
        shortcut = nn.Conv2d(channels, filters, 1, stride)
        self.shortcut = shortcut if stride > 1 else nn.Identity()
        self.sum = nn.quantized.FloatFunctional()

    def forward(self, x):
        return self.sum.add_relu(self.second(self.first(x)), self.shortcut(x))


class Pool(nn.Module):
    def forward(self, x):
        return functional.adaptive_avg_pool2d(x, 1).flatten(1)


class Net(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.quantize = quantization.QuantStub()
        self.body = body
        self.dequantize = quantization.DeQuantStub()

    def forward(self, x):
        return self.dequantize(self.body(self.quantize(x)))


def convolution(channels, filters, size, stride, end, groups=1, relu=False):
    layer = nn.Conv2d(channels, filters, size, stride, size // 2, groups=groups, bias=end == 'bias')
    parts = [layer] + ([nn.BatchNorm2d(filters)] if end == 'norm' else []) + ([nn.ReLU()] if relu else [])
    return nn.Sequential(*parts)


def build(net):
    channels, size = net['shape'][-1], net['shape'][0]
    layers, body = net['layers'], []
    for i, (op, *options) in enumerate(layers):
        relu = i + 1 < len(layers) and layers[i + 1][0] == 'relu'
        if op == 'conv':
            filters, kernel, stride, end = options
            body.append(convolution(channels, filters, kernel, stride, end, relu=relu))
            channels, size = filters, size // stride
        elif op == 'depthwise':
            body.append(convolution(channels, channels, 3, options[0], 'norm', channels, relu))
            size //= options[0]
        elif op == 'residual':
            body.append(Residual(channels, *options))
            channels, size = options[0], size // options[1]
        elif op == 'dense':
            linear = nn.Linear(channels, options[0])
            body.append(nn.Sequential(linear, nn.ReLU()) if relu else linear)
            channels = options[0]
        elif op == 'flatten':
            body.append(nn.Flatten())
            channels *= size * size
        elif op == 'pool':
            body.append(Pool())
    return Net(nn.Sequential(*body))


def quantized(model):
    model.train()
    for module in list(model.modules()):
        fusable = isinstance(module, nn.Sequential) and isinstance(module[0], (nn.Conv2d, nn.Linear))
        if fusable and len(module) > 1:
            names = [str(i) for i in range(len(module))]
            quantization.fuse_modules_qat(module, [names], inplace=True)
    model.qconfig = quantization.get_default_qat_qconfig('fbgemm')
    return quantization.prepare_qat(model, inplace=True)


def main(path, name, mode, seconds, batch):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with open(path) as file:
        net = json.load(file)[name]
    model = build(net)
    shape = net['shape']
    sample = [shape[2], shape[0], shape[1]] if len(shape) == 3 else shape
    x = torch.randn(int(batch), *sample)
    y = torch.tensor([i * 7 % net['classes'] for i in range(int(batch))])
    if mode == 'channelsLast':
        if len(shape) < 3:
            return {'error': 'only images have channels'}
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    if mode == 'qat':
        model = quantized(model)
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    first = step()
    for _ in range(BATCH_STEPS_WARM):
        step()
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < float(seconds) or len(times) < 3:
        before = time.perf_counter()
        last = step()
        times.append(1000 * (time.perf_counter() - before))
    return {'times': times, 'firstLoss': first, 'lastLoss': last}


try:
    print(json.dumps(main(*sys.argv[1:])))
except Exception as error:
    print(json.dumps({'error': str(error).split('\n')[0][:300]}))
