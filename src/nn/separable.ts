import { checkInteger } from '../core/errors.ts';
import type { Handle } from '../graph/dispatch.ts';
import { PLAIN_WINDOW } from '../ops/geometry.ts';
import { initializerOf, Layer, pair } from './layer.ts';
import { type Conv2dOptions, checkWindow, KERNEL, windowAttrs } from './windows.ts';

/** A depthwise convolution and a 1x1 convolution with one name: `name/depthwise` and `name`. */
export class SeparableConv2d extends Layer<Conv2dOptions> {
  constructor(options: Conv2dOptions) {
    super('conv2d', options, [...KERNEL, 'filters'], 'separableConv2d');
    checkInteger('separableConv2d', 'filters', options.filters, 1);
    for (const size of pair('separableConv2d', 'kernelSize', options.kernelSize)) {
      checkInteger('separableConv2d', 'kernelSize', size, 1);
    }
    initializerOf('separableConv2d', options);
    checkWindow('separableConv2d', options);
  }

  forward(x: Handle): Handle {
    const { filters, useBias = true, name } = this.options;
    const [kh, kw] = pair('separableConv2d', 'kernelSize', this.options.kernelSize);
    const channels = x.shape[3]!;
    const shared = { initializer: initializerOf('separableConv2d', this.options), decay: true };
    const depthwise = this.parameter({
      ...shared,
      name: 'depthwiseKernel',
      shape: [kh, kw, channels],
      fanIn: kh * kw,
      fanOut: kh * kw,
    });
    const pointwise = this.parameter({
      ...shared,
      name: 'pointwiseKernel',
      shape: [filters, 1, 1, channels],
      fanIn: channels,
      fanOut: filters,
    });
    const window = windowAttrs('separableConv2d', x, [kh, kw], this.options);
    const own = name && `${name}/depthwise`;
    const mixed = x.apply('depthwiseConv2d', [x, depthwise], window, own);
    const weights = useBias ? [pointwise, this.bias(filters)] : [pointwise];
    return this.call([mixed, ...weights], PLAIN_WINDOW);
  }
}
