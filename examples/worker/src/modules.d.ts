declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
declare module '*.octavo' {
  const bytes: ArrayBuffer;
  export default bytes;
}
declare module '*/labels.json' {
  const labels: string[];
  export default labels;
}
declare module '@jsquash/*/decode.js' {
  export function init(module: WebAssembly.Module): Promise<void>;
  export default function decode(
    bytes: ArrayBuffer,
  ): Promise<{ data: Uint8ClampedArray; width: number; height: number }>;
}
