/**
 * Of a layer of the CIFAR ResNets of the zoo, the module's name in the usual PyTorch code (github.com/akamaster/pytorch_resnet_cifar10),
 * for `importSafetensors`: stem → conv1, stem/norm → bn1, stage_1/block_1/conv_2/norm → layer1.0.bn2, predictions → linear.
 */
export function cifarResnetModule(layer: string): string {
  if (layer === 'predictions') return 'linear';
  const module = layer.endsWith('/norm') ? 'bn' : 'conv';
  const place = /^stage_(\d+)\/block_(\d+)\/conv_(\d+)/.exec(layer);
  if (!place) return `${module}1`;
  const [, stage, block, conv] = place;
  return `layer${stage}.${Number(block) - 1}.${module}${conv}`;
}
